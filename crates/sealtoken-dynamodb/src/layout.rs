//! The keys of items. `docs/dynamodb.md` describes them byte by byte; they never change.
//!
//! A record has the partition `r collection 0 bucket` and its id as sort key. Each of its labels
//! has an item of its own in the partition `l collection 0 name 0 bucket`, sorted by value and id.
//! Names contain no zero bytes, so no two partitions coincide.
//!
//! Partitions are split into 16 buckets, because DynamoDB spreads load over its machines by
//! partition. Records are split by id, and labels by value, so that one value is in one bucket. A
//! range of values is merged from all buckets.

use sealtoken_store::{Collection, Label, LabelName, RecordKey};
use sha2::{Digest as _, Sha256};

/// The number of buckets of a collection, and of a label's name.
pub(super) const BUCKETS: u8 = 16;

/// The maximum length of a sort key in bytes, by DynamoDB.
const MAX_SORT: usize = 1024;

/// The length of a hash in bytes.
const HASH: usize = 32;

/// Values are written in groups of this many bytes.
const GROUP: usize = 8;

/// The marker of a group that another group follows.
const MORE: u8 = 9;

/// The key of an item: a partition, and the position in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ItemKey {
    pub(super) partition: Vec<u8>,
    pub(super) sort: Vec<u8>,
}

/// The key of a record.
pub(super) fn record(key: &RecordKey) -> ItemKey {
    ItemKey {
        partition: records(&key.collection, bucket(&key.id)),
        sort: key.id.clone(),
    }
}

/// The key of a label's item.
pub(super) fn label(key: &RecordKey, label: &Label) -> ItemKey {
    ItemKey {
        partition: labels(&key.collection, &label.name, bucket(&label.value)),
        sort: sort(&label.value, &key.id),
    }
}

/// The partition of a collection's bucket.
pub(super) fn records(collection: &Collection, bucket: u8) -> Vec<u8> {
    [b"r", collection.as_str().as_bytes(), &[0, bucket]].concat()
}

/// The partition of a bucket of a label's name.
pub(super) fn labels(collection: &Collection, name: &LabelName, bucket: u8) -> Vec<u8> {
    let (collection, name) = (collection.as_str().as_bytes(), name.as_str().as_bytes());
    [b"l", collection, &[0], name, &[0, bucket]].concat()
}

/// The partition of a bucket in the index of records that will be due.
pub(super) fn due(collection: &Collection, bucket: u8) -> Vec<u8> {
    [collection.as_str().as_bytes(), &[0, bucket]].concat()
}

/// The bucket of an id, or of a label's value.
pub(super) fn bucket(bytes: &[u8]) -> u8 {
    let [first, ..] = <[u8; HASH]>::from(Sha256::digest(bytes));
    first % BUCKETS
}

/// The sort key of a label's item: its value, and the id of its record.
///
/// Both together may exceed what DynamoDB allows. Then the id is cut, and its hash follows. Such a
/// key has exactly 1,024 bytes, and no other has, so no chosen id can look like one.
pub(super) fn sort(value: &[u8], id: &[u8]) -> Vec<u8> {
    let mut sort = bound(value);
    if sort.len().saturating_add(id.len()) < MAX_SORT {
        sort.extend(id);
        return sort;
    }
    let left = MAX_SORT.saturating_sub(sort.len()).saturating_sub(HASH);
    sort.extend(id.iter().take(left));
    sort.extend(<[u8; HASH]>::from(Sha256::digest(id)));
    sort
}

/// Whether a label's sort key holds the whole id.
pub(super) fn is_whole(sort: &[u8]) -> bool {
    sort.len() < MAX_SORT
}

/// A value as part of a sort key: encoded values keep their order, and none is a prefix of another.
///
/// It consists of groups of eight bytes, the last one padded with zeros. After each group comes the
/// number of its bytes, or nine if another group follows. So a value grows by an eighth. Escaping
/// its zeros could double it, and 512 bytes would exceed what a key can hold.
pub(super) fn bound(value: &[u8]) -> Vec<u8> {
    // No label has more than 512 bytes, so bytes beyond 513 decide nothing.
    let value = value.get(..=Label::MAX_VALUE).unwrap_or(value);
    let mut bytes = Vec::with_capacity(value.len().saturating_mul(2));
    let mut rest = value;
    loop {
        let (group, tail) = rest.split_at_checked(GROUP).unwrap_or((rest, &[]));
        let missing = GROUP.saturating_sub(group.len());
        bytes.extend(group);
        bytes.extend(std::iter::repeat_n(0, missing));
        if tail.is_empty() {
            bytes.push(u8::try_from(group.len()).unwrap_or(MORE));
            return bytes;
        }
        bytes.push(MORE);
        rest = tail;
    }
}

/// Splits a sort key into the label's value and what follows it.
pub(super) fn split(sort: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::with_capacity(sort.len());
    let mut rest = sort;
    loop {
        let (group, tail) = rest.split_at_checked(GROUP)?;
        let (&marker, tail) = tail.split_first()?;
        if marker == MORE {
            value.extend(group);
            rest = tail;
            continue;
        }
        let (group, zeros) = group.split_at_checked(usize::from(marker))?;
        value.extend(group);
        let is_key = (1..=Label::MAX_VALUE).contains(&value.len()) && !tail.is_empty();
        return (is_key && zeros.iter().all(|zero| *zero == 0)).then_some((value, tail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection() -> Collection {
        Collection::from_static("note")
    }

    #[test]
    fn the_bytes_are_what_they_were() {
        let key = RecordKey::new(collection(), "id");
        let item_key = record(&key);
        assert_eq!(item_key.partition, b"rnote\0\x05");
        assert_eq!(item_key.sort, b"id");
        assert_eq!(due(&collection(), 3), b"note\0\x03");
        let tag = LabelName::from_static("tag");
        let item_key = label(&key, &Label::new(tag.clone(), "value"));
        assert_eq!(item_key.partition, b"lnote\0tag\0\x0d");
        assert_eq!(item_key.sort, b"value\0\0\0\x05id");
        let item_key = label(&key, &Label::new(tag, "nine bytes"));
        assert_eq!(item_key.sort, b"nine byt\x09es\0\0\0\0\0\0\x02id");
    }

    #[test]
    fn values_keep_their_order_and_come_back() {
        let mut values: Vec<Vec<u8>> = vec![vec![0xff; 512], vec![0; 512], vec![0; 511]];
        for length in 1..20_usize {
            for byte in [0, 1, 8, 9, 0xff] {
                values.push(vec![byte; length]);
                values.push([vec![7; length], vec![byte]].concat());
                values.push([vec![7; length], vec![byte, 0]].concat());
            }
        }
        values.sort();
        values.dedup();
        let keys: Vec<_> = values.iter().map(|value| bound(value)).collect();
        assert!(keys.is_sorted() && keys.iter().all(|key| key.len() <= 576));
        for (at, key) in keys.iter().enumerate() {
            let begins = keys.iter().filter(|other| other.starts_with(key)).count();
            assert_eq!(begins, 1, "no value begins with another");
            let whole = sort(&values[at], b"\0id");
            assert_eq!(split(&whole), Some((values[at].clone(), &b"\0id"[..])));
        }
        assert!(bound(b"") < bound(b"\0"));
    }

    #[test]
    fn a_bound_of_any_length_fits_and_keeps_the_order() {
        let longest = vec![7; 512];
        let longer = [longest.clone(), vec![0]].concat();
        for bound_at in [longer.clone(), [longer, vec![9; 100_000]].concat()] {
            let bytes = bound(&bound_at);
            assert!(bytes.len() <= MAX_SORT);
            assert!(sort(&longest, b"id") < bytes && sort(&[8], b"id") > bytes);
        }
    }

    #[test]
    fn no_key_is_longer_than_dynamodb_takes_and_none_is_anothers() {
        let (value, id) = (vec![1; 512], vec![2; 1024]);
        let other = [&id[..1023], &[3]].concat();
        for value in [&value[..], b"v"] {
            let (one, two) = (sort(value, &id), sort(value, &other));
            assert!(one.len() == MAX_SORT && two.len() == MAX_SORT && one != two);
            assert!(!is_whole(&one));
            // The id that an attacker would choose.
            let made = one.get(bound(value).len()..).unwrap();
            assert_ne!(sort(value, made), one);
        }
        let name = LabelName::from_static("n0123456789_123456789_123456789_");
        let long = Collection::from_static("n0123456789_123456789_123456789_");
        assert!(labels(&long, &name, 15).len() <= 2048);
    }

    #[test]
    fn bytes_that_are_no_sort_key_of_a_label_are_refused() {
        let sort = sort(b"value", b"id");
        for strange in [
            &b""[..],
            &sort[..8],
            &sort[..9],
            b"\0\0\0\0\0\0\0\0\0id",
            b"value\0\0\x01\x05id",
            b"value\0\0\0\x0aid",
            b"value678\x09",
        ] {
            assert_eq!(split(strange), None, "{strange:?}");
        }
    }

    #[test]
    fn ids_are_spread_over_all_buckets() {
        let mut seen = [0; BUCKETS as usize];
        for at in 0..1600_u32 {
            seen[usize::from(bucket(&at.to_be_bytes()))] += 1;
        }
        assert!(
            seen.iter().all(|count| (50..200).contains(count)),
            "{seen:?}"
        );
    }
}
