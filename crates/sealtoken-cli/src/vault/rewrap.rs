//! `vault rewrap`: seals the keysets again after a rotation of the keys.

use clap::Args;

use crate::failure::Failure;
use crate::output::{self, Members};
use crate::progress::Progress;
use crate::store::StoreArgs;

use super::bulk::go_on;
use super::scope::Prepared;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  SEALTOKEN_KEYS=\"$(cat new-key.txt) $(cat old-key.txt)\" sealtoken vault rewrap")]
pub(crate) struct Rewrap {
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Rewrap) -> Result<(), Failure> {
    let vault = Prepared::whole(&options.store)?.open().await?;
    let progress = Progress::of("keysets")?;
    let done = vault.rewrap().progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| Failure::from(error).advise(&go_on("rewrap")))?;
    let printed = if options.json {
        output::json(&Members(vec![
            ("resealed", done.resealed.into()),
            ("unchanged", done.unchanged.into()),
            ("failed", done.failed.into()),
        ]))
    } else {
        output::line(&done.resealed.to_string())
    };
    let found = match done.failed {
        0 => Ok(()),
        failed => Err(Failure::Refused {
            code: "tampered",
            why: format!(
                "{failed} keysets could not be opened and stay as they are: keep the retired keys, \
                 add the missing ones or restore these records from a backup, and run \
                 `sealtoken vault rewrap` again"
            ),
        }),
    };
    output::ended(printed, output::DONE, found)
}
