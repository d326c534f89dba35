//! The commands about many values.

use std::time::Duration;

use sealtoken::vault::{SweepMode, Vault};

use crate::failure::{Failure, again_until};
use crate::output::{self, Members};
use crate::progress::Progress;

use super::args::{Rekey, Rewrap, Sweep};
use super::input;
use super::place::Prepared;

pub(super) async fn sweep(options: &Sweep) -> Result<(), Failure> {
    let mut settings = Vault::options();
    if let Some(seconds) = options.margin {
        settings = settings.sweep_margin(Duration::from_secs(seconds));
    }
    let vault = options.scope.prepare()?.open_with(settings).await?;
    let sweep = match options.purge_deleted {
        Some(seconds) => vault.purge_deleted(Duration::from_secs(seconds)),
        None if options.mode.hard => vault.sweep_expired(SweepMode::Hard),
        None => vault.sweep_expired(SweepMode::Soft),
    };
    let progress = Progress::of("values swept")?;
    let swept = sweep.progress(progress.after(0)).await;
    drop(progress);
    let swept = swept.map_err(|error| {
        Failure::from(error).mended_by("`sealtoken vault sweep`, run again, goes on from there")
    })?;
    let printed = if options.json {
        output::json(&Members(vec![
            ("count", swept.count.into()),
            ("tampered", swept.tampered.into()),
        ]))
    } else {
        output::line(&swept.count.to_string())
    };
    let found = Failure::of_tampered(swept.tampered);
    output::ended(printed, output::DONE, found)
}

pub(super) async fn rekey(options: &Rekey) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let old = match options.password_file.as_deref() {
        Some(path) => input::password_of(path)?,
        None => input::ask("Present password: ")?,
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
    let progress = Progress::of("keysets looked at")?;
    let done = vault.rewrap().progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| {
        Failure::from(error).mended_by("`sealtoken vault rewrap`, run again, goes on from there")
    })?;
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
                "{failed} keysets could not be opened and stay as they are: keep the retired keys, add those that are missing or restore these \
                 records from a backup, and run `sealtoken vault rewrap` again"
            ),
        }),
    };
    output::ended(printed, output::DONE, found)
}
