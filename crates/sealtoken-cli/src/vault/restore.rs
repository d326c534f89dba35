//! `vault restore`: brings a soft-deleted value back.

use clap::Args;

use crate::failure::{Failure, look_first};

use super::args::TokenOrId;
use super::input::{LOOK, Named};
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault restore < token")]
pub(crate) struct Restore {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    value: TokenOrId,
}

pub(super) async fn run(options: &Restore) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let value = Named::of(&options.value)?;
    let restored = vault.open().await?.restore(value.target()).await;
    restored.map_err(|error| {
        value
            .refused(error)
            .in_doubt(&look_first(LOOK, "vault restore"))
    })
}
