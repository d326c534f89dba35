//! How the store writes.

use std::collections::HashSet;

use sealtoken_store::engine::check_batch;
use sealtoken_store::{
    Change, Label, Outcome, RecordError, RecordKey, Store as _, StoreError, Version,
};
use sealtoken_time::UnixTime;

use super::{Entry, Fault, Naive, State};

impl Naive {
    pub(super) async fn write_batch(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
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

    pub(super) fn remove(&self, state: &mut State, key: &RecordKey, labels_stay: bool) {
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
}

fn entry(key: &RecordKey, label: &Label) -> Entry {
    let (name, value) = (label.name.clone(), label.value.clone());
    (key.collection.clone(), name, value, key.id.clone())
}
