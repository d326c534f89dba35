//! The other system's table, in builds with DynamoDB.

use sealtoken_import::access_tokens::{self, AccessToken, ItemError};

use crate::failure::Failure;
use crate::store;

pub(super) struct Table(access_tokens::Table);

/// Some of its items, with those that are not tokens apart.
pub(super) struct Page {
    pub(super) items: Vec<AccessToken>,
    pub(super) bad: Vec<(Option<String>, ItemError)>,
    pub(super) next: Option<String>,
}

impl Table {
    /// The table at `dynamodb:TABLE`.
    pub(super) async fn at(address: &str) -> Result<Self, Failure> {
        let (client, table) = store::dynamo_client(address).await?;
        Ok(Self(access_tokens::Table::new(client, table)))
    }

    pub(super) async fn page(&self, after: Option<&str>) -> Result<Page, Failure> {
        let page = self.0.page(after).await;
        let page = page.map_err(|error| Failure::Problem(error.to_string()))?;
        let (mut items, mut bad) = (Vec::new(), Vec::new());
        for item in page.items {
            match item {
                Ok(item) => items.push(item),
                Err(item) => bad.push(item),
            }
        }
        Ok(Page {
            items,
            bad,
            next: page.next,
        })
    }
}
