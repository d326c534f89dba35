//! `vault update`: replaces a value.

use clap::Args;
use sealtoken::Lifetime;

use crate::failure::{Failure, look_first};
use crate::values::lifetime;

use super::args::{Keep, PasswordArgs, TokenFile};
use super::input;
use super::scope::{Scope, flushed};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault update --token-file token --password-file password.txt < new-secret.bin
  cat token new-secret.bin | sealtoken vault update --expires-in 30d")]
pub(crate) struct Update {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    token: TokenFile,
    #[command(flatten)]
    password: PasswordArgs,
    /// Expires after this long: 90s, 30m, 8h, 1d, 2w, or forever [default: as before]
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
    #[command(flatten)]
    keep: Keep,
}

pub(super) async fn run(options: &Update) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let (token, value) = match options.token.token_file.as_deref() {
        Some(path) => (input::token_of(path)?, input::value()?),
        None => input::token_and_value()?,
    };

    let vault = vault.open_keeping(options.keep.keep_versions).await?;
    let mut update = vault.update(&*token, value);
    if let Some(password) = password {
        update = update.password(password);
    }
    if let Some(lifetime) = options.expires_in {
        update = update.expires(lifetime);
    }
    let updated = flushed(&vault, update.into_future()).await;
    let what = look_first("`sealtoken vault get`, by its `updated`,", "vault update");
    updated.map_err(|error| token.refused(error).in_doubt(&what))
}
