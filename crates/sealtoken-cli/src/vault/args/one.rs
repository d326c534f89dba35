//! What the commands about one value take.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sealtoken::Lifetime;

use crate::values::lifetime;

use super::{Keep, Named, PasswordFrom, Scope, TokenFile};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf %s 'the secret' | sealtoken vault create --password-file pw.txt --expires-in 30d > token
  sealtoken vault create --label backup --store sqlite:vault.db < backup.key > token
  sealtoken vault create --token-file my-own-token.txt < secret.bin")]
pub(crate) struct Create {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) password: PasswordFrom,
    /// When it expires, from now: 90s, 30m, 8h, 1d, 2w, or forever [default: forever]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(in crate::vault) expires_in: Option<Lifetime>,
    /// A label by which `list` finds it
    #[arg(long)]
    pub(in crate::vault) label: Option<String>,
    /// How many characters the token has: 25 to 64, or with --weak 15 to 64 [default: 32]
    #[arg(long, value_name = "CHARACTERS")]
    pub(in crate::vault) length: Option<usize>,
    /// Allow so few characters that the token has less than 128 random bits
    #[arg(long, requires = "length")]
    pub(in crate::vault) weak: bool,
    /// Take a token of your own from this file: 15 to 200 characters of A-Z, a-z, 0-9, - and _
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with = "length"
    )]
    pub(in crate::vault) token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault read --password-file password.txt < token
  sealtoken vault read --namespace user-42 --token-file token > secret.bin")]
pub(crate) struct Read {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) token: TokenFile,
    #[command(flatten)]
    pub(in crate::vault) password: PasswordFrom,
    /// Read this earlier value instead: a number that `versions` shows
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::vault) earlier: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault update --token-file token --password-file password.txt < new-secret.bin
  cat token new-secret.bin | sealtoken vault update --expires-in 30d")]
pub(crate) struct Update {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) token: TokenFile,
    #[command(flatten)]
    pub(in crate::vault) password: PasswordFrom,
    /// When it expires, from now: 90s, 30m, 8h, 1d, 2w, or forever [default: as before]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(in crate::vault) expires_in: Option<Lifetime>,
    #[command(flatten)]
    pub(in crate::vault) keep: Keep,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault get < token
  sealtoken vault get --json --token-file token | jq -r .expires_at")]
pub(crate) struct Get {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) named: Named,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault renew --expires-in 30d < token
  sealtoken vault renew --expires-in forever --even-expired --token-file token")]
pub(crate) struct Renew {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) named: Named,
    /// When it expires, from now: 90s, 30m, 8h, 1d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(in crate::vault) expires_in: Lifetime,
    /// Renew an expired value, too: it can be read again
    #[arg(long)]
    pub(in crate::vault) even_expired: bool,
    /// Renew a soft-deleted value, too: it stays soft-deleted
    #[arg(long)]
    pub(in crate::vault) even_deleted: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault soft-delete < token
  sealtoken vault list --json | jq -r '.[0].id' | xargs sealtoken vault soft-delete --id")]
pub(crate) struct SoftDelete {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) named: Named,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault delete --token-file token
  sealtoken vault delete --id \"$(sealtoken vault list --json | jq -r '.[0].id')\"")]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) named: Named,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault restore < token")]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) named: Named,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault versions < token
  sealtoken vault versions --json --token-file token | jq '.[].number'")]
pub(crate) struct Versions {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) named: Named,
    /// Print a list of objects instead
    #[arg(long)]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault roll-back --to 3 --password-file password.txt < token")]
pub(crate) struct RollBack {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) token: TokenFile,
    #[command(flatten)]
    pub(in crate::vault) password: PasswordFrom,
    /// The number of the earlier value, as `versions` shows it
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::vault) to: u64,
    #[command(flatten)]
    pub(in crate::vault) keep: Keep,
}
