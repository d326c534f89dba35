//! A store that does less than it was asked for, as engines may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::pat::{PatError, PersonalAccessTokens};
use sealtoken::store::{
    Change, Collection, MemoryStore, Outcome, Record, RecordKey, Store as _, StoreError, Version,
};
use sealtoken::{Lifetime, ServiceError, UnixTime};

use super::{ADA, Bench};
use crate::intercept::{Intercept, Intercepted};

/// A store that removes at most two records at a time, and whose rows can become unreadable: then
/// only their keys are read.
#[derive(Debug, Default)]
struct Limited {
    inner: MemoryStore,
    is_unreadable: AtomicBool,
}

#[async_trait]
impl Intercept for Limited {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let record = self.inner.get(key).await?;
        if !self.is_unreadable.load(Ordering::SeqCst) {
            return Ok(record);
        }
        let unreadable = |record: Record| Record::new(record.key, Version::from_bytes([0; 16]), []);
        Ok(record.map(unreadable))
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        if let [Change::Remove { key, expected }] = batch
            && self.is_unreadable.load(Ordering::SeqCst)
            && expected.is_some()
        {
            let (index, current) = (0, Intercept::get(self, key).await?);
            return Ok(Outcome::Conflict { index, current });
        }
        self.inner.write(batch).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.inner.purge(collection, before, limit.min(2)).await
    }
}

/// As PostgreSQL does where others are at the same rows.
#[tokio::test]
async fn a_purge_goes_on_where_a_store_removes_fewer_than_it_was_asked_for() {
    let store = Arc::new(Intercepted(Limited::default()));
    let options = PersonalAccessTokens::options().keep_expired(Duration::ZERO);
    let bench = Bench::over(store, options).await;
    for _ in 0..5 {
        bench
            .issue(ADA)
            .expires(Lifetime::seconds(1))
            .await
            .unwrap();
    }
    bench.clock.advance(2);
    let mut counts = Vec::new();
    let purge = bench
        .pats
        .purge_expired()
        .progress(|count| counts.push(count));
    assert_eq!(purge.await.map(|done| done.count), Ok(5));
    assert_eq!(counts, [2, 4, 5]);
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

#[tokio::test]
async fn a_token_whose_row_nobody_can_read_is_removed_all_the_same() {
    let store = Arc::new(Intercepted(Limited::default()));
    let bench = Bench::over(store.clone(), PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    store.is_unreadable.store(true, Ordering::SeqCst);
    let owned = bench.pats.owned_by("ada@example.com").delete(id).await;
    assert_eq!(owned, Err(PatError::Service(ServiceError::Tampered)));
    assert_eq!(bench.pats.delete(id).await, Ok(()));
    assert_eq!(bench.pats.list().count().await, Ok(0));
}
