//! A simple store with one fault of choice. Without a fault it keeps the contract.

mod fault;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;
use sealtoken_store::engine::check_key;
use sealtoken_store::{
    Change, Collection, LabelName, Limits, Outcome, Page, Query, Record, RecordKey, Store,
    StoreError,
};
use sealtoken_time::UnixTime;

pub(super) use fault::Fault;

type Entry = (Collection, LabelName, Vec<u8>, Vec<u8>);

#[derive(Debug, Default, Clone)]
struct State {
    records: BTreeMap<RecordKey, Record>,
    labels: BTreeSet<Entry>,
}

/// A store with a fault.
#[derive(Debug)]
pub(super) struct Naive {
    fault: Fault,
    state: Mutex<State>,
    /// What stale reads return.
    stale: Mutex<State>,
}

impl Naive {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            fault,
            state: Mutex::default(),
            stale: Mutex::default(),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// How this engine stores a key.
    fn at(&self, key: &RecordKey) -> RecordKey {
        let mut key = key.clone();
        match self.fault {
            Fault::CutsIdsAtNul => {
                let end = key.id.iter().position(|byte| *byte == 0);
                key.id.truncate(end.unwrap_or(key.id.len()).max(1));
            }
            Fault::IdsAreText => key.id = String::from_utf8_lossy(&key.id).into_owned().into(),
            Fault::OneCollection => key.collection = Collection::new("note").unwrap(),
            _ => {}
        }
        key
    }
}

#[async_trait]
impl Store for Naive {
    fn limits(&self) -> Limits {
        Limits {
            max_body: 100_000,
            max_batch: 1000,
            durable: false,
        }
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let record = self.read(key)?;
        if self.is(Fault::TornReads) {
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
            let later = self.read(key)?;
            return Ok(record.zip(later).map(|(first, later)| Record {
                labels: later.labels,
                ..first
            }));
        }
        Ok(record)
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        if !self.is(Fault::NoLimitOfIds) {
            keys.iter().try_for_each(check_key)?;
        }
        let mut records = Vec::new();
        let mut seen = HashSet::new();
        let mut state = self.state.lock().unwrap().clone();
        for key in keys {
            if self.is(Fault::GetManyTakesItsTime) {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                state = self.state.lock().unwrap().clone();
            }
            let record = self.read_in(&state, key);
            let merged = self.is(Fault::GetManyMerges) && !seen.insert(key);
            let dropped = self.is(Fault::GetManyDropsMissing) && record.is_none();
            if !merged && !dropped {
                records.push(record);
            }
        }
        Ok(records)
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        self.write_batch(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.page(query)
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let count = self.selected(query).len();
        Ok(match self.fault {
            Fault::CountsAPage => u64::try_from(count).unwrap().min(query.limit.into()),
            _ => u64::try_from(count).unwrap(),
        })
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut state = self.state.lock().unwrap();
        let due = |record: &&Record| {
            let here = record.key.collection == *collection;
            (here || self.is(Fault::PurgesEverywhere))
                && match record.purge_at {
                    Some(at) if self.is(Fault::PurgesTheMomentItself) => at <= before,
                    Some(at) => at < before,
                    None => self.is(Fault::PurgesWhatHasNoEnd),
                }
        };
        let limit = match self.fault {
            Fault::PurgesWithoutLimit => u32::MAX,
            _ => limit,
        };
        let due: Vec<_> = state
            .records
            .values()
            .filter(due)
            .map(|r| r.key.clone())
            .collect();
        let mut purged = 0;
        for key in due.iter().take(usize::try_from(limit).unwrap()) {
            self.remove(&mut state, key, self.is(Fault::LabelsOutliveAPurge));
            purged += 1;
        }
        Ok(purged)
    }
}
