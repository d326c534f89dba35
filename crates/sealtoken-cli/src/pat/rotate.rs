//! `pat rotate`: gives a token a new secret, and prints it.

use std::time::Duration;

use clap::Args;
use sealtoken::State;
use sealtoken::pat::{PatError, Prefix};

use crate::failure::{Failure, problem};
use crate::store::StoreArgs;
use crate::values::age;

use super::args::TokenId;
use super::open;
use super::show::print_token;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat rotate 34NwRzvnBbgI3uedkrQ3Q --overlap 24h > token
  sealtoken pat rotate 34NwRzvnBbgI3uedkrQ3Q --overlap 0s > token")]
pub(crate) struct Rotate {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    token: TokenId,
    /// How long the old secret stays valid beside the new one: 0s, 8h, 1d
    #[arg(long, value_name = "DURATION", value_parser = age, allow_hyphen_values = true)]
    overlap: u64,
    /// Print one JSON object: token, id, hash
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Rotate, prefix: &Prefix) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let id = options.token.id()?;
    let pats = open::prefixed(&store, prefix).await?;
    let overlap = Duration::from_secs(options.overlap);
    // Check first whether it can be rotated, and print the secret before it becomes valid: a secret
    // that nobody has would lock out the owner.
    let record = pats.get(id).await?;
    match record.state_at(store.now()) {
        State::Revoked => return Err(PatError::Revoked.into()),
        State::Expired => return Err(PatError::Expired.into()),
        _ => {}
    }
    let made = pats.generate_as(id)?;
    let Ok(true) = print_token(&made.token, id, &made.hash, options.json) else {
        return Err(problem(
            "the new token could not be printed, and nothing was changed",
        ));
    };
    let rotated = pats.rotate(id).to(made.hash).overlap(overlap).await;
    rotated.map(|_| ()).map_err(|error| {
        let what = format!(
            "`sealtoken pat verify` shows whether the printed token is valid; if it is not, \
             run `sealtoken pat rotate {id}` again"
        );
        Failure::from(error).advise(&what)
    })
}
