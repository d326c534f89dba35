//! `vault read`: writes a value to stdout.

use clap::Args;

use crate::failure::Failure;
use crate::output;

use super::args::{PasswordArgs, TokenFile};
use super::input;
use super::scope::{Scope, flushed};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault read --password-file password.txt < token
  sealtoken vault read --namespace user-42 --token-file token > secret.bin")]
pub(crate) struct Read {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    token: TokenFile,
    #[command(flatten)]
    password: PasswordArgs,
    /// Read this earlier value instead: a number that `versions` shows
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    earlier: Option<u64>,
}

pub(super) async fn run(options: &Read) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let token = input::token(options.token.token_file.as_deref())?;

    let vault = vault.open().await?;
    let mut read = vault.read(&*token);
    if let Some(number) = options.earlier {
        read = read.version(number);
    }
    if let Some(password) = password {
        read = read.password(password);
    }
    let read = async {
        let value = read.await.map_err(|error| token.refused(error))?;
        output::all(value.expose())
    };
    flushed(&vault, read).await
}
