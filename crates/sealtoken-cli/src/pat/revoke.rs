//! `pat revoke`: refuses a token from now on.

use clap::Args;
use sealtoken::Lifetime;

use crate::failure::{Failure, again};
use crate::store::StoreArgs;
use crate::values::lifetime;

use super::args::{Output, TokenId};
use super::open;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat revoke 34NwRzvnBbgI3uedkrQ3Q
  sealtoken pat revoke 34NwRzvnBbgI3uedkrQ3Q --purge-in 30d")]
pub(crate) struct Revoke {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    token: TokenId,
    /// Let `purge-expired` delete the token after this long: 30d, 2w
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    purge_in: Option<Lifetime>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(options: &Revoke) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let id = options.token.id()?;
    let pats = open::plain(&store).await?;
    let mut revoke = pats.revoke(id);
    if let Some(after) = options.purge_in {
        revoke = revoke.purge_after(after);
    }
    let record = revoke
        .await
        .map_err(|error| Failure::from(error).in_doubt(&again("pat revoke")))?;
    options.output.print(&record, &store)
}
