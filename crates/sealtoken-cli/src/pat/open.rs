//! Opens the tokens of a store.

use sealtoken::pat::{PatOptions, PersonalAccessTokens, Prefix};

use crate::failure::{Failure, OPENING};
use crate::store::Prepared;

/// Opens the tokens with default settings, for commands that neither make nor read a token's text.
pub(super) async fn plain(store: &Prepared) -> Result<PersonalAccessTokens, Failure> {
    open(store, PersonalAccessTokens::options()).await
}

/// Opens the tokens with this prefix.
pub(super) async fn prefixed(
    store: &Prepared,
    prefix: &Prefix,
) -> Result<PersonalAccessTokens, Failure> {
    let options = PersonalAccessTokens::options();
    open(store, options.prefix(prefix.clone())).await
}

pub(super) async fn open(
    store: &Prepared,
    mut options: PatOptions,
) -> Result<PersonalAccessTokens, Failure> {
    if let Some(clock) = &store.clock {
        options = options.clock(clock.clone());
    }
    let opened = options.open(store.open().await?, &store.keys).await;
    opened.map_err(|error| Failure::from(error).in_doubt(OPENING))
}
