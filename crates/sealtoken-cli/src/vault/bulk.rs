//! The commands about many values.

use std::time::Duration;

use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Bulk, Tally};

use crate::failure::{Failure, again_until};
use crate::output::{self, Members};
use crate::progress::Progress;

use super::args::{PurgeDeleted, PurgeExpired, Rekey, Rewrap, SoftDeleteExpired};
use super::input;
use super::place::Prepared;

pub(super) async fn soft_delete_expired(options: &SoftDeleteExpired) -> Result<(), Failure> {
    let vault = options.scope.prepare()?.open().await?;
    let work = vault.soft_delete_expired();
    bulk(work, "soft-delete-expired", options.json).await
}

pub(super) async fn purge_expired(options: &PurgeExpired) -> Result<(), Failure> {
    let mut settings = Vault::options();
    if let Some(seconds) = options.margin {
        settings = settings.purge_margin(Duration::from_secs(seconds));
    }
    let vault = options.scope.prepare()?.open_with(settings).await?;
    bulk(vault.purge_expired(), "purge-expired", options.json).await
}

pub(super) async fn purge_deleted(options: &PurgeDeleted) -> Result<(), Failure> {
    let vault = options.scope.prepare()?.open().await?;
    let work = vault.purge_deleted(Duration::from_secs(options.older_than));
    bulk(work, "purge-deleted", options.json).await
}

/// Runs a command on many values, and prints their number.
async fn bulk(work: Bulk<'_, Tally, VaultError>, command: &str, json: bool) -> Result<(), Failure> {
    let progress = Progress::of("values")?;
    let done = work.progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| Failure::from(error).mended_by(&go_on(command)))?;
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

/// How to go on with a command that was cut off.
fn go_on(command: &str) -> String {
    format!("`sealtoken vault {command}`, run again, goes on from there")
}

pub(super) async fn rekey(options: &Rekey) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let old = match options.password_file.as_deref() {
        Some(path) => input::password_of(path)?,
        None => input::ask("Current password: ")?,
    };
    let new = match options.new_password_file.as_deref() {
        Some(path) => input::password_of(path)?,
        None => input::ask_twice("New password: ")?,
    };
    let vault = vault.open().await?;
    let rekeyed = vault.rekey(old, new).await;
    let what = again_until("vault rekey", "invalid_password");
    let count = rekeyed.map_err(|error| Failure::from(error).in_doubt(&what))?;
    let printed = output::line(&count.to_string());
    output::ended(printed, output::DONE, Ok(()))
}

pub(super) async fn rewrap(options: &Rewrap) -> Result<(), Failure> {
    let vault = Prepared::whole(&options.place)?.open().await?;
    let progress = Progress::of("keysets")?;
    let done = vault.rewrap().progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| Failure::from(error).mended_by(&go_on("rewrap")))?;
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
