//! Translates a batch into DynamoDB operations, one for each item.

use std::collections::{HashMap, HashSet};

use sealtoken_store::{Change, Label, Record, RecordError, RecordKey, StoreError};
use sealtoken_time::UnixTime;

use super::condition::Condition;
use super::item::{self, Item, LIMITS};
use super::layout::{self, ItemKey};

/// The maximum size of all items of a transaction: 4 MB by DynamoDB, in the smaller reading of MB.
const MAX_BYTES: usize = 4_000_000;

/// An operation on one item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Put(Item, Condition),
    Delete(ItemKey, Condition),
    Check(ItemKey, Condition),
}

/// How to write a batch.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    /// There is nothing to do.
    Done,
    /// A change does not match the existing record.
    Mismatch,
    /// Run these steps: first one for each change, in order, then those of the labels.
    Steps(Vec<Step>),
}

/// Plans a batch, given the existing items of the records that it replaces or removes.
///
/// # Errors
///
/// [`RecordError::BatchTooHeavy`] if it needs more than a transaction can hold.
pub(super) fn plan(
    batch: &[Change],
    existing: &HashMap<ItemKey, Item>,
) -> Result<Plan, StoreError> {
    let mut steps = Vec::with_capacity(batch.len());
    let mut labels = Vec::new();
    for change in batch {
        let before = existing.get(&layout::record(change.key()));
        let version = before.and_then(|item| item::version(item).ok());
        match change {
            Change::Insert(record) => {
                steps.push(Step::Put(item::of_record(record), Condition::Absent));
                labels.extend(record.labels.iter().map(|label| put(record, label)));
            }
            Change::Replace { expected, .. }
            | Change::Remove {
                expected: Some(expected),
                ..
            } if version != Some(*expected) => return Ok(Plan::Mismatch),
            Change::Replace { record, expected } => {
                steps.push(Step::Put(item::of_record(record), Condition::At(*expected)));
                replace_labels(record, before, &mut labels);
            }
            Change::Remove { key, .. } => {
                let item_key = layout::record(key);
                steps.push(match (before, version) {
                    (None, _) => Step::Check(item_key, Condition::Absent),
                    (Some(_), None) => Step::Delete(item_key, Condition::Exists),
                    (Some(_), Some(version)) => Step::Delete(item_key, Condition::At(version)),
                });
                labels.extend(remove_labels(key, before));
            }
        }
    }
    if let [Step::Check(..)] = &steps[..] {
        return Ok(Plan::Done);
    }
    steps.extend(labels);
    check_size(&steps)?;
    Ok(Plan::Steps(steps))
}

/// The steps that remove a record that is due.
pub(super) fn removal(key: &RecordKey, item: &Item, before: UnixTime) -> Vec<Step> {
    let condition = Condition::Due(item::version(item).ok(), before);
    let mut steps = vec![Step::Delete(layout::record(key), condition)];
    steps.extend(remove_labels(key, Some(item)));
    steps
}

/// Labels that stay are not written, unless their `purge_at` changes.
fn replace_labels(record: &Record, before: Option<&Item>, steps: &mut Vec<Step>) {
    let old = labels_of(before);
    let same_purge = before.is_some_and(|item| item::purge_at(item) == Ok(record.purge_at));
    let added = record.labels.iter();
    let added = added.filter(|label| !same_purge || !old.contains(label));
    steps.extend(added.map(|label| put(record, label)));
    let removed = old.iter().filter(|label| !record.labels.contains(label));
    steps.extend(removed.map(|label| delete(&record.key, label)));
}

fn remove_labels(key: &RecordKey, before: Option<&Item>) -> Vec<Step> {
    let old = labels_of(before);
    old.iter().map(|label| delete(key, label)).collect()
}

/// The labels of an item; none if an attacker corrupted them. The items of labels that it no longer
/// lists stay when it is removed, because nothing finds them by their record. Scans skip them, and
/// DynamoDB removes them if they have a `purge_at`.
fn labels_of(item: Option<&Item>) -> Vec<Label> {
    let mut labels = item
        .and_then(|item| item::labels(item).ok())
        .unwrap_or_default();
    // A transaction must not name an item twice, whatever an attacker wrote.
    let mut seen = HashSet::with_capacity(labels.len());
    labels.retain(|label| seen.insert(label.clone()));
    labels
}

fn put(record: &Record, label: &Label) -> Step {
    Step::Put(item::of_label(record, label), Condition::None)
}

fn delete(key: &RecordKey, label: &Label) -> Step {
    Step::Delete(layout::label(key, label), Condition::None)
}

fn check_size(steps: &[Step]) -> Result<(), RecordError> {
    let sizes = steps.iter().map(|step| match step {
        Step::Put(item, _) => item::size(item),
        Step::Delete(key, _) | Step::Check(key, _) => {
            key.partition.len().saturating_add(key.sort.len())
        }
    });
    let bytes = sizes.fold(0, usize::saturating_add);
    let limit = LIMITS.max_batch;
    if steps.len() > limit || (steps.len() > 1 && bytes > MAX_BYTES) {
        return Err(RecordError::BatchTooHeavy { limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealtoken_store::{Collection, LabelName, Version};

    fn record(id: u8, labels: &[u8]) -> Record {
        let key = RecordKey::new(Collection::from_static("note"), [id]);
        let record = Record::new(key, Version::draw().unwrap(), "body");
        labels.iter().fold(record, |record, label| {
            record.with_label(LabelName::from_static("tag"), [*label])
        })
    }

    fn existing(records: &[&Record]) -> HashMap<ItemKey, Item> {
        let items = records.iter().map(|record| {
            let item = item::of_record(record);
            (layout::record(&record.key), item)
        });
        items.collect()
    }

    fn steps(batch: &[Change], before: &[&Record]) -> Vec<Step> {
        match plan(batch, &existing(before)) {
            Ok(Plan::Steps(steps)) => steps,
            other => panic!("{other:?}"),
        }
    }

    fn label(record: &Record, value: u8) -> Label {
        let found = record.labels.iter().find(|label| label.value == [value]);
        found.unwrap().clone()
    }

    #[test]
    fn an_insert_is_as_many_items_as_it_weighs() {
        let batch = [
            Change::Insert(record(1, &[1, 2, 3])),
            Change::Insert(record(2, &[])),
        ];
        let weight: usize = batch.iter().map(Change::weight).sum();
        assert_eq!(steps(&batch, &[]).len(), weight);
    }

    #[test]
    fn a_replacement_writes_only_the_labels_that_differ() {
        let (old, new) = (record(1, &[1, 2]), record(1, &[2, 3]));
        let replace = |record: &Record| Change::Replace {
            record: record.clone(),
            expected: old.version,
        };
        let put_record =
            |record: &Record| Step::Put(item::of_record(record), Condition::At(old.version));
        let expected = [
            put_record(&new),
            put(&new, &label(&new, 3)),
            delete(&old.key, &label(&old, 1)),
        ];
        assert_eq!(steps(&[replace(&new)], &[&old]), expected);
        let same = record(1, &[1, 2]);
        assert_eq!(steps(&[replace(&same)], &[&old]), [put_record(&same)]);
        // A label carries the `purge_at` of its record.
        let later = same.with_purge_at(UnixTime::from_secs(9));
        assert_eq!(steps(&[replace(&later)], &[&old]).len(), 3);
    }

    #[test]
    fn a_removal_takes_the_labels_along() {
        let old = record(1, &[1, 2]);
        let remove = |expected| Change::Remove {
            key: old.key.clone(),
            expected,
        };
        for expected in [None, Some(old.version)] {
            let steps = steps(&[remove(expected)], &[&old]);
            let key = layout::record(&old.key);
            assert_eq!(steps[0], Step::Delete(key, Condition::At(old.version)));
            assert_eq!(steps.len(), 3);
        }
        assert_eq!(plan(&[remove(None)], &HashMap::new()), Ok(Plan::Done));
        let expected = Some(Version::draw().unwrap());
        assert_eq!(
            plan(&[remove(expected)], &existing(&[&old])),
            Ok(Plan::Mismatch)
        );
        assert_eq!(
            plan(&[remove(expected)], &HashMap::new()),
            Ok(Plan::Mismatch)
        );
    }

    #[test]
    fn a_corrupt_record_can_be_removed() {
        let old = record(1, &[1]);
        let mut broken = existing(&[&old]);
        for item in broken.values_mut() {
            item.insert(item::VERSION.to_owned(), item::number(1));
            item.insert(item::LABELS.to_owned(), item::bytes([9]));
        }
        let remove = Change::Remove {
            key: old.key.clone(),
            expected: None,
        };
        let steps = plan(&[remove], &broken);
        let step = Step::Delete(layout::record(&old.key), Condition::Exists);
        assert_eq!(steps, Ok(Plan::Steps(vec![step])));
    }

    /// Emulators do not all refuse these.
    #[test]
    fn more_than_a_transaction_can_hold_is_refused() {
        let heavy = Err(RecordError::BatchTooHeavy { limit: 100 }.into());
        let old: Vec<Record> = (0..40).map(|id| record(id, &[1])).collect();
        let replace = |old: &Record| Change::Replace {
            record: record(old.key.id[0], &[2]),
            expected: old.version,
        };
        let all: Vec<&Record> = old.iter().collect();
        let batch: Vec<Change> = old.iter().map(replace).collect();
        assert_eq!(steps(&batch[..33], &all).len(), 99);
        assert_eq!(plan(&batch[..34], &existing(&all)), heavy);

        let large = |id| {
            let mut large = record(id, &[]);
            large.body = vec![0; LIMITS.max_body];
            Change::Insert(large)
        };
        let batch: Vec<Change> = (0..11).map(large).collect();
        assert_eq!(steps(&batch[..10], &[]).len(), 10);
        assert_eq!(plan(&batch, &HashMap::new()), heavy);
    }
}
