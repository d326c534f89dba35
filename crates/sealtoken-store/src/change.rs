//! Changes, batches of them, and their outcome.

use super::record::{Record, RecordKey, Version};

/// One change of a batch.
///
/// Every engine makes every kind of change, so a new one is a breaking change on purpose.
///
/// ```
/// use sealtoken_store::{Change, Collection, Record, RecordKey, StoreError, Version};
///
/// /// Renames a record, or does nothing if it was changed meanwhile.
/// fn rename(old: Record, id: &str) -> Result<[Change; 2], StoreError> {
///     let collection = old.key.collection.clone();
///     let key = RecordKey::new(collection, id);
///     let record = Record { key, version: Version::draw()?, ..old.clone() };
///     let remove = Change::Remove { key: old.key, expected: Some(old.version) };
///     Ok([Change::Insert(record), remove])
/// }
/// # fn main() -> Result<(), StoreError> {
/// # let key = RecordKey::new(Collection::new("note")?, "a");
/// # let [insert, remove] = rename(Record::new(key, Version::draw()?, ""), "b")?;
/// # assert_eq!((&*insert.key().id, &*remove.key().id), (&b"b"[..], &b"a"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a record. A conflict if the key is taken.
    Insert(Record),
    /// Replaces the record that has the expected version. A conflict otherwise: it never inserts.
    Replace {
        /// The new record, with a version of its own.
        record: Record,
        /// The version it replaces.
        expected: Version,
    },
    /// Removes a record. If it does not exist, that is a conflict if a version is expected, and a
    /// success otherwise.
    ///
    /// Without an expected version, this also removes a corrupt record, whatever is wrong with it.
    Remove {
        /// The record's key.
        key: RecordKey,
        /// The version to remove, or `None` for any.
        expected: Option<Version>,
    },
}

impl Change {
    /// The key of the record that changes.
    #[must_use]
    pub fn key(&self) -> &RecordKey {
        match self {
            Self::Insert(record) | Self::Replace { record, .. } => &record.key,
            Self::Remove { key, .. } => key,
        }
    }

    /// The record that is written; `None` for a removal.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Insert(record) | Self::Replace { record, .. } => Some(record),
            Self::Remove { .. } => None,
        }
    }

    /// What the change counts towards [`Limits::max_batch`]: one, and one for each label of its
    /// record.
    ///
    /// A removal counts as a record with four labels, because its labels are not known beforehand.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self.record() {
            Some(record) => record.labels.len().saturating_add(1),
            None => 5,
        }
    }
}

/// The outcome of a batch: made or not.
///
/// Engines return it and callers match it exhaustively, so that no conflict goes unnoticed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
pub enum Outcome {
    /// All changes were made. They survive a crash as far as [`Limits::durable`] promises.
    Written,
    /// Nothing was changed.
    Conflict {
        /// The index of the first change that could not be made.
        index: usize,
        /// The record that exists under its key.
        current: Option<Record>,
    },
}

/// What an engine can hold.
///
/// Every engine states every limit, so a new field is a breaking change on purpose.
///
/// ```
/// use sealtoken_store::{Change, Store};
///
/// /// How many of these changes fit into one batch.
/// fn fitting(store: &dyn Store, changes: &[Change]) -> usize {
///     let mut room = store.limits().max_batch;
///     let fits = |change: &&Change| {
///         let left = room.checked_sub(change.weight());
///         room = left.unwrap_or(0);
///         left.is_some()
///     };
///     changes.iter().take_while(fits).count()
/// }
/// # use sealtoken_store::{Collection, MemoryStore, RecordError, RecordKey};
/// # fn main() -> Result<(), RecordError> {
/// # let key = RecordKey::new(Collection::new("note")?, "a");
/// # let changes = vec![Change::Remove { key, expected: None }; 201];
/// # assert_eq!(fitting(&MemoryStore::new(), &changes), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum length of a body, in bytes.
    pub max_body: usize,
    /// The maximum weight of a batch: see [`Change::weight`].
    pub max_batch: usize,
    /// Whether acknowledged changes survive the end of the process and a loss of power.
    pub durable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Collection, LabelName};

    /// DynamoDB writes an item for each record and each label. It does not know how many labels a
    /// removal takes along.
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
