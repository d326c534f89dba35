//! The store.

use std::sync::Arc;

use async_trait::async_trait;
use sealtoken_store::engine::{check_batch, check_key};
use sealtoken_store::{
    Change, Collection, Limits, Outcome, Page, Query, Record, RecordKey, Store, StoreError,
};
use sealtoken_time::UnixTime;

use super::lease::Pool;
use super::sql::LIMITS;

/// A store in a PostgreSQL database. Clones share its connections.
///
/// A batch of one change is one statement and one round trip, or two if it changes the labels of a
/// record. A larger batch is a transaction of three round trips. The store works at READ COMMITTED,
/// REPEATABLE READ and SERIALIZABLE. After a serialisation failure or a deadlock it retries, a
/// bounded number of times.
///
/// Acknowledged changes are as durable as the settings of the server make them: `fsync` and
/// `synchronous_commit`.
///
/// # Compatible databases
///
/// The tests run on PostgreSQL alone. The store uses no advisory locks, notifications, triggers or
/// foreign keys, so it may run on databases that speak PostgreSQL's protocol. If such a database
/// cannot create tables and change rows in one transaction, or lacks `COLLATE`, adapt the
/// [migrations](Self::migrations) and run them by hand. A replacement of labels changes two tables
/// in one statement, one of them twice but no row twice: CockroachDB refuses that unless
/// `sql.multiple_modifications_of_table.enabled` is set.
///
/// ```no_run
/// use sealtoken_postgres::PostgresStore;
/// use sealtoken_store::{Change, Collection, Record, RecordKey, Store as _, Version};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::open("postgres://app:secret@db.example.com/app").await?;
/// let key = RecordKey::new(Collection::new("note")?, "first");
/// let record = Record::new(key, Version::draw()?, "text");
/// let outcome = store.write(&[Change::Insert(record)]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pub(super) pool: Arc<Pool>,
}

#[async_trait]
impl Store for PostgresStore {
    fn limits(&self) -> Limits {
        LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        self.pool.read(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(check_key)?;
        self.pool.read_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        check_batch(&LIMITS, batch)?;
        self.pool.write(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.pool.page(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.pool.count(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.pool.purge(collection, before, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PostgresOptions;

    #[test]
    fn every_public_type_can_be_shared_between_threads_and_moved() {
        fn shared<T: Send + Sync + Unpin>() {}
        shared::<(PostgresStore, PostgresOptions)>();
    }
}
