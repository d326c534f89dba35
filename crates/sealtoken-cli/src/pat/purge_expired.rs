//! `pat purge-expired`: deletes expired tokens permanently.

use clap::Args;

use crate::failure::Failure;
use crate::output::{self, Members};
use crate::progress::Progress;
use crate::store::StoreArgs;

use super::open;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat purge-expired
  sealtoken pat purge-expired --json | jq .count")]
pub(crate) struct PurgeExpired {
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &PurgeExpired) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let pats = open::plain(&store).await?;
    let progress = Progress::of("tokens")?;
    let done = pats.purge_expired().progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| {
        Failure::from(error).advise("run `sealtoken pat purge-expired` again to delete the rest")
    })?;
    let printed = if options.json {
        output::json(&Members(vec![("count", done.count.into())]))
    } else {
        output::line(&done.count.to_string())
    };
    output::ended(printed, output::DONE, Ok(()))
}
