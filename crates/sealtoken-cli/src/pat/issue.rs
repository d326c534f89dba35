//! `pat issue`: issues a token, and prints it.

use clap::Args;
use sealtoken::pat::{PatError, PatId, Prefix};

use crate::failure::{Failure, problem};
use crate::store::StoreArgs;

use super::meta::Meta;
use super::open;
use super::show::print_token;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat issue --owner ada@example.com --role reader --expires-in 90d > token
  sealtoken pat issue --owner ci --scope repo:read --metadata ticket=OPS-12 --json
  sealtoken pat issue --owner root@example.com --admin --store sqlite:tokens.db --prefix acme_")]
pub(crate) struct Issue {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    meta: Meta,
    /// The id: 21 letters and digits [default: a random one]
    #[arg(long)]
    id: Option<String>,
    /// Print one JSON object: token, id, hash
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Issue, prefix: &Prefix) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    options.meta.check()?;
    // Known before the token is stored, so it can be looked up if the reply is lost.
    let id = match options.id.as_deref() {
        Some(id) => id.parse()?,
        None => PatId::generate()?,
    };
    let pats = open::prefixed(&store, prefix).await?;
    let new = pats.issue(&options.meta.owner).id(id);
    let issued = options.meta.describe(new).await.map_err(|error| {
        Failure::from(error).in_doubt(&format!(
            "nobody has its text: `sealtoken pat get {id}` shows whether it was issued; if it was, \
             `sealtoken pat rotate {id}` prints a new text for it, and \
             `sealtoken pat revoke {id}` revokes it; if it was not, run `sealtoken pat issue` again"
        ))
    })?;
    if let Ok(true) = print_token(&issued.token, id, &issued.hash, options.json) {
        return Ok(());
    }
    // Nobody has the token, so nobody can ever use it.
    Err(match pats.delete(id).await {
        Ok(()) | Err(PatError::NotFound) => {
            problem("the token could not be printed, and was removed again")
        }
        Err(error) => {
            let failure = Failure::from(error);
            let is = if failure.is_in_doubt() {
                "may be"
            } else {
                "is"
            };
            failure.advise(&format!(
                "the token could not be printed, and {is} still in the store: \
                 run `sealtoken pat revoke {id}`"
            ))
        }
    })
}
