//! `pat update`: changes what is known about a token.

use clap::Args;

use crate::failure::Failure;
use crate::store::StoreArgs;

use super::args::{Output, TokenId};
use super::meta::Changes;
use super::{hash, look_at, open};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat update 34NwRzvnBbgI3uedkrQ3Q --add-role writer --remove-role reader
  sealtoken pat update 34NwRzvnBbgI3uedkrQ3Q --owner grace@example.com --expires-in 30d
  sealtoken pat update 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt")]
pub(crate) struct Update {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    token: TokenId,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(options: &Update) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    options.changes.check()?;
    let id = options.token.id()?;
    let hash = options.changes.hash_file().map(hash::read).transpose()?;
    let pats = open::plain(&store).await?;
    let mut update = options.changes.describe(pats.update(id));
    if let Some(hash) = hash {
        update = update.hash(hash);
    }
    let updated = update.await;
    let record =
        updated.map_err(|error| Failure::from(error).in_doubt(&look_at(id, "pat update")))?;
    options.output.print(&record, &store)
}
