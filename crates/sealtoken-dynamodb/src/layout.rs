//! Where things lie in the table. `docs/dynamodb.md` has it byte by byte, and what is written here stays.
//!
//! A record lies at `r collection 0 bucket`, under its id. Each of its labels has an item of its own at
//! `l collection 0 name 0 bucket`, under its value and its id. Names have no zero bytes, so that no partition is another's.
//!
//! Partitions are split into 16 buckets, since DynamoDB moves keys that are in demand to machines of their own by partition: records by
//! their id, labels by their value, so that one value is found in one bucket. Ranges of values are merged from all.

use sealtoken_store::{Collection, Label, LabelName, RecordKey};
use sha2::{Digest as _, Sha256};

/// In how many parts a collection lies, and a label's name.
pub(super) const BUCKETS: u8 = 16;

/// The most bytes of a sort key, by DynamoDB.
const LONGEST: usize = 1024;

/// The bytes of a hash.
const HASH: usize = 32;

/// Values are written in groups of so many bytes.
const GROUP: usize = 8;

/// The marker of a group behind which there is another.
const MORE: u8 = 9;

/// The key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) partition: Vec<u8>,
    pub(super) sort: Vec<u8>,
}

/// Where a record lies.
pub(super) fn record(key: &RecordKey) -> Place {
    Place {
        partition: records(&key.collection, bucket(&key.id)),
        sort: key.id.clone(),
    }
}

/// Where the item of a label lies.
pub(super) fn label(key: &RecordKey, label: &Label) -> Place {
    Place {
        partition: labels(&key.collection, &label.name, bucket(&label.value)),
        sort: sort(&label.value, &key.id),
    }
}

/// A part of a collection.
pub(super) fn records(collection: &Collection, bucket: u8) -> Vec<u8> {
    [b"r", collection.as_str().as_bytes(), &[0, bucket]].concat()
}

/// A part of what stands under a label's name.
pub(super) fn labels(collection: &Collection, name: &LabelName, bucket: u8) -> Vec<u8> {
    let (collection, name) = (collection.as_str().as_bytes(), name.as_str().as_bytes());
    [b"l", collection, &[0], name, &[0, bucket]].concat()
}

/// A part of what is to be removed some day.
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
/// Both together may be longer than DynamoDB allows. Then the id is cut off and its hash stands behind what is left: such a key has
/// exactly 1,024 bytes and no other has, so that no id can be made to look like one.
pub(super) fn sort(value: &[u8], id: &[u8]) -> Vec<u8> {
    let mut sort = bound(value);
    if sort.len().saturating_add(id.len()) < LONGEST {
        sort.extend(id);
        return sort;
    }
    let left = LONGEST.saturating_sub(sort.len()).saturating_sub(HASH);
    sort.extend(id.iter().take(left));
    sort.extend(<[u8; HASH]>::from(Sha256::digest(id)));
    sort
}

/// Whether a label's sort key holds the whole id.
pub(super) fn is_whole(sort: &[u8]) -> bool {
    sort.len() < LONGEST
}

/// A value as it stands in a sort key: what sorts before it stands before it, and none begins with another.
///
/// Groups of eight bytes, the last one filled up with zeros; behind each the number of its bytes, or nine where another
/// follows. That grows a value by an eighth: doubling its zeros would let one of 512 bytes exceed what a key can have.
pub(super) fn bound(value: &[u8]) -> Vec<u8> {
    // No label has more than 512 bytes, so what a bound has behind 513 decides nothing.
    let value = value.get(..=Label::MAX_VALUE).unwrap_or(value);
    let mut bytes = Vec::with_capacity(value.len().saturating_mul(2));
    let mut rest = value;
    loop {
        let (group, behind) = rest.split_at_checked(GROUP).unwrap_or((rest, &[]));
        let missing = GROUP.saturating_sub(group.len());
        bytes.extend(group);
        bytes.extend(std::iter::repeat_n(0, missing));
        if behind.is_empty() {
            bytes.push(u8::try_from(group.len()).unwrap_or(MORE));
            return bytes;
        }
        bytes.push(MORE);
        rest = behind;
    }
}

/// A label's value, and what stands behind it, of a sort key.
pub(super) fn split(sort: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::with_capacity(sort.len());
    let mut rest = sort;
    loop {
        let (group, behind) = rest.split_at_checked(GROUP)?;
        let (&marker, behind) = behind.split_first()?;
        if marker == MORE {
            value.extend(group);
            rest = behind;
            continue;
        }
        let (group, zeros) = group.split_at_checked(usize::from(marker))?;
        value.extend(group);
        let fits = (1..=Label::MAX_VALUE).contains(&value.len()) && !behind.is_empty();
        return (fits && zeros.iter().all(|zero| *zero == 0)).then_some((value, behind));
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
        let place = record(&key);
        assert_eq!(place.partition, b"rnote\0\x05");
        assert_eq!(place.sort, b"id");
        assert_eq!(due(&collection(), 3), b"note\0\x03");
        let tag = LabelName::from_static("tag");
        let place = label(&key, &Label::new(tag.clone(), "value"));
        assert_eq!(place.partition, b"lnote\0tag\0\x0d");
        assert_eq!(place.sort, b"value\0\0\0\x05id");
        let place = label(&key, &Label::new(tag, "nine bytes"));
        assert_eq!(place.sort, b"nine byt\x09es\0\0\0\0\0\0\x02id");
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
    fn a_bound_of_any_length_fits_and_divides_as_it_did() {
        let longest = vec![7; 512];
        let longer = [longest.clone(), vec![0]].concat();
        for bound_at in [longer.clone(), [longer, vec![9; 100_000]].concat()] {
            let bytes = bound(&bound_at);
            assert!(bytes.len() <= LONGEST);
            assert!(sort(&longest, b"id") < bytes && sort(&[8], b"id") > bytes);
        }
    }

    #[test]
    fn no_key_is_longer_than_dynamodb_takes_and_none_is_anothers() {
        let (value, id) = (vec![1; 512], vec![2; 1024]);
        let other = [&id[..1023], &[3]].concat();
        for value in [&value[..], b"v"] {
            let (one, two) = (sort(value, &id), sort(value, &other));
            assert!(one.len() == LONGEST && two.len() == LONGEST && one != two);
            assert!(!is_whole(&one));
            // The id that a stranger would choose.
            let made = one.get(bound(value).len()..).unwrap();
            assert_ne!(sort(value, made), one);
        }
        let name = LabelName::from_static("n0123456789_123456789_123456789_");
        let long = Collection::from_static("n0123456789_123456789_123456789_");
        assert!(labels(&long, &name, 15).len() <= 2048);
    }

    #[test]
    fn what_is_no_sort_key_of_a_label_is_refused() {
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
