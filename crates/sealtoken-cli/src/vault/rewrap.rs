//! `vault rewrap`: seals the keysets again after a rotation of the keys.

use clap::Args;
use sealtoken::ServiceError;

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
    output::ended(printed, output::DONE, of_failed(done.failed))
}

/// Fails if any keysets could not be opened. All others were sealed by then.
fn of_failed(count: u64) -> Result<(), Failure> {
    let (keysets, records) = match count {
        0 => return Ok(()),
        1 => (
            "keyset could not be opened and stays as it is",
            "its record",
        ),
        _ => (
            "keysets could not be opened and stay as they are",
            "their records",
        ),
    };
    let why = format!(
        "{count} {keysets}: keep the retired keys, add the missing ones or restore {records} from \
         a backup, and run `sealtoken vault rewrap` again"
    );
    Err(Failure::refused(ServiceError::Tampered.code(), why))
}
