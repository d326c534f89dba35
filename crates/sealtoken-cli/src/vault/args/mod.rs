//! What `sealtoken vault` takes.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

mod many;
mod one;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::store::Place;

pub(super) use many::{Format, Import, List, Rekey, Rewrap, Sweep};
pub(super) use one::{Create, Delete, Info, Read, Renew, Restore, RollBack, Update, Versions};

pub(super) const ABOUT: &str = "\
The vault is in --store or, without it, where the environment variable SEALTOKEN_STORE says: sqlite:FILE, \
postgres://user@host/database or dynamodb:TABLE?region=REGION, with the credentials that AWS gives a process. Without either it is sqlite:sealtoken.db, in the current directory. A URL with a \
password in it belongs in SEALTOKEN_STORE: arguments can be seen by every user of the machine.

Examples:
  export SEALTOKEN_KEYS=$(sealtoken key generate) SEALTOKEN_STORE=sqlite:vault.db
  sealtoken vault create --password-file pw.txt --expires-in 30d < secret.bin > token
  sealtoken vault read --password-file pw.txt < token

Exit status:
  0  done
  1  wrong usage, or something is wrong with the keys, a file or the store
  2  refused: stderr has one line, which begins with a code: not_found, expired, deleted, invalid_password, \
already_exists, tampered, unknown_key, value_too_long, password_too_short and so on";

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Put the value on stdin into the vault, and print the token for it
    ///
    /// The value is every byte of stdin, a last line ending included, and at most 1 MiB.
    Create(Create),

    /// Write the value of a token to stdout: its bytes, and nothing else
    Read(Read),

    /// Put the value on stdin in the place of the one that the token has
    ///
    /// Without --token-file the first line of stdin is the token, and the value is every byte after it. It needs
    /// the password that protects the value, and leaves the end as it is unless another is given.
    Update(Update),

    /// Tell what is known about a value: its times, state and label, never the value
    Info(Info),

    /// Move the end of a value, to so much from now; it needs no password
    Renew(Renew),

    /// Hide a value until it is restored, or remove it for good with --hard; it needs no password
    Delete(Delete),

    /// Bring back a value that was hidden; one that has expired stays expired
    Restore(Restore),

    /// Tell which earlier values of a token are kept
    Versions(Versions),

    /// Put an earlier value in the place of the one that the token has, as a new version
    RollBack(RollBack),

    /// Tell which values there are, and what is known about each: live ones, unless told otherwise
    ///
    /// A record that was changed from outside is named as tampered, hides no other, and makes the exit status 2.
    List(List),

    /// Hide what has expired, or remove it for good, and print how many values that were
    Sweep(Sweep),

    /// Change a password for all values that it protects, and print how many those are
    ///
    /// A password without a file is asked for at the terminal.
    Rekey(Rekey),

    /// After a rotation of the keys: seal with the current one what the retired ones sealed
    ///
    /// Prints how many keysets were sealed again, of all namespaces. After that the retired key can go, and
    /// everything still opens.
    Rewrap(Rewrap),

    /// Take in values of another system from lines of JSON on stdin, and print how many were taken
    ///
    /// A line reads {"token":…,"value":…,"expires_at":…}: the token, which is kept, what that system stored, and
    /// perhaps the Unix second at which it ends. Lines that were not taken are named on stderr, with the code of
    /// the reason, and make the exit status 2.
    Import(Import),
}

/// The vault, and a namespace in it.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    #[command(flatten)]
    pub(in crate::vault) place: Place,
    /// The part of the vault, such as a user's or a tenant's
    #[arg(long, value_name = "NAME", default_value = sealtoken::vault::Vault::DEFAULT_NAMESPACE)]
    pub(in crate::vault) namespace: String,
}

/// The token, from a file or from stdin.
#[derive(Debug, Args)]
pub(crate) struct TokenFile {
    /// Read the token from this file instead of from the first line of stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) token_file: Option<PathBuf>,
}

/// The token or, where no secret is needed, the id that a list shows.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    pub(in crate::vault) token: TokenFile,
    /// Name the value by the id that `list` and `info` show, instead of by its token
    #[arg(long, conflicts_with = "token_file")]
    pub(in crate::vault) id: Option<String>,
}

/// The password that protects a value.
#[derive(Debug, Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) password_file: Option<PathBuf>,
    /// Ask for the password at the terminal, without showing it
    #[arg(long, conflicts_with = "password_file")]
    pub(in crate::vault) ask_password: bool,
}

/// How many earlier values stay.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// Keep so many earlier values of the token, at most 16 [default: as many as are kept now]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::vault) keep_versions: Option<u32>,
}

/// What becomes of values.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Mode {
    /// Hide them: `restore` brings them back (the default)
    #[arg(long)]
    pub(in crate::vault) soft: bool,
    /// Remove them for good, with all earlier values
    #[arg(long)]
    pub(in crate::vault) hard: bool,
}
