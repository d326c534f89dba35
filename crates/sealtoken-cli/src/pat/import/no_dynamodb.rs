//! The other system's table, in builds without DynamoDB.

use sealtoken_import::access_tokens::{AccessToken, ItemError};

use crate::failure::Failure;

/// Cannot be made.
pub(super) enum Table {}

pub(super) struct Page {
    pub(super) items: Vec<AccessToken>,
    pub(super) bad: Vec<(Option<String>, ItemError)>,
    pub(super) next: Option<String>,
}

impl Table {
    #[expect(clippy::unused_async, reason = "it is async in builds with it")]
    pub(super) async fn at(_: &str) -> Result<Self, Failure> {
        let what = "this build has no DynamoDB: install it with cargo install sealtoken-cli \
                    --features dynamodb";
        Err(Failure::Problem(what.into()))
    }

    #[expect(clippy::unused_async, reason = "it is async in builds with it")]
    pub(super) async fn page(&self, _: Option<&str>) -> Result<Page, Failure> {
        match *self {}
    }
}
