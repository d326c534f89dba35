//! What a query selects, in which order, and how many records.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{Query, Record, Selection, Store, Values};

use super::fixture::{
    all_pages, collection, found, ids, insert, name, notes, page, record, sorted, tag, write,
};

/// Two ids for each value. The values sort neither as letters nor as numbers.
async fn fill(store: &dyn Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    let values = ["", "b", "a", "ab", "a\0", "B", "10", "9", "\u{e9}", "aa"];
    let mut expected = Vec::new();
    let mut records = Vec::new();
    for value in values.map(|value| [value.as_bytes(), b"."].concat()) {
        for id in [&b"\xff"[..], b"\0"] {
            let id = [id, &value].concat();
            records.push(record(id.clone()).with_label(tag(), value.clone()));
            expected.push((value.clone(), id));
        }
    }
    for (value, id) in [(&b"\xff"[..], "z1"), (b"\xff\xff", "z0")] {
        records.push(record(id).with_label(tag(), value));
        expected.push((value.to_vec(), id.into()));
    }
    insert(store, records).await;
    // What the queries must not find: another label, no label, another collection.
    let mut elsewhere = record("elsewhere").with_label(tag(), "a.");
    elsewhere.key.collection = collection("other");
    let other = record("other").with_label(name("tags"), "a.");
    insert(store, [elsewhere, other, record("bare")]).await;
    expected.sort();
    expected
}

/// The upper bound of a range that no value is beyond.
fn open_end() -> Vec<u8> {
    Values::beginning_with("").until
}

fn ranges() -> Vec<Values> {
    vec![
        Values::beginning_with(""),
        Values::exactly("a."),
        Values::exactly("missing"),
        Values::exactly(""),
        Values::beginning_with("a"),
        Values::beginning_with("a."),
        Values::beginning_with([0xff]),
        Values::beginning_with([0xff, 0xff, 0xff]),
        Values::between("a.", "b."),
        Values::between("a.", "a.\0"),
        Values::between("A", "a"),
        Values::between("b", "a"),
        Values::between("a.", "a."),
        Values::between("", "z"),
        Values::between("a\0.", open_end()),
        Values::between([0xff, 0xff, 0], open_end()),
    ]
}

/// A label scan returns the records in its range, in the order of value and id, byte by byte.
pub(super) async fn a_label_scan_keeps_to_its_range_and_order(store: Arc<dyn Store>) {
    let all = fill(&*store).await;
    for values in ranges() {
        let expected: Vec<_> = all
            .iter()
            .filter(|(value, _)| values.contains(value))
            .map(|(_, id)| id.clone())
            .collect();
        for limit in [1, 2, 3, 5, 100] {
            let query = Query::label(notes(), tag(), values.clone()).limit(limit);
            assert_eq!(found(&*store, &query).await, expected, "{query:?}");
        }
    }
    let nothing = Query::label(notes(), name("missing"), Values::beginning_with(""));
    assert!(found(&*store, &nothing).await.is_empty());
}

/// A scan of a collection returns each of its records once, and none of another.
pub(super) async fn a_collection_scan_finds_each_record_once(store: Arc<dyn Store>) {
    let missing = Query::all(notes());
    let empty = page(&*store, &missing).await;
    assert!(empty.records.is_empty() && empty.next.is_none());
    let mut expected: BTreeSet<_> = fill(&*store).await.into_iter().map(|(_, id)| id).collect();
    expected.extend([b"other".to_vec(), b"bare".to_vec()]);
    for limit in [1, 2, 3, 7, 100, u32::MAX] {
        let query = Query::all(notes()).limit(limit);
        let ids = found(&*store, &query).await;
        assert_eq!(ids.len(), expected.len(), "limit {limit}");
        assert_eq!(BTreeSet::from_iter(ids), expected, "limit {limit}");
    }
}

/// A scan returns whole records: bodies, versions and labels.
pub(super) async fn a_scan_gives_whole_records(store: Arc<dyn Store>) {
    let records: Vec<Record> = (0..20_u8)
        .map(|at| {
            record([at])
                .with_label(tag(), "x")
                .with_label(name("at"), [at + 1])
                .with_purge_at(sealtoken_time::UnixTime::from_secs(i64::from(at)))
        })
        .map(sorted)
        .collect();
    insert(&*store, records.clone()).await;
    let by_label = Query::label(notes(), tag(), Values::exactly("x")).limit(6);
    assert_eq!(all_pages(&*store, &by_label).await, records);
    let mut all = all_pages(&*store, &Query::all(notes()).limit(6)).await;
    all.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(all, records);
}

/// A count equals the number of scanned records, whatever the limit and the cursor.
pub(super) async fn a_count_is_what_a_scan_gives(store: Arc<dyn Store>) {
    fill(&*store).await;
    let mut queries = vec![Query::all(notes()), Query::all(collection("missing"))];
    for values in ranges() {
        queries.push(Query::label(notes(), tag(), values));
    }
    for query in queries {
        let scanned = u64::try_from(found(&*store, &query).await.len()).unwrap();
        assert_eq!(store.count(&query).await, Ok(scanned), "{query:?}");
        let query = query.limit(1);
        assert_eq!(store.count(&query).await, Ok(scanned), "{query:?}");
        let next = page(&*store, &query).await.next;
        let query = query.after(next);
        assert_eq!(store.count(&query).await, Ok(scanned), "{query:?}");
    }
}

/// Counts follow inserts, replacements and removals.
pub(super) async fn a_count_follows_what_is_written(store: Arc<dyn Store>) {
    use super::fixture::{changed, remove, replace};

    let all = Query::all(notes());
    let by_label = Query::label(notes(), tag(), Values::exactly("x"));
    let counts = async || (store.count(&all).await, store.count(&by_label).await);
    assert_eq!(counts().await, (Ok(0), Ok(0)));
    let existing = record("id").with_label(tag(), "x");
    insert(&*store, [existing.clone(), record("bare")]).await;
    assert_eq!(counts().await, (Ok(2), Ok(1)));
    let mut next = changed(&existing, "next");
    next.labels.clear();
    write(&*store, &[replace(&existing, next)]).await;
    assert_eq!(counts().await, (Ok(2), Ok(0)));
    write(&*store, &[remove(&existing.key, None)]).await;
    assert_eq!(counts().await, (Ok(1), Ok(0)));
}

/// A limit of 0 counts as 1.
pub(super) async fn a_limit_of_zero_is_one(store: Arc<dyn Store>) {
    insert(
        &*store,
        ["a", "b", "c"].map(|id| record(id).with_label(tag(), "x")),
    )
    .await;
    let mut query = Query::label(notes(), tag(), Values::exactly("x")).limit(0);
    for selection in [query.selection.clone(), Selection::All] {
        query.selection = selection;
        let first = page(&*store, &query).await;
        assert_eq!(first.records.len(), 1);
        assert_eq!(ids(&all_pages(&*store, &query).await).len(), 3);
    }
}
