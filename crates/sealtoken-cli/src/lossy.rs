//! A store that fails some of its calls.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use sealtoken::UnixTime;
use sealtoken::store::{
    Change, Collection, Effect, Limits, MemoryStore, Outcome, Page, Query, Record, RecordKey,
    Store, StoreError,
};

/// Fails the reads by key and the writes with these numbers, counted from 0, without carrying them
/// out.
#[derive(Debug)]
pub(crate) struct Lossy {
    store: MemoryStore,
    /// The effect that a failed write reports.
    effect: Effect,
    reads: (AtomicU32, Range<u32>),
    writes: (AtomicU32, Range<u32>),
}

impl Lossy {
    pub(crate) fn reads(store: MemoryStore, lost: Range<u32>) -> Self {
        Self::new(store, lost, 0..0)
    }

    pub(crate) fn writes(store: MemoryStore, lost: Range<u32>) -> Self {
        Self::new(store, 0..0, lost)
    }

    /// The same, but their errors report that the effect is unknown.
    pub(crate) fn unknown_writes(store: MemoryStore, lost: Range<u32>) -> Self {
        Self {
            effect: Effect::Unknown,
            ..Self::writes(store, lost)
        }
    }

    fn new(store: MemoryStore, reads: Range<u32>, writes: Range<u32>) -> Self {
        Self {
            store,
            effect: Effect::None,
            reads: (AtomicU32::new(0), reads),
            writes: (AtomicU32::new(0), writes),
        }
    }
}

/// Counts the call, and fails it if its number is one of the lost.
fn fail_if_lost((count, lost): &(AtomicU32, Range<u32>), effect: Effect) -> Result<(), StoreError> {
    if lost.contains(&count.fetch_add(1, Ordering::Relaxed)) {
        return Err(StoreError::unavailable("away").maybe_done(effect == Effect::Unknown));
    }
    Ok(())
}

#[async_trait]
impl Store for Lossy {
    fn limits(&self) -> Limits {
        self.store.limits()
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        fail_if_lost(&self.reads, Effect::None)?;
        self.store.get(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        fail_if_lost(&self.reads, Effect::None)?;
        self.store.get_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        fail_if_lost(&self.writes, self.effect)?;
        self.store.write(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.store.scan(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.store.count(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.store.purge(collection, before, limit).await
    }
}
