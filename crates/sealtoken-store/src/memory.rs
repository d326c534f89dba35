//! An engine in the memory of the process, for tests and for short-lived data.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;

use sealtoken_time::UnixTime;

use super::Store;
use super::change::{Change, Limits, Outcome};
use super::engine::{Paging, Position, check_batch, check_key, matches};
use super::error::StoreError;
use super::name::{Collection, LabelName};
use super::query::{Page, Query, Selection, Values};
use super::record::{Record, RecordKey};

/// A store in the memory of this process. Clones share its records.
///
/// ```
/// use sealtoken_store::MemoryStore;
///
/// let store = MemoryStore::new();
/// let the_same = store.clone();
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<RwLock<State>>,
}

/// A label of a record, sorted as a scan returns it.
type Entry = (Collection, LabelName, Vec<u8>, Vec<u8>);

#[derive(Default)]
struct State {
    records: HashMap<RecordKey, Record>,
    /// The ids of each collection, in the order of a scan.
    ids: BTreeMap<Collection, BTreeSet<Vec<u8>>>,
    labels: BTreeSet<Entry>,
    purges: BTreeSet<(Collection, UnixTime, Vec<u8>)>,
}

impl MemoryStore {
    const LIMITS: Limits = Limits {
        max_body: 4 * 1024 * 1024,
        max_batch: 1000,
        durable: false,
    };

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    // A batch is checked before anything changes, so a panic leaves the state whole.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.shared.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn limits(&self) -> Limits {
        Self::LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        Ok(self.read().get(key).cloned())
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(check_key)?;
        let state = self.read();
        Ok(keys.iter().map(|key| state.get(key).cloned()).collect())
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        check_batch(&Self::LIMITS, batch)?;
        let mut state = self.change();
        for (index, change) in batch.iter().enumerate() {
            let current = state.get(change.key());
            let version = current.map(|record| Ok::<_, Infallible>(record.version));
            if !matches(change, version) {
                let current = current.cloned();
                return Ok(Outcome::Conflict { index, current });
            }
        }
        for change in batch {
            state.remove(change.key());
            match change {
                Change::Insert(record) | Change::Replace { record, .. } => state.insert(record),
                Change::Remove { .. } => {}
            }
        }
        Ok(Outcome::Written)
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        let mut paging = Paging::new(query)?;
        let Some(start) = paging.start() else {
            return Ok(paging.into_page(false));
        };
        let state = self.read();
        let more = match &query.selection {
            Selection::All => state.scan_all(&query.collection, start, &mut paging),
            Selection::Label { name, values } => {
                state.scan_label(&query.collection, name, values, start, &mut paging)
            }
        };
        Ok(paging.into_page(more))
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let state = self.read();
        let count = match &query.selection {
            Selection::All => state.ids.get(&query.collection).map_or(0, BTreeSet::len),
            Selection::Label { name, values } => state
                .labelled(
                    &query.collection,
                    name,
                    values,
                    Position {
                        value: values.from.clone(),
                        id: Vec::new(),
                    },
                )
                .count(),
        };
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut state = self.change();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let start = (
            collection.clone(),
            UnixTime::from_secs(i64::MIN),
            Vec::new(),
        );
        let end = (collection.clone(), before, Vec::new());
        let due: Vec<_> = state
            .purges
            .range(start..end)
            .take(limit)
            .cloned()
            .collect();
        for (collection, _, id) in &due {
            state.remove(&RecordKey::new(collection.clone(), id.clone()));
        }
        Ok(u32::try_from(due.len()).unwrap_or(u32::MAX))
    }
}

impl State {
    fn get(&self, key: &RecordKey) -> Option<&Record> {
        self.records.get(key)
    }

    fn insert(&mut self, record: &Record) {
        for label in &record.labels {
            self.labels
                .insert(entry(&record.key, &label.name, &label.value));
        }
        if let Some(at) = record.purge_at {
            self.purges
                .insert((record.key.collection.clone(), at, record.key.id.clone()));
        }
        let RecordKey { collection, id } = record.key.clone();
        self.ids.entry(collection).or_default().insert(id);
        self.records.insert(record.key.clone(), record.clone());
    }

    fn remove(&mut self, key: &RecordKey) {
        let Some(record) = self.records.remove(key) else {
            return;
        };
        if let Some(ids) = self.ids.get_mut(&key.collection) {
            ids.remove(&key.id);
        }
        for label in &record.labels {
            self.labels.remove(&entry(key, &label.name, &label.value));
        }
        if let Some(at) = record.purge_at {
            self.purges
                .remove(&(key.collection.clone(), at, key.id.clone()));
        }
    }

    fn all<'a>(
        &'a self,
        collection: &'a Collection,
        start: Position,
    ) -> impl Iterator<Item = &'a Record> {
        let ids = self.ids.get(collection).into_iter();
        let rest = ids.flat_map(move |ids| ids.range(start.id.clone()..));
        rest.filter_map(|id| self.get(&RecordKey::new(collection.clone(), id.clone())))
    }

    fn labelled(
        &self,
        collection: &Collection,
        name: &LabelName,
        values: &Values,
        start: Position,
    ) -> impl Iterator<Item = &Entry> {
        let start = (collection.clone(), name.clone(), start.value, start.id);
        let (collection, name, values) = (collection.clone(), name.clone(), values.clone());
        self.labels
            .range(start..)
            .take_while(move |(c, n, value, _)| {
                *c == collection && *n == name && values.contains(value)
            })
    }

    /// Fills a page, and says whether there is more.
    fn scan_all(&self, collection: &Collection, start: Position, paging: &mut Paging<'_>) -> bool {
        for record in self.all(collection, start) {
            if paging.is_full() {
                return true;
            }
            if paging.move_to(&[], &record.key.id).is_some() {
                paging.push(record.clone());
            }
        }
        false
    }

    fn scan_label(
        &self,
        collection: &Collection,
        name: &LabelName,
        values: &Values,
        start: Position,
        paging: &mut Paging<'_>,
    ) -> bool {
        for (_, _, value, id) in self.labelled(collection, name, values, start) {
            if paging.is_full() {
                return true;
            }
            let key = paging.move_to(value, id);
            if let Some(record) = key.and_then(|key| self.get(&key)) {
                paging.push(record.clone());
            }
        }
        false
    }
}

fn entry(key: &RecordKey, name: &LabelName, value: &[u8]) -> Entry {
    let value = value.to_vec();
    (key.collection.clone(), name.clone(), value, key.id.clone())
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("records", &self.read().records.len())
            .finish_non_exhaustive()
    }
}
