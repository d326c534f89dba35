//! What `sealtoken vault` takes.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use sealtoken::{Lifetime, UnixTime};

use crate::args::{At, Keys};
use crate::values::{age, lifetime, moment};

pub(super) const ABOUT: &str = "\
The vault is in --store or, without it, where the environment variable SEALTOKEN_STORE says: sqlite:FILE or \
postgres://user@host/database. Without either it is sqlite:sealtoken.db, in the current directory. A URL with a \
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

/// Where the vault is, and what opens it.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where the vault is: sqlite:FILE, or postgres://user@host/database [default: SEALTOKEN_STORE, or
    /// sqlite:sealtoken.db]
    #[arg(long)]
    pub(super) store: Option<String>,
    /// Do not create or upgrade the database's schema: see `sealtoken store schema`
    #[arg(long)]
    pub(super) no_migrate: bool,
    #[command(flatten)]
    pub(super) keys: Keys,
    #[command(flatten)]
    pub(super) at: At,
}

/// The vault, and a namespace in it.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    #[command(flatten)]
    pub(super) place: Place,
    /// The part of the vault, such as a user's or a tenant's
    #[arg(long, value_name = "NAME", default_value = sealtoken::vault::Vault::DEFAULT_NAMESPACE)]
    pub(super) namespace: String,
}

/// The token, from a file or from stdin.
#[derive(Debug, Args)]
pub(crate) struct TokenFile {
    /// Read the token from this file instead of from the first line of stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) token_file: Option<PathBuf>,
}

/// The token or, where no secret is needed, the id that a list shows.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    pub(super) token: TokenFile,
    /// Name the value by the id that `list` and `info` show, instead of by its token
    #[arg(long, conflicts_with = "token_file")]
    pub(super) id: Option<String>,
}

/// The password that protects a value.
#[derive(Debug, Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) password_file: Option<PathBuf>,
    /// Ask for the password at the terminal, without showing it
    #[arg(long, conflicts_with = "password_file")]
    pub(super) ask_password: bool,
}

/// What becomes of values.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Mode {
    /// Hide them: `restore` brings them back (the default)
    #[arg(long)]
    pub(super) soft: bool,
    /// Remove them for good, with all earlier values
    #[arg(long)]
    pub(super) hard: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf %s 'the secret' | sealtoken vault create --password-file password.txt --expires-in 30d > token
  sealtoken vault create --label backup --store sqlite:vault.db < backup.key > token
  sealtoken vault create --token-file my-own-token.txt < secret.bin")]
pub(crate) struct Create {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) password: PasswordFrom,
    /// How long it lives: 90s, 30m, 8h, 1d, 2w, or forever, as it does without this
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(super) expires_in: Option<Lifetime>,
    /// A label by which `list` finds it
    #[arg(long)]
    pub(super) label: Option<String>,
    /// How many characters the token has: 25 to 64, or with --weak 15 to 64 [default: 32]
    #[arg(long, value_name = "CHARACTERS")]
    pub(super) length: Option<usize>,
    /// Allow a token of so few characters that it has less than 128 random bits
    #[arg(long, requires = "length")]
    pub(super) weak: bool,
    /// Take the token from this file, one of your own: 15 to 200 characters of A-Z, a-z, 0-9, - and _
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "length")]
    pub(super) token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault read --password-file password.txt < token
  sealtoken vault read --store sqlite:vault.db --namespace user-42 --token-file token > secret.bin")]
pub(crate) struct Read {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) token: TokenFile,
    #[command(flatten)]
    pub(super) password: PasswordFrom,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault update --token-file token --password-file password.txt < new-secret.bin
  cat token new-secret.bin | sealtoken vault update --expires-in 30d")]
pub(crate) struct Update {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) token: TokenFile,
    #[command(flatten)]
    pub(super) password: PasswordFrom,
    /// Let it end after this long from now: 90s, 30m, 8h, 1d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(super) expires_in: Option<Lifetime>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault info < token
  sealtoken vault info --json --token-file token | jq -r .expires_at")]
pub(crate) struct Info {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) named: Named,
    /// Print one JSON object instead
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault renew --expires-in 30d < token
  sealtoken vault renew --expires-in forever --even-expired --token-file token")]
pub(crate) struct Renew {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) named: Named,
    /// How long it lives from now: 90s, 30m, 8h, 1d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(super) expires_in: Lifetime,
    /// Also where it has expired: it lives again
    #[arg(long)]
    pub(super) even_expired: bool,
    /// Also where it is hidden, which it stays
    #[arg(long)]
    pub(super) even_deleted: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault delete < token
  sealtoken vault delete --hard --token-file token
  sealtoken vault list --json | jq -r '.[0].id' | xargs sealtoken vault delete --id")]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) named: Named,
    #[command(flatten)]
    pub(super) mode: Mode,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault restore < token")]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) named: Named,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault list
  sealtoken vault list --label backup --expires-before 2027-01-01T00:00:00Z
  sealtoken vault list --only-deleted --json | jq -r '.[].id'
  sealtoken vault list --with-expired --with-deleted --count")]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) scope: Scope,
    /// Those with this label
    #[arg(long)]
    pub(super) label: Option<String>,
    /// Those created at this moment or later: Unix seconds, or RFC 3339
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(super) created_from: Option<UnixTime>,
    /// Those created before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(super) created_before: Option<UnixTime>,
    /// Those that end at this moment or later
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(super) expires_from: Option<UnixTime>,
    /// Those that end before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(super) expires_before: Option<UnixTime>,
    /// Also those that have expired
    #[arg(long)]
    pub(super) with_expired: bool,
    /// Those that have expired, and no others
    #[arg(long, conflicts_with = "with_expired")]
    pub(super) only_expired: bool,
    /// Also those that are hidden
    #[arg(long)]
    pub(super) with_deleted: bool,
    /// Those that are hidden, and no others
    #[arg(long, conflicts_with = "with_deleted")]
    pub(super) only_deleted: bool,
    /// At most so many
    #[arg(long, value_name = "NUMBER")]
    pub(super) limit: Option<u64>,
    /// Print how many there are instead
    #[arg(long, conflicts_with = "limit")]
    pub(super) count: bool,
    /// Print a list of objects instead
    #[arg(long, conflicts_with = "count")]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault sweep
  sealtoken vault sweep --hard --namespace user-42
  sealtoken vault sweep --purge-deleted 30d")]
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) mode: Mode,
    /// Instead of what has expired, remove for good what was hidden at least so long ago: 0s, 8h, 30d
    #[arg(long, value_name = "DURATION", value_parser = age, conflicts_with = "Mode")]
    pub(super) purge_deleted: Option<u64>,
    /// Print one JSON object instead
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault rekey --password-file old.txt --new-password-file new.txt
  sealtoken vault rekey --namespace user-42")]
pub(crate) struct Rekey {
    #[command(flatten)]
    pub(super) scope: Scope,
    /// Read the present password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) password_file: Option<PathBuf>,
    /// Read the new password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) new_password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  SEALTOKEN_KEYS=\"$(cat new-key.txt) $(cat old-key.txt)\" sealtoken vault rewrap")]
pub(crate) struct Rewrap {
    #[command(flatten)]
    pub(super) place: Place,
    /// Print one JSON object instead
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault import --format vaultstore-v2 --password-file password.txt < values.jsonl
  sealtoken vault import --format vaultstore-v1 --password-file old.txt --new-password-file new.txt < values.jsonl")]
pub(crate) struct Import {
    #[command(flatten)]
    pub(super) scope: Scope,
    /// The system that stored the values, and its format
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Read the password of the values from this file; one line ending after it is dropped, and it may be empty
    ///
    /// In this vault they get the same one. An empty one becomes none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) password_file: PathBuf,
    /// Protect them in this vault by the password of this file instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) new_password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// The Go system vaultstore: its values that begin with v2:
    #[value(name = "vaultstore-v2")]
    VaultstoreV2,
    /// The same system's first format, which proves nothing: read docs/from-vaultstore.md first
    #[value(name = "vaultstore-v1")]
    VaultstoreV1,
}
