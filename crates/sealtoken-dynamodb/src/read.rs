//! Reading by key.

use std::collections::{HashMap, HashSet};
use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use sealtoken_store::{Record, RecordKey, StoreError};

use super::DynamoStore;
use super::fault::Fault;
use super::item::{self, Item};
use super::layout::{self, Place};
use super::retry::Attempts;

/// The most keys of one request, by DynamoDB.
const MOST_KEYS: usize = 100;

/// What is asked for of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// All but the body: what a write needs to know.
    Head,
}

/// The names behind [`HEAD`]. DynamoDB has words that cannot stand in an expression, and this is how none of them does.
const HEAD: &str = "#p, #s, #v, #l, #u";
const HEAD_NAMES: [(&str, &str); 5] = [
    ("#p", item::PARTITION),
    ("#s", item::SORT),
    ("#v", item::VERSION),
    ("#l", item::LABELS),
    ("#u", item::PURGE_AT),
];

impl DynamoStore {
    /// Asks what changes nothing until there is an answer, a bounded number of times.
    pub(super) async fn ask<T, E, F>(&self, request: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut attempts = Attempts::reading(self.shared.attempts);
        loop {
            match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.again(Fault::of(&error)).await?,
            }
        }
    }

    pub(super) async fn read(
        &self,
        key: &RecordKey,
        consistent: bool,
    ) -> Result<Option<Record>, StoreError> {
        let found = self.item(key, Part::Whole, consistent).await?;
        Ok(found.map(|item| item::readable(item, key.clone())))
    }

    pub(super) async fn read_many(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let consistent = self.shared.consistent;
        let mut found = self.items(keys, Part::Whole, consistent).await?;
        let mut records = HashMap::with_capacity(found.len());
        for key in keys {
            if records.contains_key(key) {
                continue;
            }
            if let Some(item) = found.remove(&layout::record(key)) {
                records.insert(key, item::readable(item, key.clone()));
            }
        }
        Ok(keys.iter().map(|key| records.get(key).cloned()).collect())
    }

    pub(super) async fn item(
        &self,
        key: &RecordKey,
        part: Part,
        consistent: bool,
    ) -> Result<Option<Item>, StoreError> {
        let mut request = self.shared.client.get_item();
        request = request
            .table_name(&self.shared.table)
            .set_key(Some(item::key(layout::record(key))))
            .consistent_read(consistent);
        if part == Part::Head {
            request = request.projection_expression(HEAD);
            for (alias, name) in HEAD_NAMES {
                request = request.expression_attribute_names(alias, name);
            }
        }
        let answer = self.ask(|| request.clone().send()).await?;
        Ok(answer.item)
    }

    /// The items of records, by where they lie. Those that are not there are left out.
    pub(super) async fn items(
        &self,
        keys: &[RecordKey],
        part: Part,
        consistent: bool,
    ) -> Result<HashMap<Place, Item>, StoreError> {
        if let [key] = keys {
            let found = self.item(key, part, consistent).await?;
            let found = found.map(|item| (layout::record(key), item));
            return Ok(found.into_iter().collect());
        }
        // DynamoDB refuses a request that names a key twice.
        let places: HashSet<Place> = keys.iter().map(layout::record).collect();
        let mut places: Vec<Place> = places.into_iter().collect();
        let mut found = HashMap::with_capacity(places.len());
        while !places.is_empty() {
            let rest = places.split_off(places.len().min(MOST_KEYS));
            for item in self.chunk(places, part, consistent).await? {
                if let Some(place) = item::place(&item) {
                    found.insert(place, item);
                }
            }
            places = rest;
        }
        Ok(found)
    }

    /// One request, and one more for what it left, until nothing is left. The bound is on attempts that brought nothing.
    async fn chunk(
        &self,
        places: Vec<Place>,
        part: Part,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut left: Vec<Item> = places.into_iter().map(item::key).collect();
        let mut found = Vec::with_capacity(left.len());
        let mut attempts = Attempts::reading(self.shared.attempts);
        loop {
            let asked = left.len();
            let mut wanted = KeysAndAttributes::builder()
                .set_keys(Some(left.clone()))
                .consistent_read(consistent);
            if part == Part::Head {
                wanted = wanted.projection_expression(HEAD);
                for (alias, name) in HEAD_NAMES {
                    wanted = wanted.expression_attribute_names(alias, name);
                }
            }
            let wanted = wanted.build().map_err(|_| unsendable())?;
            let request = self.shared.client.batch_get_item();
            let answer = match request
                .request_items(&self.shared.table, wanted)
                .send()
                .await
            {
                Ok(answer) => answer,
                Err(error) => {
                    attempts.again(Fault::of(&error)).await?;
                    continue;
                }
            };
            found.extend(
                answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items),
            );
            let unprocessed = answer.unprocessed_keys.into_iter().flatten();
            left = unprocessed.flat_map(|(_, keys)| keys.keys).collect();
            if left.is_empty() {
                return Ok(found);
            }
            if left.len() < asked {
                attempts.begin_anew();
            }
            let rest = Fault::Throttled("UnprocessedKeys".to_owned());
            attempts.again(rest).await?;
        }
    }
}

/// The SDK refuses to build a request: what it needs is always there.
pub(super) fn unsendable() -> StoreError {
    StoreError::unavailable("a request cannot be built")
}
