//! The arguments of the commands about many tokens.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sealtoken::Lifetime;

use crate::store::Place;
use crate::values::lifetime;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat list
  sealtoken pat list --owner ada@example.com --state live
  sealtoken pat list --role deploy --json | jq -r '.[].id'
  sealtoken pat list --limit 100 --json")]
pub(crate) struct List {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// Tokens of this owner
    #[arg(long)]
    pub(in crate::pat) owner: Option<String>,
    /// Tokens with this role
    #[arg(long)]
    pub(in crate::pat) role: Option<String>,
    /// Tokens in this state
    #[arg(long)]
    pub(in crate::pat) state: Option<ListState>,
    /// At most this many; if there are more, the last line on stderr is `next: CURSOR`, for --after
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::pat) limit: Option<u64>,
    /// Go on after a list that --limit ended; give the same --owner and --role
    #[arg(long, value_name = "CURSOR")]
    pub(in crate::pat) after: Option<String>,
    /// Add the hashes of their secrets, in JSON
    #[arg(long, requires = "json")]
    pub(in crate::pat) with_hashes: bool,
    /// Print a list of objects instead
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ListState {
    /// It can be used
    Live,
    /// It has expired
    Expired,
    /// It was revoked
    Revoked,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  aws dynamodb scan --table-name tokens --consistent-read | jq -c '.Items[]' > items.jsonl
  sealtoken pat import items.jsonl --dry-run
  sealtoken pat import < items.jsonl")]
pub(crate) struct Import {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// The file with one item a line; the default is stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::pat) file: Option<PathBuf>,
    /// Read the table itself instead: dynamodb:TABLE?region=REGION, with the usual AWS credentials
    #[arg(long, value_name = "TABLE", conflicts_with = "file")]
    pub(in crate::pat) from: Option<String>,
    /// Begin after the item with this id, which the message of an interrupted import names
    #[arg(long, value_name = "ID", requires = "from", conflicts_with = "file")]
    pub(in crate::pat) after: Option<String>,
    /// Only report what would be done
    #[arg(long)]
    pub(in crate::pat) dry_run: bool,
    /// Print one JSON object instead: imported, there, restricted, unusable, failed
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat sync tokens.yaml --dry-run
  sealtoken pat sync tokens.yaml --own-token-stdin --purge-in 30d < token
  sealtoken pat sync tokens.yaml --keep-unlisted --json

A file:
  tokens:
    - id: 34NwRzvnBbgI3uedkrQ3Q
      owner: ci
      hash: $hmac-sha256$kid=...$...
      roles: [deploy]
      expires_at: 2027-01-01T00:00:00Z
    - id: 0Xr9TnHY2LNbC5mPqZ8sd
      owner: ada@example.com
      revoked: true")]
pub(crate) struct Sync {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// The file with the list
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::pat) file: PathBuf,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::pat) dry_run: bool,
    /// Keep tokens that the file does not list
    #[arg(long)]
    pub(in crate::pat) keep_unlisted: bool,
    /// Let `purge-expired` delete the tokens that are revoked now, after this time
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(in crate::pat) purge_in: Option<Lifetime>,
    #[command(flatten)]
    pub(in crate::pat) own: Own,
    /// When to colour the differences
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(in crate::pat) color: Colour,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

/// The token of whoever runs this. It is never revoked, made to expire sooner or given another
/// secret, and stays an admin's.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Own {
    /// Protect the token with this id, your own
    #[arg(long = "own", value_name = "ID")]
    pub(in crate::pat) id: Option<String>,
    /// Protect the token on stdin, your own [default: the environment variable SEALTOKEN_PAT, if
    /// set]
    #[arg(long = "own-token-stdin")]
    pub(in crate::pat) stdin: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Colour {
    /// At a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat scanner-rule >> .gitleaks.toml
  sealtoken pat scanner-rule --format github --prefix acme_")]
pub(crate) struct ScannerRule {
    /// The scanner
    #[arg(long, default_value = "gitleaks")]
    pub(in crate::pat) format: Format,
    /// Print one JSON object instead: prefix, pattern
    #[arg(long, conflicts_with = "format")]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// A rule in gitleaks' TOML
    Gitleaks,
    /// The fields of a custom pattern of GitHub's secret scanning
    Github,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat purge-expired
  sealtoken pat purge-expired --json | jq .count")]
pub(crate) struct PurgeExpired {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  SEALTOKEN_KEYS=\"$(cat new-key.txt) $(cat old-key.txt)\" sealtoken pat rewrap")]
pub(crate) struct Rewrap {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
}
