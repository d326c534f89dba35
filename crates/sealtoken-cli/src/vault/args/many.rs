//! What the commands about many values take.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sealtoken::UnixTime;

use crate::store::Place;
use crate::values::{age, moment};

use super::{Mode, Scope};

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
    pub(in crate::vault) scope: Scope,
    /// Those with this label
    #[arg(long)]
    pub(in crate::vault) label: Option<String>,
    /// Those created at this moment or later: Unix seconds, or RFC 3339
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) created_from: Option<UnixTime>,
    /// Those created before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) created_before: Option<UnixTime>,
    /// Those that end at this moment or later
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) expires_from: Option<UnixTime>,
    /// Those that end before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) expires_before: Option<UnixTime>,
    /// Also those that have expired
    #[arg(long)]
    pub(in crate::vault) with_expired: bool,
    /// Those that have expired, and no others
    #[arg(long, conflicts_with = "with_expired")]
    pub(in crate::vault) only_expired: bool,
    /// Also those that are hidden
    #[arg(long)]
    pub(in crate::vault) with_deleted: bool,
    /// Those that are hidden, and no others
    #[arg(long, conflicts_with = "with_deleted")]
    pub(in crate::vault) only_deleted: bool,
    /// At most so many
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::vault) limit: Option<u64>,
    /// Print how many there are instead
    #[arg(long, conflicts_with = "limit")]
    pub(in crate::vault) count: bool,
    /// Print a list of objects instead
    #[arg(long, conflicts_with = "count")]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault sweep
  sealtoken vault sweep --hard --namespace user-42
  sealtoken vault sweep --purge-deleted 30d")]
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    #[command(flatten)]
    pub(in crate::vault) mode: Mode,
    /// Instead of what has expired, remove for good what was hidden at least so long ago: 0s, 8h, 30d
    #[arg(long, value_name = "DURATION", value_parser = age, conflicts_with = "Mode")]
    pub(in crate::vault) purge_deleted: Option<u64>,
    /// Let --hard leave alone what has been over for less than this, for clocks that differ: 0s, 30m, 1h [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = age, requires = "hard", conflicts_with_all = ["soft", "purge_deleted"])]
    pub(in crate::vault) margin: Option<u64>,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault rekey --password-file old.txt --new-password-file new.txt
  sealtoken vault rekey --namespace user-42")]
pub(crate) struct Rekey {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    /// Read the present password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) password_file: Option<PathBuf>,
    /// Read the new password from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) new_password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  SEALTOKEN_KEYS=\"$(cat new-key.txt) $(cat old-key.txt)\" sealtoken vault rewrap")]
pub(crate) struct Rewrap {
    #[command(flatten)]
    pub(in crate::vault) place: Place,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault import --format vaultstore-v2 --password-file password.txt < values.jsonl
  sealtoken vault import --format vaultstore-v1 --password-file old.txt --new-password-file new.txt < values.jsonl")]
pub(crate) struct Import {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    /// The system that stored the values, and its format
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::vault) format: Format,
    /// Read the password of the values from this file; one line ending after it is dropped, and it may be empty
    ///
    /// In this vault they get the same one. An empty one becomes none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) password_file: PathBuf,
    /// Protect them in this vault by the password of this file instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) new_password_file: Option<PathBuf>,
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
