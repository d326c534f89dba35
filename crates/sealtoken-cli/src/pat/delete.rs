//! `pat delete`: deletes a token permanently.

use clap::Args;

use crate::failure::{Failure, again_until};
use crate::store::StoreArgs;

use super::args::TokenId;
use super::open;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat delete 34NwRzvnBbgI3uedkrQ3Q")]
pub(crate) struct Delete {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    token: TokenId,
}

pub(super) async fn run(options: &Delete) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let id = options.token.id()?;
    let deleted = open::plain(&store).await?.delete(id).await;
    let what = again_until("pat delete", "not_found");
    deleted.map_err(|error| Failure::from(error).in_doubt(&what))
}
