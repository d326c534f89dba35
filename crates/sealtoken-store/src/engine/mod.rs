//! Building blocks for engines: checks, pages, labels in a row, and retries.
//!
//! Only authors of engines need them. They may change in any release.
//!
//! An engine checks its input first, and fills the pages of a scan row by row:
//!
//! ```
//! use sealtoken_store::engine::{Paging, check_batch, check_key, matches, unreadable};
//! use sealtoken_store::{Change, Limits, Outcome, Page, Query, Record, RecordKey, StoreError};
//!
//! # const LIMITS: Limits = Limits { max_body: 1 << 20, max_batch: 100, durable: false };
//! /// Where the rows are kept.
//! trait Rows {
//!     /// The record in the row with this key, or an error if the row is corrupt.
//!     fn find(&self, key: &RecordKey) -> Option<Result<Record, StoreError>>;
//!
//!     /// The ids of the records from this one on, in order.
//!     fn ids_from(&self, id: &[u8]) -> Vec<Vec<u8>>;
//! }
//!
//! fn get(rows: &dyn Rows, key: &RecordKey) -> Result<Option<Record>, StoreError> {
//!     check_key(key)?;
//!     let found = rows.find(key);
//!     Ok(found.map(|found| found.unwrap_or_else(|_| unreadable(key.clone()))))
//! }
//!
//! /// The conflict of a batch, if it has one.
//! fn conflict(rows: &dyn Rows, batch: &[Change]) -> Result<Option<Outcome>, StoreError> {
//!     check_batch(&LIMITS, batch)?;
//!     for (index, change) in batch.iter().enumerate() {
//!         let version = rows.find(change.key()).map(|found| found.map(|record| record.version));
//!         if !matches(change, version) {
//!             let current = get(rows, change.key())?;
//!             return Ok(Some(Outcome::Conflict { index, current }));
//!         }
//!     }
//!     Ok(None)
//! }
//!
//! /// A page of a scan of a whole collection.
//! fn scan(rows: &dyn Rows, query: &Query) -> Result<Page, StoreError> {
//!     let mut paging = Paging::new(query)?;
//!     let Some(start) = paging.start() else {
//!         return Ok(paging.into_page(false));
//!     };
//!     for id in rows.ids_from(&start.id) {
//!         if paging.is_full() {
//!             return Ok(paging.into_page(true));
//!         }
//!         match paging.move_to(&[], &id).and_then(|key| get(rows, &key).transpose()) {
//!             Some(record) => paging.push(record?),
//!             None => paging.skip(1, id.len()),
//!         }
//!     }
//!     Ok(paging.into_page(false))
//! }
//! # struct One(Record);
//! # impl Rows for One {
//! #     fn find(&self, key: &RecordKey) -> Option<Result<Record, StoreError>> {
//! #         (self.0.key == *key).then(|| Ok(self.0.clone()))
//! #     }
//! #     fn ids_from(&self, id: &[u8]) -> Vec<Vec<u8>> {
//! #         vec![self.0.key.id.clone()].into_iter().filter(|own| &**own >= id).collect()
//! #     }
//! # }
//! # fn main() -> Result<(), StoreError> {
//! # let notes = sealtoken_store::Collection::new("note")?;
//! # let key = RecordKey::new(notes.clone(), "a");
//! # let record = Record::new(key.clone(), sealtoken_store::Version::draw()?, "");
//! # let rows = One(record.clone());
//! # assert_eq!(scan(&rows, &Query::all(notes))?.records, [record.clone()]);
//! # assert!(conflict(&rows, &[Change::Insert(record)])?.is_some());
//! # assert!(conflict(&rows, &[Change::Remove { key, expected: None }])?.is_none());
//! # Ok(())
//! # }
//! ```

mod labels;
mod paging;
mod retry;

use std::collections::HashSet;

use crate::change::{Change, Limits};
use crate::error::RecordError;
use crate::record::{Label, Record, RecordKey, Version};

pub use labels::{decode_labels, encode_labels};
pub use paging::{Paging, Position};
pub use retry::Backoff;

/// Checks a key before it is looked up. Every engine does.
///
/// # Errors
///
/// [`RecordError::Id`] unless the id has 1 to 1,024 bytes.
pub fn check_key(key: &RecordKey) -> Result<(), RecordError> {
    if (1..=RecordKey::MAX_ID).contains(&key.id.len()) {
        Ok(())
    } else {
        Err(RecordError::Id)
    }
}

/// Checks a batch before any of it is written. Every engine does.
///
/// # Errors
///
/// For the first problem found: [`RecordError::BatchTooHeavy`], [`RecordError::Id`],
/// [`RecordError::DuplicateKey`], [`RecordError::TooManyLabels`], [`RecordError::LabelValue`],
/// [`RecordError::DuplicateLabel`] or [`RecordError::BodyTooLong`].
pub fn check_batch(limits: &Limits, batch: &[Change]) -> Result<(), RecordError> {
    let weights = batch.iter().map(Change::weight);
    if weights.fold(0, usize::saturating_add) > limits.max_batch {
        let limit = limits.max_batch;
        return Err(RecordError::BatchTooHeavy { limit });
    }
    let mut seen = HashSet::with_capacity(batch.len());
    for change in batch {
        check_key(change.key())?;
        if !seen.insert(change.key()) {
            return Err(RecordError::DuplicateKey);
        }
        if let Some(record) = change.record() {
            check_labels(&record.labels)?;
            if record.body.len() > limits.max_body {
                let limit = limits.max_body;
                return Err(RecordError::BodyTooLong { limit });
            }
        }
    }
    Ok(())
}

fn check_labels(labels: &[Label]) -> Result<(), RecordError> {
    if labels.len() > Record::MAX_LABELS {
        return Err(RecordError::TooManyLabels);
    }
    for (index, label) in labels.iter().enumerate() {
        if !(1..=Label::MAX_VALUE).contains(&label.value.len()) {
            return Err(RecordError::LabelValue);
        }
        if labels.iter().take(index).any(|other| other == label) {
            return Err(RecordError::DuplicateLabel);
        }
    }
    Ok(())
}

/// Whether a change can be made, given the version of the existing record.
///
/// `None` means that no record exists, `Some(Err(_))` that its version cannot be read: then only a
/// removal of any version can be made.
#[must_use]
pub fn matches<E>(change: &Change, existing: Option<Result<Version, E>>) -> bool {
    match (change, existing) {
        (Change::Insert(_), existing) => existing.is_none(),
        (Change::Remove { expected: None, .. }, _) => true,
        (
            Change::Replace { expected, .. }
            | Change::Remove {
                expected: Some(expected),
                ..
            },
            existing,
        ) => matches!(existing, Some(Ok(version)) if version == *expected),
    }
}

/// Placeholder for a corrupt row: an empty body under a version of zeros, which never decrypts.
#[must_use]
pub fn unreadable(key: RecordKey) -> Record {
    Record::new(key, Version::from_bytes([0; 16]), [])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Collection;

    #[test]
    fn a_change_can_be_made_at_the_version_it_expects() {
        let key = RecordKey::new(Collection::from_static("note"), "id");
        let [one, two] = [[1; 16], [2; 16]].map(Version::from_bytes);
        let record = Record::new(key.clone(), two, "body");
        let remove = |expected| Change::Remove {
            key: key.clone(),
            expected,
        };
        let replace = Change::Replace {
            record: record.clone(),
            expected: one,
        };
        // Without a record, at `one`, at `two`, and at a version that cannot be read.
        for (change, expected) in [
            (Change::Insert(record), [true, false, false, false]),
            (replace, [false, true, false, false]),
            (remove(Some(one)), [false, true, false, false]),
            (remove(None), [true; 4]),
        ] {
            let existing = [None, Some(Ok(one)), Some(Ok(two)), Some(Err(()))];
            let made = existing.map(|existing| matches(&change, existing));
            assert_eq!(made, expected, "{change:?}");
        }
    }
}
