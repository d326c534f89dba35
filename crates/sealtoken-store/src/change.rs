//! What a batch does, and what came of it.

use std::collections::HashSet;

use super::error::{RecordError, StoreError};
use super::record::{Record, RecordKey, Version};

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Puts a record where none is. Where one is, that is a conflict.
    Insert(Record),
    /// Puts a record in the place of the one with the expected version. It never inserts.
    Replace {
        /// What is to be there, with a version of its own.
        record: Record,
        /// The version that is there now.
        expected: Version,
    },
    /// Takes a record away. Where none is, that is a conflict if a version was expected, and done otherwise.
    ///
    /// Without an expected version, it also takes away a record that was broken from outside, whatever is wrong with it.
    Remove {
        /// Which one.
        key: RecordKey,
        /// The version that is there now, or any.
        expected: Option<Version>,
    },
}

impl Change {
    /// The record that it is about.
    #[must_use]
    pub fn key(&self) -> &RecordKey {
        match self {
            Self::Insert(record) | Self::Replace { record, .. } => &record.key,
            Self::Remove { key, .. } => key,
        }
    }

    /// What it counts towards [`Limits::max_batch`]: one, and one for each label of its record.
    ///
    /// A removal counts as a record of four labels, since what it takes away is not known before.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Insert(record) | Self::Replace { record, .. } => {
                record.labels.len().saturating_add(1)
            }
            Self::Remove { .. } => 5,
        }
    }

    /// Whether it can be made where this version is, or no record.
    #[must_use]
    pub fn fits(&self, there: Option<Version>) -> bool {
        match self {
            Self::Insert(_) => there.is_none(),
            Self::Replace { expected, .. } => there == Some(*expected),
            Self::Remove { expected: None, .. } => true,
            Self::Remove { expected, .. } => there == *expected,
        }
    }

    /// Whether it can be made where a record is whose version cannot be read.
    #[must_use]
    pub fn fits_broken(&self) -> bool {
        matches!(self, Self::Remove { expected: None, .. })
    }

    /// What it puts there.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Insert(record) | Self::Replace { record, .. } => Some(record),
            Self::Remove { .. } => None,
        }
    }
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
pub enum Outcome {
    /// All of it was done, and will be there after a crash as far as [`Limits::durable`] says.
    Written,
    /// Nothing was done.
    Conflict {
        /// The first change that did not fit.
        index: usize,
        /// What is there instead.
        current: Option<Record>,
    },
}

/// What an engine can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a body.
    pub max_body: usize,
    /// The most that the changes of a batch may weigh together: see [`Change::weight`].
    pub max_batch: usize,
    /// Whether what was acknowledged outlives the process and the machine's loss of power.
    pub durable: bool,
}

impl Limits {
    /// Checks a batch before an engine works on it. Every engine does.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] with what is wrong.
    pub fn check(&self, batch: &[Change]) -> Result<(), StoreError> {
        let weight = batch
            .iter()
            .map(Change::weight)
            .fold(0, usize::saturating_add);
        if weight > self.max_batch {
            return Err(RecordError::BatchTooHeavy {
                limit: self.max_batch,
            }
            .into());
        }
        let mut seen = HashSet::with_capacity(batch.len());
        for change in batch {
            change.key().check()?;
            if !seen.insert(change.key()) {
                return Err(RecordError::DuplicateKey.into());
            }
            let Some(record) = change.record() else {
                continue;
            };
            record.check()?;
            if record.body.len() > self.max_body {
                return Err(RecordError::BodyTooLong {
                    limit: self.max_body,
                }
                .into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Collection, LabelName};

    /// DynamoDB writes an item for each record and each label, and does not know those of what it removes.
    #[test]
    fn a_batch_weighs_its_records_and_labels_and_five_for_each_removal() {
        let key = |id: &str| RecordKey::new(Collection::from_static("note"), id);
        let version = Version::from_bytes([1; 16]);
        let record = Record::new(key("a"), version, "body");
        let labelled = record.clone().with_label(LabelName::from_static("a"), "1");
        let replace = Change::Replace {
            record: labelled.with_label(LabelName::from_static("b"), "2"),
            expected: version,
        };
        let (key, expected) = (key("b"), None);
        let remove = Change::Remove { key, expected };
        let weights = [Change::Insert(record), replace, remove];
        let weights = weights.each_ref().map(Change::weight);
        assert_eq!(weights, [1, 3, 5]);
    }
}
