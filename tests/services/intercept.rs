//! Wraps a store for tests: a wrapper overrides some calls, and all others pass through.

use std::fmt::Debug;
use std::ops::Deref;

use async_trait::async_trait;
use sealtoken::UnixTime;
use sealtoken::store::{
    Change, Collection, Limits, MemoryStore, Outcome, Page, Query, Record, RecordKey, Store,
    StoreError,
};

#[async_trait]
pub(crate) trait Intercept: Debug + Send + Sync + 'static {
    /// The wrapped store.
    fn inner(&self) -> &MemoryStore;

    /// Runs around every call; a write comes with its batch.
    async fn call<T: Send>(
        &self,
        _batch: Option<&[Change]>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        work.await
    }

    fn limits(&self) -> Limits {
        self.inner().limits()
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.inner().get(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.inner().get_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        self.inner().write(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner().scan(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.inner().purge(collection, before, limit).await
    }
}

/// A store whose calls pass through an [`Intercept`].
#[derive(Debug)]
pub(crate) struct Intercepted<F>(pub(crate) F);

impl<F> Deref for Intercepted<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.0
    }
}

#[async_trait]
impl<F: Intercept> Store for Intercepted<F> {
    fn limits(&self) -> Limits {
        self.0.limits()
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.0.call(None, self.0.get(key)).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.call(None, self.0.get_many(keys)).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        self.0.call(Some(batch), self.0.write(batch)).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.0.call(None, self.0.scan(query)).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.0.call(None, self.0.inner().count(query)).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let purged = self.0.purge(collection, before, limit);
        self.0.call(None, purged).await
    }
}
