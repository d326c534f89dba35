//! Cursors and pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{Cursor, Query, Record, Store, StoreError, Values};

use super::fixture::{
    collection, found, ids, insert, key, name, notes, page, record, remove, tag, version, write,
};

fn by_label() -> Query {
    Query::label(notes(), tag(), Values::beginning_with(""))
}

/// Ten records, `a0` to `a9`, with two label values.
async fn fill(store: &dyn Store) -> Vec<Vec<u8>> {
    let ids: Vec<_> = (0..10).map(|at| format!("a{at}").into_bytes()).collect();
    let records = ids.iter().map(|id| {
        let value = if id[1] < b'5' { "x" } else { "y" };
        record(id.clone()).with_label(tag(), value)
    });
    insert(store, records).await;
    ids
}

/// Each page but the last is full, and the last has no cursor.
pub(super) async fn pages_are_full_and_the_last_one_has_no_cursor(store: Arc<dyn Store>) {
    fill(&*store).await;
    for query in [Query::all(notes()), by_label()] {
        for (limit, lengths) in [
            (3, &[3, 3, 3, 1][..]),
            (5, &[5, 5]),
            (10, &[10]),
            (11, &[10]),
        ] {
            let mut query = query.clone().limit(limit);
            for (at, length) in lengths.iter().enumerate() {
                let page = page(&*store, &query).await;
                assert_eq!(page.records.len(), *length, "page {at} of {query:?}");
                assert_eq!(page.next.is_some(), at + 1 < lengths.len(), "{query:?}");
                query.after = page.next;
            }
        }
    }
}

/// A cursor can be restored from its bytes, and used again.
pub(super) async fn a_cursor_is_bytes_and_can_be_used_again(store: Arc<dyn Store>) {
    fill(&*store).await;
    for query in [Query::all(notes()), by_label()] {
        let query = query.limit(4);
        let cursor = page(&*store, &query).await.next.expect("more");
        let copy = Cursor::from_bytes(cursor.as_bytes());
        let second = page(&*store, &query.clone().after(cursor)).await;
        let again = page(&*store, &query.clone().after(copy)).await;
        assert_eq!(ids(&second.records), ids(&again.records));
        assert_eq!(second.records.len(), 4);
    }
}

/// A scan continues at its cursor even if that record, and all before it, were removed.
pub(super) async fn a_cursor_goes_on_after_its_record_is_gone(store: Arc<dyn Store>) {
    for query in [Query::all(notes()).limit(4), by_label().limit(4)] {
        let all = fill(&*store).await;
        let first = page(&*store, &query).await;
        for record in &first.records {
            write(&*store, &[remove(&record.key, None)]).await;
        }
        let mut seen = ids(&first.records);
        seen.extend(found(&*store, &query.clone().after(first.next)).await);
        assert_eq!(seen.len(), all.len(), "{query:?}");
        assert_eq!(BTreeSet::from_iter(&seen), BTreeSet::from_iter(&all));
        for id in all {
            write(&*store, &[remove(&key(id), None)]).await;
        }
    }
}

/// A page ends with the record that exceeds [`Query::PAGE_BYTES`]. The scan continues after it.
pub(super) async fn a_page_is_bounded_in_bytes(store: Arc<dyn Store>) {
    let body = store.limits().max_body.min(Query::PAGE_BYTES / 3);
    let count = Query::PAGE_BYTES / body * 2 + 2;
    let mut expected = BTreeSet::new();
    for at in 0..count {
        let id = at.to_be_bytes();
        let large = Record::new(key(id), version(), vec![b'x'; body]);
        insert(&*store, [large.with_label(tag(), id)]).await;
        expected.insert(id.to_vec());
    }
    for query in [Query::all(notes()), by_label()] {
        let mut query = query.limit(u32::MAX);
        let mut seen = Vec::new();
        let mut pages = 0;
        loop {
            let page = page(&*store, &query).await;
            let bytes: usize = page.records.iter().map(|record| record.body.len()).sum();
            assert!(bytes <= Query::PAGE_BYTES + body, "{bytes} bytes in a page");
            seen.extend(ids(&page.records));
            pages += 1;
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert!(pages >= 2);
        assert_eq!(seen.len(), count, "{query:?}");
        assert_eq!(BTreeSet::from_iter(seen), expected);
    }
}

/// Cursors of other queries, and arbitrary bytes.
async fn foreign(store: &dyn Store) -> Vec<Cursor> {
    let mut cursors = Vec::new();
    for query in [
        Query::all(notes()),
        Query::all(collection("other")),
        by_label(),
        Query::label(notes(), name("other"), Values::exactly("z")),
    ] {
        cursors.extend(page(store, &query.limit(1)).await.next);
    }
    assert_eq!(cursors.len(), 4);
    let own = cursors[0].as_bytes().to_vec();
    for length in 0..own.len() {
        cursors.push(Cursor::from_bytes(&own[..length]));
    }
    for at in 0..own.len() {
        let mut changed = own.clone();
        changed[at] ^= 0x80;
        cursors.push(Cursor::from_bytes(changed));
    }
    for bytes in [vec![0; 3], vec![0xff; 40], vec![0; 5000], vec![0xff; 5000]] {
        cursors.push(Cursor::from_bytes(bytes));
    }
    cursors.push(Cursor::from_bytes("' OR '1'='1"));
    cursors
}

/// A cursor of another query, or arbitrary bytes, is refused, or returns only records of this
/// query. It never causes a panic.
pub(super) async fn a_foreign_cursor_is_refused_or_harmless(store: Arc<dyn Store>) {
    fill(&*store).await;
    for id in ["b0", "b1", "b2"] {
        let mut other = record(id);
        other.key.collection = collection("other");
        let labelled = record(id).with_label(name("other"), "z");
        insert(&*store, [other, labelled]).await;
    }
    for query in [
        Query::all(notes()),
        by_label(),
        Query::label(notes(), tag(), Values::exactly("x")),
        // The other cursors point before this range, and after the one above.
        Query::label(notes(), tag(), Values::exactly("y")),
        Query::label(notes(), tag(), Values::between("b", "a")),
    ] {
        let belongs = BTreeSet::from_iter(found(&*store, &query).await);
        for cursor in foreign(&*store).await {
            match store.scan(&query.clone().after(cursor)).await {
                Ok(page) => {
                    let seen = ids(&page.records);
                    assert!(seen.iter().all(|id| belongs.contains(id)), "{query:?}");
                }
                Err(error) => assert_eq!(error, StoreError::Cursor, "{query:?}"),
            }
        }
    }
}
