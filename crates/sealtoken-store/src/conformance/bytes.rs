//! Ids, label values and bodies may be any bytes.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use crate::{Change, Query, Record, RecordError, RecordKey, Selection, Store, StoreError, Values};

use super::fixture::{
    all_pages, assert_exists, assert_gone, assert_refused, changed, collection, conflict, found,
    insert, key, notes, record, remove, replace, tag, tagged, version, write,
};

/// Bytes that an engine might misinterpret.
fn unusual() -> Vec<Vec<u8>> {
    let mut unusual: Vec<Vec<u8>> = [
        &b"'"[..],
        b"\"",
        b"`; DROP TABLE sealtoken_record; --",
        b"' OR '1'='1",
        b"%",
        b"_",
        b"\\",
        b"\\x00",
        b"\0",
        b"\0\0",
        b"a",
        b"a\0",
        b"a\0b",
        b"A",
        b"a ",
        b" a",
        b"\n",
        b"1",
        b"01",
        b"1.0",
        b"NULL",
        "\u{1f512}\u{10ffff}".as_bytes(),
        // The same letter in two spellings.
        "\u{e9}".as_bytes(),
        "e\u{301}".as_bytes(),
        // Not UTF-8: a surrogate, a byte that never occurs, half a letter.
        b"\xed\xa0\x80",
        b"\xff",
        b"\xff\xff",
        b"\xc3",
        b"\x7f",
        b"\x80",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    unusual.extend((0..=u8::MAX).map(|byte| vec![b'.', byte]));
    unusual
}

/// Ids may be any bytes, stay distinct and come back unchanged.
pub(super) async fn ids_are_any_bytes(store: Arc<dyn Store>) {
    let mut ids = unusual();
    ids.push(vec![0xff; RecordKey::MAX_ID]);
    ids.push(vec![0; RecordKey::MAX_ID]);
    ids.push([vec![b'\''; RecordKey::MAX_ID - 1], vec![0]].concat());
    let records: Vec<_> = ids.iter().map(|id| record(id.clone())).collect();
    insert(&*store, records.clone()).await;
    for record in &records {
        assert_exists(&*store, record).await;
        let (_, current) = conflict(&*store, &[Change::Insert(changed(record, "x"))]).await;
        assert_eq!(current.as_ref(), Some(record));
    }
    let keys: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
    let expected: Vec<_> = records.iter().cloned().map(Some).collect();
    assert_eq!(store.get_many(&keys).await, Ok(expected));
    let scanned = found(&*store, &Query::all(notes()).limit(7)).await;
    assert_eq!(scanned.len(), ids.len());
    assert_eq!(BTreeSet::from_iter(scanned), BTreeSet::from_iter(ids));
    for record in &records {
        write(&*store, &[remove(&record.key, Some(record.version))]).await;
        assert_gone(&*store, &record.key).await;
    }
}

/// Every method that takes a key refuses ids of 0 and of 1,025 bytes.
pub(super) async fn ids_have_one_to_1024_bytes(store: Arc<dyn Store>) {
    for id in [vec![], vec![b'x'; RecordKey::MAX_ID + 1]] {
        let new = record(id.clone());
        let refused = StoreError::Invalid(RecordError::Id);
        assert_eq!(store.get(&new.key).await, Err(refused.clone()));
        let keys = [key("fits"), new.key.clone()];
        assert_eq!(store.get_many(&keys).await, Err(refused));
        for change in [
            Change::Insert(new.clone()),
            replace(&new, new.clone()),
            remove(&new.key, None),
        ] {
            let batch = [Change::Insert(record("fits")), change];
            assert_refused(&*store, &batch, RecordError::Id).await;
        }
    }
}

/// The same id in two collections identifies two records.
pub(super) async fn collections_are_kept_apart(store: Arc<dyn Store>) {
    let existing = |name: &'static str| {
        let key = RecordKey::new(collection(name), "id");
        Record::new(key, version(), name).with_label(tag(), "x")
    };
    // Names that are prefixes of each other, and one of 32 characters.
    let names = ["a", "a_", "aa", "b", "a0123456789012345678901234567890"];
    let records = names.map(existing);
    insert(&*store, records.clone()).await;
    for record in &records {
        assert_exists(&*store, record).await;
        let all = Query::all(record.key.collection.clone());
        let label = Query::label(record.key.collection.clone(), tag(), Values::exactly("x"));
        for query in [all, label] {
            assert_eq!(
                all_pages(&*store, &query).await.as_slice(),
                slice::from_ref(record)
            );
            assert_eq!(store.count(&query).await, Ok(1));
        }
    }
    write(&*store, &[remove(&records[0].key, None)]).await;
    assert_gone(&*store, &records[0].key).await;
    for record in &records[1..] {
        assert_exists(&*store, record).await;
    }
}

/// Label values may be any bytes. They stay distinct, are found exactly, and sort by their bytes.
pub(super) async fn label_values_are_any_bytes_in_their_order(store: Arc<dyn Store>) {
    let mut values = unusual();
    values.push(vec![0xff; 512]);
    values.push(vec![0; 512]);
    let records = values.iter().enumerate().map(|(at, value)| {
        let id = at.to_be_bytes();
        record(id).with_label(tag(), value.clone())
    });
    let records: Vec<_> = records.collect();
    insert(&*store, records.clone()).await;
    for record in &records {
        assert_exists(&*store, record).await;
        let value = &record.labels[0].value;
        assert_eq!(
            tagged(&*store, value).await,
            slice::from_ref(&record.key.id)
        );
    }
    let all = Query::label(notes(), tag(), Values::beginning_with("")).limit(7);
    let scanned = all_pages(&*store, &all).await;
    let scanned: Vec<_> = scanned.iter().map(|r| r.labels[0].value.clone()).collect();
    values.sort();
    assert_eq!(scanned, values);
}

/// A range may begin or end with bytes that no label can have: none, or more than 512.
pub(super) async fn ranges_of_any_length_are_taken(store: Arc<dyn Store>) {
    insert(&*store, [record("a").with_label(tag(), vec![b'x'; 512])]).await;
    for (values, count) in [
        (Values::exactly(""), 0),
        (Values::exactly(vec![b'x'; 513]), 0),
        (Values::between("", vec![b'x'; 2000]), 1),
        (Values::beginning_with(vec![b'x'; 512]), 1),
        (Values::beginning_with(vec![b'x'; 100_000]), 0),
    ] {
        let mut query = Query::all(notes());
        query.selection = Selection::Label {
            name: tag(),
            values,
        };
        assert_eq!(all_pages(&*store, &query).await.len(), count);
        assert_eq!(
            store.count(&query).await.map(usize::try_from),
            Ok(Ok(count))
        );
    }
}

/// A body may be empty, and may be any bytes.
pub(super) async fn bodies_are_any_bytes(store: Arc<dyn Store>) {
    let every: Vec<u8> = (0..=u8::MAX).cycle().take(5000).collect();
    let bodies = [
        vec![],
        vec![0],
        b"'\"\\x00;--".to_vec(),
        vec![0xff; 300],
        every,
    ];
    let mut existing = record("id");
    insert(&*store, [existing.clone()]).await;
    for body in bodies {
        let next = changed(&existing, body);
        write(&*store, &[replace(&existing, next.clone())]).await;
        assert_exists(&*store, &next).await;
        existing = next;
    }
    let empty = Record::new(key("empty"), version(), "");
    insert(&*store, [empty.clone()]).await;
    assert_exists(&*store, &empty).await;
    let all = all_pages(&*store, &Query::all(notes())).await;
    assert!(all.len() == 2 && all.contains(&empty));
}
