//! `vault roll-back`: makes an earlier value the current one.

use clap::Args;

use crate::failure::{Failure, look_first};

use super::args::{Keep, PasswordArgs, TokenFile};
use super::input;
use super::scope::{Scope, flushed};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault roll-back --to 3 --password-file password.txt < token")]
pub(crate) struct RollBack {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    token: TokenFile,
    #[command(flatten)]
    password: PasswordArgs,
    /// The number of the earlier value, as `versions` shows it
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    to: u64,
    #[command(flatten)]
    keep: Keep,
}

pub(super) async fn run(options: &RollBack) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let token = input::token(options.token.token_file.as_deref())?;

    let vault = vault.open_keeping(options.keep.keep_versions).await?;
    let mut back = vault.roll_back(&*token, options.to);
    if let Some(password) = password {
        back = back.password(password);
    }
    let rolled = flushed(&vault, back.into_future()).await;
    let what = look_first("`sealtoken vault versions`", "vault roll-back");
    rolled
        .map(|_| ())
        .map_err(|error| token.refused(error).in_doubt(&what))
}
