//! `vault soft-delete-expired`: hides the expired values.

use clap::Args;

use crate::failure::Failure;

use super::bulk::bulk;
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault soft-delete-expired
  sealtoken vault soft-delete-expired --namespace user-42 --json")]
pub(crate) struct SoftDeleteExpired {
    #[command(flatten)]
    scope: Scope,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &SoftDeleteExpired) -> Result<(), Failure> {
    let vault = options.scope.prepare()?.open().await?;
    let work = vault.soft_delete_expired();
    bulk(work, "soft-delete-expired", options.json).await
}
