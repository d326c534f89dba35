//! The store.

use async_trait::async_trait;
use sealtoken_store::engine::{check_batch, check_key};
use sealtoken_store::{
    Change, Collection, Limits, Outcome, Page, Query, Record, RecordKey, Store, StoreError,
};
use sealtoken_time::UnixTime;

use super::item::LIMITS;
use super::table::Table;
use super::template;

/// A store in a DynamoDB table. Clones share its connections.
///
/// Everything is in one table of a fixed shape.
/// [`create_table`](super::DynamoOptions::create_table) creates it;
/// [`cloud_formation`](Self::cloud_formation) and [`terraform`](Self::terraform) describe it.
/// Changing one record that has no labels, or keeps them, is a conditional write; everything else
/// is a transaction. Reads are consistent, unless
/// [`consistent_reads`](super::DynamoOptions::consistent_reads) turns that off.
///
/// What differs from other engines:
///
/// - A body has at most 390 KiB, because an item has at most 400 KB.
/// - A batch weighs at most 100. It is also refused as
///   [`BatchTooHeavy`](sealtoken_store::RecordError::BatchTooHeavy), before anything is written, if
///   it needs more than 100 items or 4 MB: that can happen when it replaces many labels, or removes
///   records with more than four.
/// - DynamoDB itself removes records that are due (TTL), hours or days later. A record and its
///   labels go at different times: until then, a scan skips such a label, and
///   [`count`](Store::count) counts it.
/// - [`purge`](Store::purge) finds records that are due by an index, which may lag by moments.
/// - A scan by label may return records with the same value in another order than that of their
///   ids, if the ids are longer than about 400 bytes and begin with the same 400 bytes.
///
/// The methods need a tokio runtime with timers.
///
/// ```no_run
/// use sealtoken_dynamodb::DynamoStore;
/// use sealtoken_store::{Change, Collection, Record, RecordKey, Store as _, Version};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = DynamoStore::open("sealtoken").await?;
/// let key = RecordKey::new(Collection::new("note")?, "first");
/// let record = Record::new(key, Version::draw()?, "text");
/// let outcome = store.write(&[Change::Insert(record)]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DynamoStore {
    pub(super) table: Table,
}

impl DynamoStore {
    /// The table as a CloudFormation template, in JSON.
    ///
    /// It describes what [`create_table`](super::DynamoOptions::create_table) creates. Add backups
    /// and deletion protection as you need them.
    #[must_use]
    pub fn cloud_formation(table: &str) -> String {
        template::cloud_formation(table)
    }

    /// The table as a Terraform resource: see [`cloud_formation`](Self::cloud_formation).
    #[must_use]
    pub fn terraform(table: &str) -> String {
        template::terraform(table)
    }
}

#[async_trait]
impl Store for DynamoStore {
    fn limits(&self) -> Limits {
        LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        self.table.read(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(check_key)?;
        self.table.read_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        check_batch(&LIMITS, batch)?;
        self.table.write(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.table.page(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.table.count(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.table.purge(collection, before, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DynamoOptions;

    #[test]
    fn every_public_type_can_be_shared_between_threads_and_moved() {
        fn shared<T: Send + Sync + Unpin>() {}
        shared::<(DynamoStore, DynamoOptions)>();
    }
}
