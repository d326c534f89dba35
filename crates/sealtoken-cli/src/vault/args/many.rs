//! What the commands about many values take.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sealtoken::UnixTime;

use crate::store::Place;
use crate::values::{age, moment};

use super::Scope;

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
    /// Only values with this label
    #[arg(long)]
    pub(in crate::vault) label: Option<String>,
    /// Only values created at this moment or later: Unix seconds, or RFC 3339
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) created_from: Option<UnixTime>,
    /// Only values created before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) created_before: Option<UnixTime>,
    /// Only values that expire at this moment or later
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) expires_from: Option<UnixTime>,
    /// Only values that expire before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(in crate::vault) expires_before: Option<UnixTime>,
    /// Expired values, too
    #[arg(long)]
    pub(in crate::vault) with_expired: bool,
    /// Only expired values
    #[arg(long, conflicts_with = "with_expired")]
    pub(in crate::vault) only_expired: bool,
    /// Soft-deleted values, too
    #[arg(long)]
    pub(in crate::vault) with_deleted: bool,
    /// Only soft-deleted values
    #[arg(long, conflicts_with = "with_deleted")]
    pub(in crate::vault) only_deleted: bool,
    /// The most values to print
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::vault) limit: Option<u64>,
    /// Print their number instead
    #[arg(long, conflicts_with = "limit")]
    pub(in crate::vault) count: bool,
    /// Print a list of objects instead
    #[arg(long, conflicts_with = "count")]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault soft-delete-expired
  sealtoken vault soft-delete-expired --namespace user-42 --json")]
pub(crate) struct SoftDeleteExpired {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault purge-expired --namespace user-42
  sealtoken vault purge-expired --margin 1h")]
pub(crate) struct PurgeExpired {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    /// Leave values alone that expired less than this long ago, since clocks differ: 0s, 30m, 1h
    /// [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = age)]
    pub(in crate::vault) margin: Option<u64>,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::vault) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault purge-deleted --older-than 30d")]
pub(crate) struct PurgeDeleted {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    /// Only values that were soft-deleted at least this long ago: 0s, 8h, 30d
    #[arg(long, value_name = "DURATION", value_parser = age)]
    pub(in crate::vault) older_than: u64,
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
    /// Read the current password from this file; one line ending after it is dropped
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
  sealtoken vault import --format vaultstore-v1 --password-file old.txt \\
    --new-password-file new.txt < values.jsonl")]
pub(crate) struct Import {
    #[command(flatten)]
    pub(in crate::vault) scope: Scope,
    /// The system that stored the values, and its format
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::vault) format: Format,
    /// Read the password of the values from this file; one line ending after it is dropped, and it
    /// may be empty
    ///
    /// Unless you give another, the values get the same password in this vault. An empty one
    /// becomes none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) password_file: PathBuf,
    /// Protect the values in this vault by the password in this file instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::vault) new_password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// The Go system vaultstore: values that begin with v2:
    #[value(name = "vaultstore-v2")]
    VaultstoreV2,
    /// The same system's first format, which authenticates nothing: read docs/from-vaultstore.md
    /// first
    #[value(name = "vaultstore-v1")]
    VaultstoreV1,
}
