//! Records and labels as items of the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use sealtoken_store::engine::{decode_labels, encode_labels, unreadable};
use sealtoken_store::{Label, Limits, Record, RecordKey, StoreError, Version};
use sealtoken_time::UnixTime;

use super::layout::{self, ItemKey};

/// What the items of a batch can hold.
pub(super) const LIMITS: Limits = Limits {
    // 400 KB, less the longest key, 16 of the longest labels, and the names of all attributes.
    max_body: 390 * 1024,
    max_batch: 100,
    durable: true,
};

pub(super) const PARTITION: &str = "pk";
pub(super) const SORT: &str = "sk";
pub(super) const VERSION: &str = "version";
pub(super) const BODY: &str = "body";
pub(super) const LABELS: &str = "labels";
/// The moment after which DynamoDB itself removes an item.
pub(super) const PURGE_AT: &str = "purge_at";
/// The bucket in the index of records that will be due; only together with `purge_at`.
pub(super) const DUE: &str = "g";
/// The whole id, in the item of a label whose sort key has no room for it.
pub(super) const ID: &str = "id";

/// The maximum size of an item, in bytes.
const MAX_ITEM: usize = 400 * 1024;

/// An item, as the SDK represents it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The attributes of a key.
pub(super) fn key(key: ItemKey) -> Item {
    HashMap::from([
        (PARTITION.to_owned(), bytes(key.partition)),
        (SORT.to_owned(), bytes(key.sort)),
    ])
}

pub(super) fn of_record(record: &Record) -> Item {
    let mut item = key(layout::record(&record.key));
    item.insert(VERSION.to_owned(), bytes(*record.version.as_bytes()));
    item.insert(BODY.to_owned(), bytes(record.body.clone()));
    item.insert(LABELS.to_owned(), bytes(encode_labels(&record.labels)));
    if let Some(at) = record.purge_at {
        let bucket = layout::bucket(&record.key.id);
        let due = layout::due(&record.key.collection, bucket);
        item.insert(PURGE_AT.to_owned(), number(at.as_secs()));
        item.insert(DUE.to_owned(), bytes(due));
    }
    item
}

pub(super) fn of_label(record: &Record, label: &Label) -> Item {
    let item_key = layout::label(&record.key, label);
    let whole = layout::is_whole(&item_key.sort);
    let mut item = key(item_key);
    if !whole {
        item.insert(ID.to_owned(), bytes(record.key.id.clone()));
    }
    if let Some(at) = record.purge_at {
        item.insert(PURGE_AT.to_owned(), number(at.as_secs()));
    }
    item
}

/// The record of an item.
///
/// # Errors
///
/// [`StoreError::Corrupt`] for anything that [`of_record`] does not make.
pub(super) fn to_record(mut item: Item, key: RecordKey) -> Result<Record, StoreError> {
    Ok(Record {
        version: version(&item)?,
        purge_at: purge_at(&item)?,
        labels: labels(&item)?,
        body: take(&mut item, BODY).ok_or(StoreError::Corrupt)?,
        key,
    })
}

/// The record of an item, or a placeholder for a corrupt one.
pub(super) fn readable(item: Item, key: RecordKey) -> Record {
    to_record(item, key.clone()).unwrap_or_else(|_| unreadable(key))
}

/// How many bytes of an item were fetched. A type that is not counted here counts as the maximum.
pub(super) fn fetched(item: &Item) -> usize {
    let length = |value: &AttributeValue| match value {
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(text) | AttributeValue::S(text) => text.len(),
        _ => MAX_ITEM,
    };
    item.values().map(length).fold(0, usize::saturating_add)
}

pub(super) fn version(item: &Item) -> Result<Version, StoreError> {
    let bytes = blob(item, VERSION).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Version::from_bytes).ok_or(StoreError::Corrupt)
}

pub(super) fn labels(item: &Item) -> Result<Vec<Label>, StoreError> {
    decode_labels(blob(item, LABELS).ok_or(StoreError::Corrupt)?)
}

pub(super) fn purge_at(item: &Item) -> Result<Option<UnixTime>, StoreError> {
    let Some(value) = item.get(PURGE_AT) else {
        return Ok(None);
    };
    let seconds = value.as_n().ok().and_then(|text| text.parse().ok());
    let seconds = seconds.ok_or(StoreError::Corrupt)?;
    Ok(Some(UnixTime::from_secs(seconds)))
}

/// The key of an item, if it consists of bytes.
pub(super) fn key_of(item: &Item) -> Option<ItemKey> {
    Some(ItemKey {
        partition: blob(item, PARTITION)?.to_vec(),
        sort: blob(item, SORT)?.to_vec(),
    })
}

pub(super) fn blob<'a>(item: &'a Item, name: &str) -> Option<&'a [u8]> {
    Some(item.get(name)?.as_b().ok()?.as_ref())
}

/// The size of an item as DynamoDB counts it: names and values. A number takes about half as many
/// bytes as it has digits, and never more than 21.
pub(super) fn size(item: &Item) -> usize {
    let sizes = item.iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::B(blob) => blob.as_ref().len(),
            _ => 21,
        };
        name.len().saturating_add(value)
    });
    sizes.fold(0, usize::saturating_add)
}

pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(super) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn take(item: &mut Item, name: &str) -> Option<Vec<u8>> {
    match item.remove(name) {
        Some(AttributeValue::B(blob)) => Some(blob.into_inner()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealtoken_store::{Collection, LabelName};

    fn largest() -> Record {
        let long = "n0123456789_123456789_123456789_";
        let key = RecordKey::new(Collection::from_static(long), vec![1; RecordKey::MAX_ID]);
        let body = vec![2; LIMITS.max_body];
        let record = Record::new(key, Version::from_bytes([3; 16]), body);
        let record = record.with_purge_at(UnixTime::from_secs(i64::MIN));
        (0..16).fold(record, |record, n| {
            record.with_label(LabelName::from_static(long), vec![n; Label::MAX_VALUE])
        })
    }

    /// 400 KB including all names, which emulators do not always count.
    #[test]
    fn the_largest_record_fits_into_an_item() {
        let record = largest();
        let length = size(&of_record(&record));
        assert!(length <= MAX_ITEM, "{length}");
        for label in &record.labels {
            let item = of_label(&record, label);
            assert!(blob(&item, SORT).unwrap().len() <= 1024);
            assert!(blob(&item, PARTITION).unwrap().len() <= 2048);
            assert_eq!(blob(&item, ID), Some(&record.key.id[..]));
        }
    }

    #[test]
    fn a_record_comes_back() {
        let record = largest();
        let item = of_record(&record);
        assert_eq!(to_record(item, record.key.clone()), Ok(record));
        let key = RecordKey::new(Collection::from_static("note"), "id");
        let bare = Record::new(key, Version::from_bytes([0; 16]), "");
        let item = of_record(&bare);
        assert!(!item.contains_key(DUE) && !item.contains_key(PURGE_AT));
        assert_eq!(to_record(item, bare.key.clone()), Ok(bare));
    }

    #[test]
    fn an_item_that_an_attacker_changed_is_corrupt() {
        let record = largest();
        for name in [VERSION, BODY, LABELS, PURGE_AT] {
            for strange in [
                AttributeValue::Null(true),
                AttributeValue::S("text".to_owned()),
                AttributeValue::N("1.5".to_owned()),
                AttributeValue::L(vec![]),
            ] {
                let mut item = of_record(&record);
                item.insert(name.to_owned(), strange);
                let read = to_record(item, record.key.clone());
                assert_eq!(read, Err(StoreError::Corrupt), "{name}");
            }
        }
        for name in [VERSION, BODY, LABELS] {
            let mut item = of_record(&record);
            item.remove(name);
            assert_eq!(
                to_record(item, record.key.clone()),
                Err(StoreError::Corrupt)
            );
        }
    }
}
