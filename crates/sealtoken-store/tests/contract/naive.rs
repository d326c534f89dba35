//! A simple store with one fault of choice. Without a fault it keeps the contract.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;
use sealtoken_store::engine::{check_batch, check_key};
use sealtoken_store::{
    Change, Collection, Cursor, Label, LabelName, Limits, Outcome, Page, Query, Record,
    RecordError, RecordKey, Selection, Store, StoreError, Values, Version,
};
use sealtoken_time::UnixTime;

/// A fault of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    IgnoresExpected,
    ReplaceInserts,
    RemoveNeedsARecord,
    RemoveIgnoresExpected,
    ForgetsTheWinner,
    NamesTheWrongChange,
    NamesTheLastConflict,
    WritesHalfABatch,
    WritesLabelsBeforeItLooks,
    ChecksBeforeItLocks,
    HalfDoneWhenDropped,
    FailsUnderContention,
    SkipsLabels,
    OldLabelsStay,
    NewLabelsAreForgotten,
    LabelsOutliveTheirRecord,
    LabelsOutliveAPurge,
    OneValueALabel,
    CutsIdsAtNul,
    IdsAreText,
    IgnoresCase,
    OneCollection,
    CutsBodiesAtNul,
    CountsVersions,
    ForgetsPurgeAt,
    NoLimitOfIds,
    NoLimitOfBodies,
    BodiesAreShorterThanItSays,
    NoLimitOfBatches,
    TakesDuplicates,
    StaleReads,
    TornReads,
    GetManyDropsMissing,
    GetManyMerges,
    GetManyTakesItsTime,
    ScansByIdAlone,
    RangeEndsInclusive,
    RangeBeginsAnywhere,
    ScansWithoutBodies,
    PagesAreOffsets,
    SkipsAtPageEnds,
    RepeatsAtPageEnds,
    LastPageHasACursor,
    PagesAreUnbounded,
    ZeroIsNothing,
    PanicsAtCursors,
    BelievesCursors,
    CursorsBeginTheRange,
    CountsAPage,
    PurgesTheMomentItself,
    PurgesWhatHasNoEnd,
    PurgesWithoutLimit,
    PurgesEverywhere,
    PurgeTimesAreUnsigned,
    RefusesEmptyBatches,
    ForgetsInCrossingBatches,
}

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

    fn check(&self, batch: &[Change]) -> Result<(), StoreError> {
        let mut limits = self.limits();
        if self.is(Fault::NoLimitOfBodies) {
            limits.max_body = usize::MAX;
        }
        if self.is(Fault::BodiesAreShorterThanItSays) {
            limits.max_body -= 1;
        }
        if self.is(Fault::NoLimitOfBatches) {
            limits.max_batch = usize::MAX;
        }
        if self.is(Fault::RefusesEmptyBatches) && batch.is_empty() {
            return Err(RecordError::DuplicateKey.into());
        }
        match check_batch(&limits, batch) {
            Err(RecordError::Id) if self.is(Fault::NoLimitOfIds) => Ok(()),
            Err(RecordError::DuplicateKey) if self.is(Fault::TakesDuplicates) => Ok(()),
            result => Ok(result?),
        }
    }

    fn matches(&self, change: &Change, existing: Option<Version>) -> bool {
        match change {
            Change::Insert(_) => existing.is_none(),
            Change::Replace { .. } if existing.is_none() => self.is(Fault::ReplaceInserts),
            Change::Replace { .. } if self.is(Fault::IgnoresExpected) => true,
            Change::Replace { expected, .. } => existing == Some(*expected),
            Change::Remove { expected: None, .. } => {
                existing.is_some() || !self.is(Fault::RemoveNeedsARecord)
            }
            Change::Remove { .. } if self.is(Fault::RemoveIgnoresExpected) => true,
            Change::Remove { expected, .. } => existing == *expected,
        }
    }

    fn conflict(&self, state: &State, batch: &[Change]) -> Option<Outcome> {
        let mut conflicts = batch.iter().enumerate().filter(|(_, change)| {
            let existing = state.records.get(&self.at(change.key()));
            !self.matches(change, existing.map(|record| record.version))
        });
        let (index, change) = if self.is(Fault::NamesTheLastConflict) {
            conflicts.next_back()?
        } else {
            conflicts.next()?
        };
        let current = state.records.get(&self.at(change.key())).cloned();
        Some(Outcome::Conflict {
            index: if self.is(Fault::NamesTheWrongChange) {
                0
            } else {
                index
            },
            current: current.filter(|_| !self.is(Fault::ForgetsTheWinner)),
        })
    }

    fn remove(&self, state: &mut State, key: &RecordKey, labels_stay: bool) {
        if let Some(old) = state.records.remove(key)
            && !labels_stay
        {
            for label in &old.labels {
                state.labels.remove(&entry(key, label));
            }
        }
    }

    fn apply(&self, state: &mut State, change: &Change) {
        let key = self.at(change.key());
        match change {
            Change::Remove { .. } => {
                self.remove(state, &key, self.is(Fault::LabelsOutliveTheirRecord));
            }
            Change::Insert(record) | Change::Replace { record, .. } => {
                let replaced = state.records.contains_key(&key);
                self.remove(state, &key, self.is(Fault::OldLabelsStay));
                let skip = self.is(Fault::SkipsLabels)
                    || replaced && self.is(Fault::NewLabelsAreForgotten);
                let mut record = record.clone();
                if self.is(Fault::OneValueALabel) {
                    let mut seen = HashSet::new();
                    record
                        .labels
                        .retain(|label| seen.insert(label.name.clone()));
                }
                for label in record.labels.iter().filter(|_| !skip) {
                    let value = match self.fault {
                        Fault::IgnoresCase => label.value.to_ascii_lowercase(),
                        _ => label.value.clone(),
                    };
                    let label = Label::new(label.name.clone(), value);
                    state.labels.insert(entry(&key, &label));
                }
                match self.fault {
                    Fault::CutsBodiesAtNul => {
                        let end = record.body.iter().position(|byte| *byte == 0);
                        record.body.truncate(end.unwrap_or(record.body.len()));
                    }
                    Fault::CountsVersions => {
                        let mut bytes = *record.version.as_bytes();
                        bytes[0] &= 0x7f;
                        record.version = Version::from_bytes(bytes);
                    }
                    Fault::ForgetsPurgeAt => record.purge_at = None,
                    Fault::PurgeTimesAreUnsigned => {
                        let seconds = record.purge_at.map(|at| at.as_secs().max(0));
                        record.purge_at = seconds.map(UnixTime::from_secs);
                    }
                    _ => {}
                }
                state.records.insert(key, record);
            }
        }
    }

    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        if !self.is(Fault::NoLimitOfIds) {
            check_key(key)?;
        }
        let state = match self.fault {
            Fault::StaleReads => &self.stale,
            _ => &self.state,
        };
        Ok(self.read_in(&state.lock().unwrap(), key))
    }

    fn read_in(&self, state: &State, key: &RecordKey) -> Option<Record> {
        let record = state.records.get(&self.at(key)).cloned();
        record.map(|record| Record {
            key: key.clone(),
            ..record
        })
    }

    /// The selected records in order, each with the label's value.
    fn selected(&self, query: &Query) -> Vec<(Vec<u8>, Record)> {
        let state = self.state.lock().unwrap();
        let collection = match self.fault {
            Fault::OneCollection => Collection::new("note").unwrap(),
            _ => query.collection.clone(),
        };
        let mut selected = Vec::new();
        match &query.selection {
            Selection::All => {
                let here = |record: &&Record| record.key.collection == query.collection;
                let records = state.records.values();
                selected.extend(records.filter(here).map(|r| (Vec::new(), r.clone())));
            }
            Selection::Label { name, values } => {
                let mut values = values.clone();
                if self.is(Fault::RangeBeginsAnywhere) {
                    values.from = Vec::new();
                }
                for (c, n, value, id) in &state.labels {
                    let last =
                        self.is(Fault::RangeEndsInclusive) && values.until == *value;
                    if *c == collection && n == name && (last || contains(&values, value)) {
                        let key = RecordKey::new(c.clone(), id.clone());
                        let record = state.records.get(&key).cloned();
                        // A label without its record is skipped, except in the stores whose labels
                        // stay.
                        let record = record
                            .unwrap_or_else(|| Record::new(key, Version::from_bytes([0; 16]), "x"));
                        selected.push((value.clone(), record));
                    }
                }
            }
        }
        if self.is(Fault::ScansByIdAlone) {
            selected.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        }
        selected
    }
}

fn entry(key: &RecordKey, label: &Label) -> Entry {
    let (name, value) = (label.name.clone(), label.value.clone());
    (key.collection.clone(), name, value, key.id.clone())
}

fn contains(values: &Values, value: &Vec<u8>) -> bool {
    (&values.from..&values.until).contains(&value)
}

fn cursor(value: &[u8], id: &[u8]) -> Cursor {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    Cursor::from_bytes([&length[..], value, id].concat())
}

fn position(cursor: &Cursor) -> Option<(Vec<u8>, Vec<u8>)> {
    let (length, rest) = cursor.as_bytes().split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (value, id) = rest.split_at_checked(length)?;
    Some((value.to_vec(), id.to_vec()))
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
        self.check(batch)?;
        if self.is(Fault::ChecksBeforeItLocks)
            || self.is(Fault::ForgetsInCrossingBatches) && batch.len() > 2
        {
            let conflict = self.conflict(&self.state.lock().unwrap(), batch);
            if let Some(conflict) = conflict {
                return Ok(conflict);
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        if self.is(Fault::HalfDoneWhenDropped) {
            let conflict = self.conflict(&self.state.lock().unwrap(), batch);
            if let Some(conflict) = conflict {
                return Ok(conflict);
            }
            for change in batch {
                self.apply(&mut self.state.lock().unwrap(), change);
                tokio::task::yield_now().await;
            }
            return Ok(Outcome::Written);
        }
        if self.is(Fault::FailsUnderContention) && self.state.try_lock().is_err() {
            return Err(StoreError::unavailable("busy"));
        }
        let mut state = self.state.lock().unwrap();
        if self.is(Fault::FailsUnderContention) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        if self.is(Fault::StaleReads) {
            *self.stale.lock().unwrap() = state.clone();
        }
        if self.is(Fault::WritesHalfABatch) {
            for (index, change) in batch.iter().enumerate() {
                if let Some(conflict) = self.conflict(&state, &batch[index..=index]) {
                    let Outcome::Conflict { current, .. } = conflict else {
                        unreachable!()
                    };
                    return Ok(Outcome::Conflict { index, current });
                }
                self.apply(&mut state, change);
            }
            return Ok(Outcome::Written);
        }
        if self.is(Fault::WritesLabelsBeforeItLooks) {
            for change in batch {
                if let Change::Insert(record) | Change::Replace { record, .. } = change {
                    let labels = record.labels.iter();
                    let entries: Vec<_> = labels.map(|label| entry(&record.key, label)).collect();
                    state.labels.extend(entries);
                }
            }
        }
        let unchecked = self.is(Fault::ChecksBeforeItLocks)
            || self.is(Fault::ForgetsInCrossingBatches) && batch.len() > 2;
        if !unchecked && let Some(conflict) = self.conflict(&state, batch) {
            return Ok(conflict);
        }
        for change in batch {
            self.apply(&mut state, change);
        }
        Ok(Outcome::Written)
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        let mut selected = self.selected(query);
        let all = selected.len();
        if let Some(after) = &query.after {
            let position = position(after);
            if self.is(Fault::PanicsAtCursors) {
                assert!(position.is_some());
            }
            let (value, id) = position.ok_or(StoreError::Cursor)?;
            if self.is(Fault::PagesAreOffsets) {
                let offset = <[u8; 8]>::try_from(&id[..]).map_err(|_| StoreError::Cursor)?;
                let offset = usize::try_from(u64::from_be_bytes(offset)).unwrap();
                selected.drain(..offset.min(all));
            } else if self.is(Fault::BelievesCursors) {
                // It continues at the cursor, whatever the query says.
                let mut everything = query.clone();
                everything.after = None;
                if let Selection::Label { values, .. } = &mut everything.selection {
                    values.from = value.clone();
                    values.until = Values::beginning_with("").until;
                }
                selected = self.selected(&everything);
                selected.retain(|(v, record)| (v, &record.key.id) > (&value, &id));
            } else if self.is(Fault::CursorsBeginTheRange) {
                let mut everything = query.clone();
                if let Selection::Label { values, .. } = &mut everything.selection {
                    values.from = value.clone();
                }
                selected = self.selected(&everything);
                selected.retain(|(v, record)| (v, &record.key.id) > (&value, &id));
            } else if self.is(Fault::ScansByIdAlone) {
                selected.retain(|(_, record)| record.key.id > id);
            } else if self.is(Fault::RepeatsAtPageEnds) {
                selected.retain(|(v, record)| (v, &record.key.id) >= (&value, &id));
            } else {
                selected.retain(|(v, record)| (v, &record.key.id) > (&value, &id));
            }
            if self.is(Fault::SkipsAtPageEnds) && !selected.is_empty() {
                selected.remove(0);
            }
        }
        let mut limit = usize::try_from(query.limit).unwrap();
        if !self.is(Fault::ZeroIsNothing) {
            limit = limit.max(1);
        }
        let mut page = Page {
            records: Vec::new(),
            next: None,
        };
        let (mut bytes, mut more) = (0, false);
        let begin = all - selected.len();
        let mut last = None;
        for (value, mut record) in selected {
            if page.records.len() >= limit
                || bytes >= Query::PAGE_BYTES && !self.is(Fault::PagesAreUnbounded)
            {
                more = true;
                break;
            }
            bytes += record.body.len();
            last = Some(cursor(&value, &record.key.id));
            if self.is(Fault::ScansWithoutBodies) {
                record.body.clear();
            }
            page.records.push(record);
        }
        if self.is(Fault::PagesAreOffsets) {
            last = Some(cursor(b"", &(begin + page.records.len()).to_be_bytes()));
        }
        if more || self.is(Fault::LastPageHasACursor) {
            page.next = last;
        }
        Ok(page)
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
