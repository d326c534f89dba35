//! Commands on many values.

use sealtoken::vault::VaultError;
use sealtoken::{Bulk, Tally};

use crate::failure::Failure;
use crate::output::{self, Members};
use crate::progress::Progress;

/// Runs a command on many values, and prints their number.
pub(super) async fn bulk(
    work: Bulk<'_, Tally, VaultError>,
    command: &str,
    json: bool,
) -> Result<(), Failure> {
    let progress = Progress::of("values")?;
    let done = work.progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| Failure::from(error).advise(&go_on(command)))?;
    let printed = if json {
        output::json(&Members(vec![
            ("count", done.count.into()),
            ("tampered", done.tampered.into()),
        ]))
    } else {
        output::line(&done.count.to_string())
    };
    let found = Failure::of_tampered(done.tampered);
    output::ended(printed, output::DONE, found)
}

/// How to continue a command that was interrupted.
pub(super) fn go_on(command: &str) -> String {
    format!("run `sealtoken vault {command}` again to continue from there")
}
