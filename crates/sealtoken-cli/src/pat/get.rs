//! `pat get`: prints what is known about a token.

use clap::Args;

use crate::failure::Failure;
use crate::output;
use crate::store::StoreArgs;

use super::args::TokenId;
use super::{open, show};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat get 34NwRzvnBbgI3uedkrQ3Q
  sealtoken pat get 34NwRzvnBbgI3uedkrQ3Q --json --with-hash | jq -r .hash")]
pub(crate) struct Get {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    token: TokenId,
    /// Also the hash of its secret
    #[arg(long)]
    with_hash: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Get) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let id = options.token.id()?;
    let pats = open::plain(&store).await?;
    let record = if options.with_hash {
        pats.get_with_hash(id).await?
    } else {
        pats.get(id).await?
    };
    if options.json {
        return output::json(&show::Shown::of(&record, store.now()));
    }
    output::line(&show::rows(&record, store.now()))
}
