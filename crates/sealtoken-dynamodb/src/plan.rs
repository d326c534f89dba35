//! Translates a batch into DynamoDB operations, one for each item.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use sealtoken_store::{Change, Label, Record, RecordError, RecordKey, StoreError, Version};
use sealtoken_time::UnixTime;

use super::item::{self, Item, LIMITS};
use super::layout::{self, ItemKey};

/// The maximum size of all items of a transaction: 4 MB by DynamoDB, in the smaller reading of MB.
const MAX_BYTES: usize = 4_000_000;

/// What must be true of the existing item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: the item of a label follows its record.
    None,
    /// It does not exist.
    Absent,
    /// It exists, with any version.
    Exists,
    /// It has this version.
    At(Version),
    /// It has this version, or none that can be read, and is due before the moment.
    Due(Option<Version>, UnixTime),
    /// It is in this partition of the index, and due before the moment.
    Listed(Vec<u8>, UnixTime),
}

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

/// A condition as DynamoDB takes it.
pub(super) struct Expression {
    pub(super) text: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    pub(super) fn expression(&self) -> Expression {
        let (text, names, values) = match self {
            Self::None => {
                return Expression {
                    text: None,
                    names: None,
                    values: None,
                };
            }
            Self::Absent => ("attribute_not_exists(#p)", vec![PARTITION], vec![]),
            Self::Exists => ("attribute_exists(#p)", vec![PARTITION], vec![]),
            Self::At(version) => ("#v = :v", vec![VERSION], vec![is(version)]),
            Self::Due(Some(version), before) => (
                "#v = :v AND #u < :u",
                vec![VERSION, PURGE_AT],
                vec![is(version), until(*before)],
            ),
            Self::Due(None, before) => ("#u < :u", vec![PURGE_AT], vec![until(*before)]),
            Self::Listed(partition, before) => (
                "#g = :g AND #u < :u",
                vec![DUE, PURGE_AT],
                vec![
                    (":g".to_owned(), item::bytes(partition.clone())),
                    until(*before),
                ],
            ),
        };
        let owned = |(alias, name): (&str, &str)| (alias.to_owned(), name.to_owned());
        let values: HashMap<_, _> = values.into_iter().collect();
        Expression {
            text: Some(text.to_owned()),
            names: Some(names.into_iter().map(owned).collect()),
            values: Some(values).filter(|values| !values.is_empty()),
        }
    }
}

const PARTITION: (&str, &str) = ("#p", item::PARTITION);
const VERSION: (&str, &str) = ("#v", item::VERSION);
const PURGE_AT: (&str, &str) = ("#u", item::PURGE_AT);
const DUE: (&str, &str) = ("#g", item::DUE);

fn is(version: &Version) -> (String, AttributeValue) {
    (":v".to_owned(), item::bytes(*version.as_bytes()))
}

fn until(before: UnixTime) -> (String, AttributeValue) {
    (":u".to_owned(), item::number(before.as_secs()))
}

/// What DynamoDB returns of an item whose condition does not hold: all of it.
pub(super) const ON_FAILURE: ReturnValuesOnConditionCheckFailure =
    ReturnValuesOnConditionCheckFailure::AllOld;

impl Step {
    /// The step in a transaction. With `returns`, it returns the item if its condition does not
    /// hold.
    pub(super) fn in_transaction(
        self,
        table: &str,
        returns: bool,
    ) -> Result<TransactWriteItem, BuildError> {
        let step = TransactWriteItem::builder();
        let returned = returns.then_some(ON_FAILURE);
        Ok(match self {
            Self::Put(item, condition) => {
                let when = condition.expression();
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .set_return_values_on_condition_check_failure(returned.clone());
                step.put(put.build()?)
            }
            Self::Delete(key, condition) => {
                let when = condition.expression();
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(item::key(key)))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .set_return_values_on_condition_check_failure(returned.clone());
                step.delete(delete.build()?)
            }
            Self::Check(key, condition) => {
                let when = condition.expression();
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(item::key(key)))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .set_return_values_on_condition_check_failure(returned.clone());
                step.condition_check(check.build()?)
            }
        }
        .build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealtoken_store::{Collection, LabelName};

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

    #[test]
    fn every_name_and_value_of_a_condition_is_used() {
        let version = Version::draw().unwrap();
        let moment = UnixTime::from_secs(-1);
        for condition in [
            Condition::None,
            Condition::Absent,
            Condition::Exists,
            Condition::At(version),
            Condition::Due(None, moment),
            Condition::Due(Some(version), moment),
            Condition::Listed(b"partition".to_vec(), moment),
        ] {
            let Expression {
                text,
                names,
                values,
            } = condition.expression();
            let text = text.unwrap_or_default();
            let aliases = names.into_iter().flatten().map(|(alias, _)| alias);
            let aliases = aliases.chain(values.into_iter().flatten().map(|(alias, _)| alias));
            let aliases: Vec<String> = aliases.collect();
            let used = text.split([' ', '(', ')']);
            let used: HashSet<&str> = used.filter(|word| word.starts_with(['#', ':'])).collect();
            assert_eq!(aliases.len(), used.len(), "{text}");
            assert!(
                aliases.iter().all(|alias| used.contains(&**alias)),
                "{text}"
            );
        }
    }
}
