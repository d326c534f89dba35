//! `vault soft-delete`: hides a value.

use clap::Args;

use crate::failure::{Failure, again_until};

use super::args::TokenOrId;
use super::input::Named;
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault soft-delete < token
  sealtoken vault list --json | jq -r '.[0].id' | xargs sealtoken vault soft-delete --id")]
pub(crate) struct SoftDelete {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    value: TokenOrId,
}

pub(super) async fn run(options: &SoftDelete) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let value = Named::of(&options.value)?;
    let deleted = vault.open().await?.soft_delete(value.target()).await;
    let what = again_until("vault soft-delete", "deleted");
    deleted.map_err(|error| value.refused(error).in_doubt(&what))
}
