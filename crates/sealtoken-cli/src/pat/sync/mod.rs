//! `pat sync`: makes the store match a declared list. It checks the whole file first, then reads
//! the whole store, and only then changes anything.

mod apply;
mod compare;
mod file;
mod plan;
mod show;
mod step;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sealtoken::Lifetime;
use sealtoken::pat::{PatId, PersonalAccessTokens, Prefix};

use crate::failure::Failure;
use crate::input;
use crate::store::StoreArgs;
use crate::values::lifetime;

use super::{open, own};

use plan::{Rules, plan};
use show::Report;

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
    store: StoreArgs,
    /// The file that declares the tokens
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep tokens that the file does not list
    #[arg(long)]
    keep_unlisted: bool,
    /// Let `purge-expired` delete the tokens that this run revokes, after this long
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    purge_in: Option<Lifetime>,
    #[command(flatten)]
    own: Own,
    /// When to colour the differences
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Colour,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The token of whoever runs this. It is never revoked, made to expire sooner or given another
/// secret, and stays an admin's.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Own {
    /// Protect the token with this id, your own
    #[arg(long = "own", value_name = "ID")]
    id: Option<String>,
    /// Protect the token on stdin, your own [default: the environment variable SEALTOKEN_PAT, if
    /// set]
    #[arg(long = "own-token-stdin")]
    stdin: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Colour {
    /// At a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

pub(super) async fn run(options: &Sync, prefix: &Prefix) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let text = input::declared(&options.file)?;
    let declared = file::read(&text)?;
    file::check(&declared, store.now()).await?;

    // Only the id of the own token is needed: its use is not recorded.
    let settings = PersonalAccessTokens::options()
        .prefix(prefix.clone())
        .last_used_every(None);
    let pats = open::open(&store, settings).await?;
    file::check_hashes(&declared, &pats)?;
    let rules = Rules {
        own: own_id(&options.own, &pats).await?,
        keep_unlisted: options.keep_unlisted,
        now: store.now(),
    };
    let plan = plan(&pats, &declared, &rules).await?;
    let mut report = Report::new(options, plan.unchanged, declared.len());
    report.found(&plan);
    apply::apply(&pats, plan.steps, options, &mut report).await;
    report.end()
}

/// The id of the token of whoever runs this. It must exist: otherwise another token would be
/// protected.
async fn own_id(own: &Own, pats: &PersonalAccessTokens) -> Result<Option<PatId>, Failure> {
    if let Some(id) = &own.id {
        let id = id.parse()?;
        return Ok(Some(pats.get(id).await?.id));
    }
    let token = if own.stdin {
        Some(own::on_stdin()?)
    } else {
        own::in_environment()?
    };
    match token {
        Some(token) => {
            let verified = pats.verify(&token).await;
            Ok(Some(verified.map_err(|error| token.refused(error))?.id))
        }
        None => Ok(None),
    }
}
