//! A store whose reads come from a replica that lags behind, as with DynamoDB's
//! `consistent_reads(false)`. Writes check the current records.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sealtoken::store::{
    Change, MemoryStore, Outcome, Page, Query, Record, RecordKey, Store as _, StoreError,
};

use crate::faulty::copy;
use crate::intercept::{Intercept, Intercepted};

pub(crate) type Lagging = Intercepted<Replica>;

#[derive(Debug, Default)]
pub(crate) struct Replica {
    pub(crate) inner: MemoryStore,
    /// The stale copy that reads see, while the replica lags.
    seen: Mutex<Option<MemoryStore>>,
}

impl Lagging {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Intercepted(Replica::default()))
    }
}

impl Replica {
    /// From now on, reads see only these collections, as they are at this moment.
    pub(crate) async fn lag(&self, collections: &[&'static str]) {
        let seen = copy(&self.inner, collections).await;
        self.set(Some(seen));
    }

    /// From now on, reads see the current records.
    pub(crate) fn catch_up(&self) {
        self.set(None);
    }

    fn set(&self, seen: Option<MemoryStore>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    fn seen(&self) -> MemoryStore {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().unwrap_or(&self.inner).clone()
    }
}

#[async_trait]
impl Intercept for Replica {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.seen().get(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.seen().get_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        self.inner.write(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.seen().scan(query).await
    }
}
