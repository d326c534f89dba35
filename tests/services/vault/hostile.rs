//! A store whose rows are corrupt, whose indexes mislead, and whose writes collide or fail when a
//! test asks for it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sealtoken::store::{
    Change, Collection, Cursor, Limits, MemoryStore, Outcome, Page, Query, Record, RecordKey,
    Store, StoreError, Version,
};
use tokio::sync::Barrier;

use crate::intercept::{Intercept, Intercepted};

pub(crate) type HostileStore = Intercepted<Hostile>;

#[derive(Debug)]
pub(crate) struct Hostile {
    inner: MemoryStore,
    /// Rows whose key is all that an engine can read.
    unreadable: Mutex<HashSet<RecordKey>>,
    /// Whether every scan by label gives the whole collection.
    misleading: AtomicBool,
    /// The maximum weight of a batch, and which of the next writes is not done.
    max_batch: usize,
    fails: AtomicU64,
    /// How many writes of a password's new entry wait for each other, and where.
    meeting: AtomicU64,
    barrier: Barrier,
    /// Whether no entry of a password is removed.
    keeps_entries: AtomicBool,
    /// How many records scans gave, and for how many at most they asked.
    scanned: AtomicU64,
    asked: AtomicU64,
    /// How many of the next scans give an empty page with a cursor.
    empty: AtomicU64,
}

impl HostileStore {
    pub(crate) fn new() -> Arc<Self> {
        Self::with_batches_of(1000)
    }

    pub(crate) fn with_batches_of(max_batch: usize) -> Arc<Self> {
        Arc::new(Intercepted(Hostile {
            inner: MemoryStore::new(),
            unreadable: Mutex::default(),
            misleading: AtomicBool::new(false),
            max_batch,
            fails: AtomicU64::new(0),
            meeting: AtomicU64::new(0),
            barrier: Barrier::new(2),
            keeps_entries: AtomicBool::new(false),
            scanned: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            empty: AtomicU64::new(0),
        }))
    }
}

impl Hostile {
    /// Breaks the row of a record: an engine finds neither version nor body nor labels in it.
    pub(crate) fn make_unreadable(&self, key: &RecordKey) {
        self.unreadable.lock().unwrap().insert(key.clone());
    }

    /// Lets this many scans give an empty page.
    pub(crate) fn give_empty_pages(&self, pages: u64) {
        self.empty.store(pages, Ordering::SeqCst);
    }

    /// How many of those are left.
    pub(crate) fn empty_pages_left(&self) -> u64 {
        self.empty.load(Ordering::SeqCst)
    }

    pub(crate) fn lead_astray(&self) {
        self.misleading.store(true, Ordering::SeqCst);
    }

    /// Lets one of the next writes fail.
    pub(crate) fn fail_at(&self, write: u64) {
        self.fails.store(write, Ordering::SeqCst);
    }

    /// The next two writers of a password's entry both find no entry before either writes.
    pub(crate) fn let_two_meet(&self) {
        self.meeting.store(2, Ordering::SeqCst);
    }

    /// Waits until the first of the two writers arrives.
    pub(crate) async fn until_one_waits(&self) {
        while self.meeting.load(Ordering::SeqCst) != 1 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets no entry of a password move up any more.
    pub(crate) fn keep_entries(&self) {
        self.keeps_entries.store(true, Ordering::SeqCst);
    }

    /// How many records scans gave since this was last asked.
    pub(crate) fn scanned(&self) -> u64 {
        self.scanned.swap(0, Ordering::SeqCst)
    }

    /// The largest number of records that a scan asked for since this was last called.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.swap(0, Ordering::SeqCst)
    }

    pub(crate) async fn all(&self, collection: &'static str) -> Vec<Record> {
        let query = Query::all(Collection::new(collection).unwrap()).limit(u32::MAX);
        self.inner.scan(&query).await.unwrap().records
    }

    /// Puts a record into the store, whatever was in its place.
    pub(crate) async fn put(&self, record: &Record) {
        let (key, expected) = (record.key.clone(), None);
        let remove = Change::Remove { key, expected };
        for change in [remove, Change::Insert(record.clone())] {
            assert_eq!(self.inner.write(&[change]).await, Ok(Outcome::Written));
        }
    }

    fn seen(&self, record: Record) -> Record {
        let unreadable = self.unreadable.lock().unwrap();
        if unreadable.contains(&record.key) {
            Record::new(record.key, Version::from_bytes([0; 16]), [])
        } else {
            record
        }
    }
}

/// Counts one down, and returns the count before; `None` at zero.
fn counts_down(count: &AtomicU64) -> Option<u64> {
    let less = |left: u64| left.checked_sub(1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .ok()
}

#[async_trait]
impl Intercept for Hostile {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    fn limits(&self) -> Limits {
        Limits {
            max_batch: self.max_batch,
            ..self.inner.limits()
        }
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let record = self.inner.get(key).await?;
        Ok(record.map(|record| self.seen(record)))
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let records = self.inner.get_many(keys).await?.into_iter();
        Ok(records
            .map(|record| record.map(|record| self.seen(record)))
            .collect())
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        let of_passwords = |change: &&Change| {
            let collection = &change.key().collection;
            collection.as_str() == "vault_passwords"
        };
        let is_new = |change: &Change| matches!(change, Change::Insert(_));
        let is_removal = |change: &Change| matches!(change, Change::Remove { .. });
        let mut entries = batch.iter().filter(of_passwords);
        if entries.clone().any(is_new) && counts_down(&self.meeting).is_some() {
            self.barrier.wait().await;
        }
        let is_kept = self.keeps_entries.load(Ordering::SeqCst) && entries.any(is_removal);
        if is_kept || counts_down(&self.fails) == Some(1) {
            return Err(StoreError::unavailable("test"));
        }
        for (index, change) in batch.iter().enumerate() {
            let broken = self.unreadable.lock().unwrap().contains(change.key());
            let removed = matches!(change, Change::Remove { expected: None, .. });
            if broken && !removed {
                let current = Intercept::get(self, change.key()).await?;
                return Ok(Outcome::Conflict { index, current });
            }
        }
        let outcome = self.inner.write(batch).await?;
        if outcome == Outcome::Written {
            let mut broken = self.unreadable.lock().unwrap();
            batch.iter().for_each(|change| {
                broken.remove(change.key());
            });
        }
        Ok(outcome)
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.asked.fetch_max(query.limit.into(), Ordering::SeqCst);
        if counts_down(&self.empty).is_some() {
            // It goes on where it began: before the first id.
            let begin = || Cursor::from_bytes([0, 0, 0]);
            return Ok(Page {
                records: Vec::new(),
                next: query.after.clone().or_else(|| Some(begin())),
            });
        }
        let misled = Query {
            limit: query.limit,
            after: query.after.clone(),
            ..Query::all(query.collection.clone())
        };
        let misleading = self.misleading.load(Ordering::SeqCst);
        let query = if misleading { &misled } else { query };
        let Page { records, next } = self.inner.scan(query).await?;
        self.scanned
            .fetch_add(records.len() as u64, Ordering::SeqCst);
        let records = records.into_iter().map(|record| self.seen(record));
        Ok(Page {
            records: records.collect(),
            next,
        })
    }
}
