//! Reading by key.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use sealtoken_store::{Record, RecordKey, StoreError};

use super::fault::{Fault, Kind, unsendable};
use super::item::{self, Item};
use super::layout::{self, ItemKey};
use super::retry::Attempts;
use super::table::Table;

/// The maximum number of keys in one request, by DynamoDB.
const MAX_KEYS: usize = 100;

/// Which attributes of an item are read, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them, as consistently as reads are.
    Whole,
    /// All of them, consistently, for a write.
    Current,
    /// All but the body, consistently, for a write.
    Head,
}

/// The attributes of [`Part::Head`]. Aliases stand in for names that DynamoDB reserves.
const HEAD: &str = "#p, #s, #v, #l, #u";
const HEAD_NAMES: [(&str, &str); 5] = [
    ("#p", item::PARTITION),
    ("#s", item::SORT),
    ("#v", item::VERSION),
    ("#l", item::LABELS),
    ("#u", item::PURGE_AT),
];

impl Table {
    pub(super) async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let found = self.item(key, Part::Whole).await?;
        Ok(found.map(|item| item::readable(item, key.clone())))
    }

    pub(super) async fn read_many(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let mut found = self.items(keys, Part::Whole).await?;
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
    ) -> Result<Option<Item>, StoreError> {
        let mut request = self
            .client
            .get_item()
            .table_name(&*self.name)
            .set_key(Some(item::key(layout::record(key))))
            .consistent_read(self.consistent || part != Part::Whole);
        if part == Part::Head {
            request = request.projection_expression(HEAD);
            for (alias, name) in HEAD_NAMES {
                request = request.expression_attribute_names(alias, name);
            }
        }
        let answer = self.ask(|| request.clone().send()).await?;
        Ok(answer.item)
    }

    /// The existing items of records, by their keys.
    pub(super) async fn items(
        &self,
        keys: &[RecordKey],
        part: Part,
    ) -> Result<HashMap<ItemKey, Item>, StoreError> {
        if let [key] = keys {
            let found = self.item(key, part).await?;
            let found = found.map(|item| (layout::record(key), item));
            return Ok(found.into_iter().collect());
        }
        // DynamoDB refuses a request that names a key twice.
        let keys: HashSet<ItemKey> = keys.iter().map(layout::record).collect();
        let mut keys: Vec<ItemKey> = keys.into_iter().collect();
        let mut found = HashMap::with_capacity(keys.len());
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(MAX_KEYS));
            for item in self.chunk(keys, part).await? {
                if let Some(key) = item::key_of(&item) {
                    found.insert(key, item);
                }
            }
            keys = rest;
        }
        Ok(found)
    }

    /// Sends one request, then others for the keys it left over. Only attempts without progress
    /// count towards the bound.
    async fn chunk(&self, keys: Vec<ItemKey>, part: Part) -> Result<Vec<Item>, StoreError> {
        let mut left: Vec<Item> = keys.into_iter().map(item::key).collect();
        let mut found = Vec::with_capacity(left.len());
        let mut attempts = Attempts::reading(self.attempts);
        loop {
            let asked = left.len();
            let mut wanted = KeysAndAttributes::builder()
                .set_keys(Some(left.clone()))
                .consistent_read(self.consistent || part != Part::Whole);
            if part == Part::Head {
                wanted = wanted.projection_expression(HEAD);
                for (alias, name) in HEAD_NAMES {
                    wanted = wanted.expression_attribute_names(alias, name);
                }
            }
            let wanted = wanted.build().map_err(unsendable)?;
            let request = self.client.batch_get_item();
            let request = request.request_items(&*self.name, wanted);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => {
                    attempts.again(Fault::of(error)).await?;
                    continue;
                }
            };
            let responses = answer.responses.into_iter().flatten();
            found.extend(responses.flat_map(|(_, items)| items));
            let unprocessed = answer.unprocessed_keys.into_iter().flatten();
            left = unprocessed.flat_map(|(_, keys)| keys.keys).collect();
            if left.is_empty() {
                return Ok(found);
            }
            if left.len() < asked {
                attempts.restart();
            }
            let unprocessed = Fault::new(Kind::Throttled, "UnprocessedKeys");
            attempts.again(unprocessed).await?;
        }
    }
}
