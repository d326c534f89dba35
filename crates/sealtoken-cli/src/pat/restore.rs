//! `pat restore`: accepts a revoked token again.

use clap::Args;

use crate::failure::Failure;
use crate::store::StoreArgs;

use super::args::{Output, TokenId};
use super::{look_at, open};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat restore 34NwRzvnBbgI3uedkrQ3Q")]
pub(crate) struct Restore {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    token: TokenId,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(options: &Restore) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let id = options.token.id()?;
    let restored = open::plain(&store).await?.restore(id).await;
    let record =
        restored.map_err(|error| Failure::from(error).in_doubt(&look_at(id, "pat restore")))?;
    options.output.print(&record, &store)
}
