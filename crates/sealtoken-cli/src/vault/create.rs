//! `vault create`: stores a value, and prints its token.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sealtoken::Lifetime;
use sealtoken::vault::VaultError;

use crate::failure::{Failure, look_first, problem};
use crate::output;
use crate::values::lifetime;

use super::args::PasswordArgs;
use super::input;
use super::scope::{Scope, flushed};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf %s 'the secret' | sealtoken vault create --password-file pw.txt --expires-in 30d > token
  sealtoken vault create --label backup --store sqlite:vault.db < backup.key > token
  sealtoken vault create --token-file my-own-token.txt < secret.bin")]
pub(crate) struct Create {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    password: PasswordArgs,
    /// Expires after this long: 90s, 30m, 8h, 1d, 2w, or forever [default: forever]
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
    /// A label by which `list` finds it
    #[arg(long)]
    label: Option<String>,
    /// The length of the token in characters: 25 to 64, with --weak 15 to 64 [default: 32]
    #[arg(long, value_name = "CHARACTERS", allow_negative_numbers = true)]
    length: Option<usize>,
    /// Allow a token of less than 25 characters, which has less than 128 random bits
    #[arg(long, requires = "length")]
    weak: bool,
    /// Use the token in this file: 15 to 200 characters of A-Z, a-z, 0-9, - and _
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with = "length"
    )]
    token_file: Option<PathBuf>,
}

pub(super) async fn run(options: &Create) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::new_password(&options.password)?;
    let token = options.token_file.as_deref().map(input::token_of);
    let token = token.transpose()?;
    let value = input::value()?;
    let in_doubt = if token.is_some() {
        look_first("`sealtoken vault get`, by its `created`,", "vault create")
            + "; `already_exists` means only that a value exists"
    } else {
        let since = vault.now();
        format!(
            "nobody has its token: `sealtoken vault list --created-from {since}` shows whether it \
             was created, and `sealtoken vault delete --id ID` removes it; \
             then run `sealtoken vault create` again"
        )
    };

    let vault = vault.open().await?;
    let mut create = vault.create(value);
    if let Some(password) = password {
        create = create.password(password);
    }
    if let Some(lifetime) = options.expires_in {
        create = create.expires(lifetime);
    }
    if let Some(label) = &options.label {
        create = create.label(label);
    }
    create = match (options.length, options.weak) {
        (Some(length), true) => create.weak_length(length),
        (Some(length), false) => create.length(length),
        (None, _) => create,
    };
    if let Some(token) = &token {
        create = create.token(&**token);
    }
    flushed(&vault, async {
        let created = create.await.map_err(|error| match &token {
            Some(given) => given.refused(error),
            None => error.into(),
        });
        let token = created.map_err(|failure: Failure| failure.in_doubt(&in_doubt))?;
        if let Ok(true) = output::secret_line(token.expose()) {
            return Ok(());
        }
        // Without its token the value is useless.
        let removed = || problem("the token could not be printed: the value was removed again");
        let Err(error) = vault.delete(&token).await else {
            return Err(removed());
        };
        let (is, advice) = match vault.get(&token).await {
            Ok(info) => {
                let id = info.id;
                ("is", format!("run `sealtoken vault delete --id {id}`"))
            }
            // It was removed, and only the reply was lost.
            Err(VaultError::NotFound) => return Err(removed()),
            Err(_) => {
                let advice = "`sealtoken vault list` shows its id, and \
                            `sealtoken vault delete --id ID` removes it";
                ("may be", advice.into())
            }
        };
        let what = format!(
            "the token could not be printed, so the value {is} still in the store: {advice}"
        );
        Err(Failure::from(error).advise(&what))
    })
    .await
}
