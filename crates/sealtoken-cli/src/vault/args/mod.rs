//! The arguments of `sealtoken vault`.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

mod many;
mod one;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use sealtoken::vault::Vault;

use crate::store::Place;

pub(super) use many::{
    Format, Import, List, PurgeDeleted, PurgeExpired, Rekey, Rewrap, SoftDeleteExpired,
};
pub(super) use one::{
    Create, Delete, Get, Read, Renew, Restore, RollBack, SoftDelete, Update, Versions,
};

pub(super) const ABOUT: &str = "\
The vault is in --store, or else in the environment variable SEALTOKEN_STORE: sqlite:FILE, \
postgres://user@host/database or dynamodb:TABLE?region=REGION, with the credentials that AWS \
gives a process. Without either it is sqlite:sealtoken.db in the current directory. A URL with a \
password belongs in SEALTOKEN_STORE: every user of the machine can see arguments.

Examples:
  export SEALTOKEN_KEYS=$(sealtoken key generate) SEALTOKEN_STORE=sqlite:vault.db
  sealtoken vault create --password-file pw.txt --expires-in 30d < secret.bin > token
  sealtoken vault read --password-file pw.txt < token

Exit status:
  0  done
  1  wrong usage, or something is wrong with the keys, a file or the store
  2  refused: stderr has one line, which begins with a code: not_found, expired, deleted, \
invalid_password, already_exists, tampered, unknown_key, value_too_long, password_too_short and \
so on";

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Create a value from stdin, and print its token
    ///
    /// The value is every byte of stdin, a final line ending included, and at most 1 MiB.
    Create(Create),

    /// Write a value to stdout: its bytes, and nothing else
    Read(Read),

    /// Replace a value by the one on stdin
    ///
    /// Without --token-file the first line of stdin is the token, and every byte after it is the
    /// value. It takes the password that protects the value, and keeps the expiry unless you set
    /// another.
    Update(Update),

    /// Print what is known about a value: its times, state and label, never the value
    Get(Get),

    /// Change when a value expires; it takes no password
    Renew(Renew),

    /// Hide a value until it is restored or purged; it takes no password
    SoftDelete(SoftDelete),

    /// Bring a soft-deleted value back; an expired one stays expired
    Restore(Restore),

    /// Remove a value and its earlier ones for good; it takes no password
    Delete(Delete),

    /// List the versions of a value that are kept
    Versions(Versions),

    /// Make an earlier value the current one, as a new version
    RollBack(RollBack),

    /// List values, and what is known about each: the live ones, unless you ask for others
    ///
    /// A record that was changed from outside is named as tampered, hides no other, and makes the
    /// exit status 2.
    List(List),

    /// Soft-delete the expired values, and print their number
    SoftDeleteExpired(SoftDeleteExpired),

    /// Remove the expired values for good, and print their number
    PurgeExpired(PurgeExpired),

    /// Remove the soft-deleted values for good, and print their number
    PurgeDeleted(PurgeDeleted),

    /// Change a password for all values that it protects, and print their number
    ///
    /// Without a file the terminal asks for a password.
    Rekey(Rekey),

    /// After a rotation of the keys: seal again by the current key what the retired ones sealed
    ///
    /// Prints how many keysets were sealed again, of all namespaces. After that the retired key can
    /// go, and everything still opens.
    Rewrap(Rewrap),

    /// Take in values of another system from lines of JSON on stdin, and print their number
    ///
    /// A line reads {"token":…,"value":…,"expires_at":…}: the token, which is kept, the text that
    /// the other system stored, and perhaps the Unix second at which it expires. Lines that were
    /// not taken in are named on stderr with the code of the reason, and make the exit status 2.
    Import(Import),
}

/// The vault, and a namespace in it.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    #[command(flatten)]
    pub(in crate::vault) place: Place,
    /// The part of the vault, such as a user's or a tenant's
    #[arg(long, value_name = "NAME", default_value = Vault::DEFAULT_NAMESPACE)]
    pub(in crate::vault) namespace: String,
}

/// The token, from a file or from stdin.
#[derive(Debug, Args)]
pub(crate) struct TokenFile {
    /// Read the token from this file instead of from the first line of stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) token_file: Option<PathBuf>,
}

/// The token or, where no secret is needed, the id.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    pub(in crate::vault) token: TokenFile,
    /// Name the value by the id that `list` and `get` show, instead of by its token
    #[arg(long, conflicts_with = "token_file")]
    pub(in crate::vault) id: Option<String>,
}

/// The password that protects a value.
#[derive(Debug, Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) password_file: Option<PathBuf>,
    /// Ask for the password at the terminal, and do not show it
    #[arg(long, conflicts_with = "password_file")]
    pub(in crate::vault) ask_password: bool,
}

/// How many earlier values stay.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// Keep this many earlier values of the token, at most 16 [default: as many as now]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::vault) keep_versions: Option<u32>,
}
