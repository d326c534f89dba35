//! `vault purge-deleted`: deletes the soft-deleted values permanently.

use std::time::Duration;

use clap::Args;

use crate::failure::Failure;
use crate::values::age;

use super::bulk::bulk;
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault purge-deleted --older-than 30d")]
pub(crate) struct PurgeDeleted {
    #[command(flatten)]
    scope: Scope,
    /// Only values that were soft-deleted at least this long ago: 0s, 8h, 30d
    #[arg(long, value_name = "DURATION", value_parser = age, allow_hyphen_values = true)]
    older_than: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &PurgeDeleted) -> Result<(), Failure> {
    let vault = options.scope.prepare()?.open().await?;
    let work = vault.purge_deleted(Duration::from_secs(options.older_than));
    bulk(work, "purge-deleted", options.json).await
}
