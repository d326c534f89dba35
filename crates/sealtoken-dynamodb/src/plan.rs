//! A batch as what DynamoDB is to do: one step an item.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use sealtoken_store::{Change, Label, Record, RecordError, RecordKey, StoreError, Version};
use sealtoken_time::UnixTime;

use super::DynamoStore;
use super::item::{self, Item};
use super::layout::{self, Place};

/// The most bytes of the items of a transaction, by DynamoDB. It does not say whether its megabytes are of 1,000 or 1,024.
const MOST_BYTES: usize = 4_000_000;

/// What must hold of the item that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: it is an item of a label, and follows its record.
    None,
    /// None is there.
    Absent,
    /// One is there, whatever its version.
    There,
    /// It has this version.
    At(Version),
    /// It has this version, or none that can be read, and is due before the moment.
    Due(Option<Version>, UnixTime),
    /// It says that it belongs to this part of what is due, before the moment.
    Listed(Vec<u8>, UnixTime),
}

/// What is done to one item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Put(Item, Condition),
    Delete(Place, Condition),
    Check(Place, Condition),
}

/// What a batch comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Planned {
    /// Nothing is to be done.
    Done,
    /// A change does not fit what was read.
    Misfit,
    /// These steps: first one for each change, in their order, then those about labels.
    Steps(Vec<Step>),
}

/// Plans a batch, from what there was of the records that it replaces and removes.
///
/// # Errors
///
/// [`RecordError::BatchTooHeavy`] for more than a transaction holds.
pub(super) fn plan(batch: &[Change], there: &HashMap<Place, Item>) -> Result<Planned, StoreError> {
    let mut steps = Vec::with_capacity(batch.len());
    let mut labels = Vec::new();
    for change in batch {
        let before = there.get(&layout::record(change.key()));
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
            } if version != Some(*expected) => return Ok(Planned::Misfit),
            Change::Replace { record, expected } => {
                steps.push(Step::Put(item::of_record(record), Condition::At(*expected)));
                replace_labels(record, before, &mut labels);
            }
            Change::Remove { key, .. } => {
                let place = layout::record(key);
                steps.push(match (before, version) {
                    (None, _) => Step::Check(place, Condition::Absent),
                    (Some(_), None) => Step::Delete(place, Condition::There),
                    (Some(_), Some(version)) => Step::Delete(place, Condition::At(version)),
                });
                labels.extend(remove_labels(key, before));
            }
        }
    }
    if let [Step::Check(..)] = &steps[..] {
        return Ok(Planned::Done);
    }
    steps.extend(labels);
    fits(&steps)?;
    Ok(Planned::Steps(steps))
}

/// The steps by which a record that is due is removed.
pub(super) fn removal(key: &RecordKey, there: &Item, before: UnixTime) -> Vec<Step> {
    let condition = Condition::Due(item::version(there).ok(), before);
    let mut steps = vec![Step::Delete(layout::record(key), condition)];
    steps.extend(remove_labels(key, Some(there)));
    steps
}

/// Labels that stay are not written, unless they are to be removed at another time.
fn replace_labels(record: &Record, before: Option<&Item>, steps: &mut Vec<Step>) {
    let old = labels_of(before);
    let same_end = before.is_some_and(|item| item::purge_at(item) == Ok(record.purge_at));
    let comes = record.labels.iter();
    let comes = comes.filter(|label| !same_end || !old.contains(label));
    steps.extend(comes.map(|label| put(record, label)));
    let goes = old.iter().filter(|label| !record.labels.contains(label));
    steps.extend(goes.map(|label| delete(&record.key, label)));
}

fn remove_labels(key: &RecordKey, before: Option<&Item>) -> Vec<Step> {
    let old = labels_of(before);
    old.iter().map(|label| delete(key, label)).collect()
}

/// The labels that an item has. One that an attacker broke has none. Items of other labels than it has stay when it goes: nothing
/// finds them by their record. They lead nowhere and are passed by, until DynamoDB removes them where they have an end.
fn labels_of(item: Option<&Item>) -> Vec<Label> {
    let mut labels = item
        .and_then(|item| item::labels(item).ok())
        .unwrap_or_default();
    // A transaction names no item twice, whatever the stranger wrote.
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

fn fits(steps: &[Step]) -> Result<(), RecordError> {
    let sizes = steps.iter().map(|step| match step {
        Step::Put(item, _) => item::size(item),
        Step::Delete(place, _) | Step::Check(place, _) => {
            place.partition.len().saturating_add(place.sort.len())
        }
    });
    let bytes = sizes.fold(0, usize::saturating_add);
    let limit = DynamoStore::LIMITS.max_batch;
    if steps.len() > limit || (steps.len() > 1 && bytes > MOST_BYTES) {
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
            Self::There => ("attribute_exists(#p)", vec![PARTITION], vec![]),
            Self::At(version) => ("#v = :v", vec![VERSION], vec![is(version)]),
            Self::Due(Some(version), before) => (
                "#v = :v AND #u < :u",
                vec![VERSION, PURGE_AT],
                vec![is(version), until(*before)],
            ),
            Self::Due(None, before) => ("#u < :u", vec![PURGE_AT], vec![until(*before)]),
            Self::Listed(part, before) => (
                "#g = :g AND #u < :u",
                vec![DUE, PURGE_AT],
                vec![(":g".to_owned(), item::bytes(part.clone())), until(*before)],
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

/// What comes back of an item whose condition does not hold: all of it.
pub(super) const SHOWN: ReturnValuesOnConditionCheckFailure =
    ReturnValuesOnConditionCheckFailure::AllOld;

impl Step {
    /// The step in a transaction, and whether it shows what is there where its condition does not hold.
    pub(super) fn in_transaction(
        self,
        table: &str,
        shows: bool,
    ) -> Result<TransactWriteItem, BuildError> {
        let step = TransactWriteItem::builder();
        let shown = shows.then_some(SHOWN);
        Ok(match self {
            Self::Put(item, condition) => {
                let when = condition.expression();
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .set_return_values_on_condition_check_failure(shown.clone());
                step.put(put.build()?)
            }
            Self::Delete(place, condition) => {
                let when = condition.expression();
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(item::key(place)))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .set_return_values_on_condition_check_failure(shown.clone());
                step.delete(delete.build()?)
            }
            Self::Check(place, condition) => {
                let when = condition.expression();
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(item::key(place)))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .set_return_values_on_condition_check_failure(shown.clone());
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

    fn there(records: &[&Record]) -> HashMap<Place, Item> {
        let items = records.iter().map(|record| {
            let item = item::of_record(record);
            (layout::record(&record.key), item)
        });
        items.collect()
    }

    fn steps(batch: &[Change], before: &[&Record]) -> Vec<Step> {
        match plan(batch, &there(before)) {
            Ok(Planned::Steps(steps)) => steps,
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
    fn a_replacement_writes_the_labels_that_differ_alone() {
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
        // They carry the time at which they go, too.
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
            let place = layout::record(&old.key);
            assert_eq!(steps[0], Step::Delete(place, Condition::At(old.version)));
            assert_eq!(steps.len(), 3);
        }
        assert_eq!(plan(&[remove(None)], &HashMap::new()), Ok(Planned::Done));
        let expected = Some(Version::draw().unwrap());
        assert_eq!(
            plan(&[remove(expected)], &there(&[&old])),
            Ok(Planned::Misfit)
        );
        assert_eq!(
            plan(&[remove(expected)], &HashMap::new()),
            Ok(Planned::Misfit)
        );
    }

    #[test]
    fn what_a_stranger_broke_can_be_removed() {
        let old = record(1, &[1]);
        let mut broken = there(&[&old]);
        for item in broken.values_mut() {
            item.insert(item::VERSION.to_owned(), item::number(1));
            item.insert(item::LABELS.to_owned(), item::bytes([9]));
        }
        let remove = Change::Remove {
            key: old.key.clone(),
            expected: None,
        };
        let steps = plan(&[remove], &broken);
        let step = Step::Delete(layout::record(&old.key), Condition::There);
        assert_eq!(steps, Ok(Planned::Steps(vec![step])));
    }

    /// Emulators do not all refuse these.
    #[test]
    fn more_than_a_transaction_holds_is_refused() {
        let heavy = Err(RecordError::BatchTooHeavy { limit: 100 }.into());
        let old: Vec<Record> = (0..40).map(|id| record(id, &[1])).collect();
        let replace = |old: &Record| Change::Replace {
            record: record(old.key.id[0], &[2]),
            expected: old.version,
        };
        let all: Vec<&Record> = old.iter().collect();
        let batch: Vec<Change> = old.iter().map(replace).collect();
        assert_eq!(steps(&batch[..33], &all).len(), 99);
        assert_eq!(plan(&batch[..34], &there(&all)), heavy);

        let large = |id| {
            let mut large = record(id, &[]);
            large.body = vec![0; DynamoStore::LIMITS.max_body];
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
            Condition::There,
            Condition::At(version),
            Condition::Due(None, moment),
            Condition::Due(Some(version), moment),
            Condition::Listed(b"part".to_vec(), moment),
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
