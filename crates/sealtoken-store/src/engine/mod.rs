//! Building blocks for engines: checks, pages, labels in a row, and retries.
//!
//! Only authors of engines need them. They may change in any release.

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
/// [`RecordError`] for the first problem found.
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
        // With no record, at `one`, at `two`, and where the version cannot be read.
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
