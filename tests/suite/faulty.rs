//! A store that fails at one of its calls, and counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use sealtoken::UnixTime;
use sealtoken::store::{
    Change, Collection, Limits, MemoryStore, Outcome, Page, Query, Record, RecordKey, Store,
    StoreError,
};
use tokio::sync::Notify;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done, and the store says so.
    Before,
    /// It is done, and the reply is lost.
    After,
    /// From that call on nothing is done.
    ForGood,
}

/// A store whose call number `at` fails.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) calls: AtomicU64,
    /// How many of the calls were writes.
    pub(crate) writes: AtomicU64,
    pub(crate) at: AtomicU64,
    pub(crate) fault: Fault,
    pub(crate) healed: AtomicBool,
    /// Whether the reply of every write is lost.
    pub(crate) lost: AtomicBool,
    /// Whether the next `get` says that it has `read`, and waits to `go_on`.
    pub(crate) hold: AtomicBool,
    pub(crate) read: Notify,
    pub(crate) go_on: Notify,
}

impl Faulty {
    pub(crate) fn new(fault: Fault, at: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            calls: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            at: AtomicU64::new(at),
            fault,
            healed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            hold: AtomicBool::new(false),
            read: Notify::new(),
            go_on: Notify::new(),
        })
    }

    /// One that never fails: it only counts.
    #[cfg(feature = "pat")]
    pub(crate) fn counting() -> Arc<Self> {
        Self::new(Fault::Before, u64::MAX)
    }

    /// How many calls there were since this was last asked, and how many of them were writes.
    #[cfg(feature = "pat")]
    pub(crate) fn counts(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        (take(&self.calls), take(&self.writes))
    }

    /// How this call ends: an error before it is done, and one after.
    fn next(&self) -> (Result<(), StoreError>, Result<(), StoreError>) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let at = self.at.load(Ordering::SeqCst);
        let away = || Err(StoreError::unavailable("test"));
        match self.fault {
            _ if self.healed.load(Ordering::SeqCst) => (Ok(()), Ok(())),
            Fault::Before if call == at => (away(), Ok(())),
            Fault::After if call == at => (Ok(()), Err(StoreError::unknown("test"))),
            Fault::ForGood if call >= at => (away(), Ok(())),
            _ => (Ok(()), Ok(())),
        }
    }
}

#[async_trait]
impl Store for Faulty {
    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let (before, after) = self.next();
        before?;
        let result = self.inner.get(key).await?;
        if self.hold.swap(false, Ordering::SeqCst) {
            self.read.notify_one();
            self.go_on.notified().await;
        }
        after.map(|()| result)
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let (before, after) = self.next();
        before?;
        let result = self.inner.get_many(keys).await?;
        after.map(|()| result)
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let (before, after) = self.next();
        before?;
        let result = self.inner.write(batch).await?;
        if self.lost.load(Ordering::SeqCst) {
            return Err(StoreError::unknown("test"));
        }
        after.map(|()| result)
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        let (before, after) = self.next();
        before?;
        let result = self.inner.scan(query).await?;
        after.map(|()| result)
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let (before, after) = self.next();
        before?;
        let result = self.inner.count(query).await?;
        after.map(|()| result)
    }

    async fn purge(
        &self,
        collection: &Collection,
        before_: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let (before, after) = self.next();
        before?;
        let result = self.inner.purge(collection, before_, limit).await?;
        after.map(|()| result)
    }
}
