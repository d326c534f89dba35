//! The arguments of the commands about one token.

use std::path::PathBuf;

use clap::{Args, ValueHint, builder::NonEmptyStringValueParser};
use sealtoken::Lifetime;
use sealtoken::pat::{PatError, PatId};

use crate::store::Place;
use crate::values::{age, lifetime};

use super::{Changes, Meta};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat issue --owner ada@example.com --role reader --expires-in 90d > token
  sealtoken pat issue --owner ci --scope repo:read --metadata ticket=OPS-12 --json
  sealtoken pat issue --owner root@example.com --admin --store sqlite:tokens.db --prefix acme_")]
pub(crate) struct Issue {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) meta: Meta,
    /// An id of your own: 21 letters and digits
    #[arg(long)]
    pub(in crate::pat) id: Option<String>,
    /// Print one JSON object instead: token, id, hash
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat verify < token
  sealtoken pat verify --prefix acme_ --also-prefix pat_ < token | jq -r .owner")]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// Also accept tokens with this prefix; may be given several times
    #[arg(long = "also-prefix", value_name = "PREFIX")]
    pub(in crate::pat) also_prefixes: Vec<String>,
    /// Replace another system's slow hash by a fast one: the token's text stays the same
    #[arg(long)]
    pub(in crate::pat) upgrade_hashes: bool,
    /// Print one JSON object, as without this option
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat generate --id 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt > token
  sealtoken pat register --id 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt --owner ci --role deploy
  sealtoken pat generate --json | jq -r .hash")]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// An id of your own, 21 letters and digits, or the id of the token that gets another secret
    #[arg(long)]
    pub(in crate::pat) id: Option<String>,
    /// Write the hash into this file, which must not exist yet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::pat) hash_file: Option<PathBuf>,
    /// Print one JSON object instead: token, id, hash
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat register --id 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt --owner ci --role deploy
  sealtoken pat generate --id 34NwRzvnBbgI3uedkrQ3Q --json > new.json
  jq -r .hash new.json | sealtoken pat register --id 34NwRzvnBbgI3uedkrQ3Q --hash-file - \
--owner ci")]
pub(crate) struct Register {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    /// The id of the token: 21 letters and digits
    #[arg(long)]
    pub(in crate::pat) id: String,
    /// The hash of its secret is in this file, or on stdin for -; one line ending after it is
    /// dropped
    #[arg(
        long,
        value_name = "FILE",
        value_parser = NonEmptyStringValueParser::new(),
        value_hint = ValueHint::FilePath
    )]
    pub(in crate::pat) hash_file: String,
    #[command(flatten)]
    pub(in crate::pat) meta: Meta,
    #[command(flatten)]
    pub(in crate::pat) done: Done,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat update 34NwRzvnBbgI3uedkrQ3Q --add-role writer --remove-role reader
  sealtoken pat update 34NwRzvnBbgI3uedkrQ3Q --owner grace@example.com --expires-in 30d
  sealtoken pat update 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt")]
pub(crate) struct Update {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) named: Named,
    #[command(flatten)]
    pub(in crate::pat) changes: Changes,
    #[command(flatten)]
    pub(in crate::pat) done: Done,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat revoke 34NwRzvnBbgI3uedkrQ3Q
  sealtoken pat revoke 34NwRzvnBbgI3uedkrQ3Q --purge-in 30d")]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) named: Named,
    /// Let `purge-expired` delete it after this time: 30d, 2w
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(in crate::pat) purge_in: Option<Lifetime>,
    #[command(flatten)]
    pub(in crate::pat) done: Done,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat restore 34NwRzvnBbgI3uedkrQ3Q")]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) named: Named,
    #[command(flatten)]
    pub(in crate::pat) done: Done,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat get 34NwRzvnBbgI3uedkrQ3Q
  sealtoken pat get 34NwRzvnBbgI3uedkrQ3Q --json --with-hash | jq -r .hash")]
pub(crate) struct Get {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) named: Named,
    /// Also the hash of its secret
    #[arg(long)]
    pub(in crate::pat) with_hash: bool,
    /// Print one JSON object instead
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat rotate 34NwRzvnBbgI3uedkrQ3Q --overlap 24h > token
  sealtoken pat rotate 34NwRzvnBbgI3uedkrQ3Q --overlap 0s > token")]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) named: Named,
    /// How long the old secret stays valid beside the new one: 0s, 8h, 1d
    #[arg(long, value_name = "DURATION", value_parser = age)]
    pub(in crate::pat) overlap: u64,
    /// Print one JSON object instead: token, id, hash
    #[arg(long)]
    pub(in crate::pat) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat delete 34NwRzvnBbgI3uedkrQ3Q")]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(in crate::pat) place: Place,
    #[command(flatten)]
    pub(in crate::pat) named: Named,
}

/// The token that a command is about.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The id of the token, never the token itself
    #[arg(value_name = "ID", required_unless_present = "named_id")]
    id: Option<String>,
    /// The id as an option, as other commands have it
    #[arg(long = "id", id = "named_id", value_name = "ID", conflicts_with = "id")]
    named_id: Option<String>,
}

impl Named {
    pub(in crate::pat) fn id(&self) -> Result<PatId, PatError> {
        let id = self.id.as_deref().or(self.named_id.as_deref());
        id.unwrap_or_default().parse()
    }
}

/// What is printed afterwards.
#[derive(Debug, Args)]
pub(crate) struct Done {
    /// Print the record as one JSON object
    #[arg(long)]
    pub(in crate::pat) json: bool,
}
