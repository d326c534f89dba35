//! `vault delete`: deletes a value permanently.

use clap::Args;

use crate::failure::{Failure, again_until};

use super::args::TokenOrId;
use super::input::Named;
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault delete --token-file token
  sealtoken vault delete --id \"$(sealtoken vault list --json | jq -r '.[0].id')\"")]
pub(crate) struct Delete {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    value: TokenOrId,
}

pub(super) async fn run(options: &Delete) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let value = Named::of(&options.value)?;
    let deleted = vault.open().await?.delete(value.target()).await;
    let what = again_until("vault delete", "not_found");
    deleted.map_err(|error| value.refused(error).in_doubt(&what))
}
