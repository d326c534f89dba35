//! Opens the tokens of a store.

use sealtoken::pat::{PatOptions, PersonalAccessTokens, Prefix};

use crate::failure::{Failure, OPENING};
use crate::store::place::Prepared;

/// Opens the tokens with default settings, for commands that neither make nor read a token's text.
pub(super) async fn plain(place: &Prepared) -> Result<PersonalAccessTokens, Failure> {
    open(place, PersonalAccessTokens::options()).await
}

/// Opens the tokens with this prefix.
pub(super) async fn prefixed(
    place: &Prepared,
    prefix: &Prefix,
) -> Result<PersonalAccessTokens, Failure> {
    let options = PersonalAccessTokens::options();
    open(place, options.prefix(prefix.clone())).await
}

pub(super) async fn open(
    place: &Prepared,
    mut options: PatOptions,
) -> Result<PersonalAccessTokens, Failure> {
    if let Some(clock) = &place.clock {
        options = options.clock(clock.clone());
    }
    let opened = options.open(place.open().await?, &place.keys).await;
    opened.map_err(|error| Failure::from(error).in_doubt(OPENING))
}
