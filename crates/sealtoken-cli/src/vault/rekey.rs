//! `vault rekey`: changes a password for all values that it protects.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::failure::{Failure, again_until};
use crate::output;

use super::input;
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault rekey --password-file old.txt --new-password-file new.txt
  sealtoken vault rekey --namespace user-42")]
pub(crate) struct Rekey {
    #[command(flatten)]
    scope: Scope,
    /// Read the current password from this file; one line ending after it is ignored
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,
    /// Read the new password from this file; one line ending after it is ignored
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    new_password_file: Option<PathBuf>,
}

pub(super) async fn run(options: &Rekey) -> Result<(), Failure> {
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
