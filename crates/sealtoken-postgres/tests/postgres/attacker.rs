//! What an attacker does to the tables affects no other record.

use std::slice;

use sealtoken_postgres::PostgresStore;
use sealtoken_store::{
    Change, LabelName, Outcome, Query, Record, RecordKey, Store as _, Values, Version,
};
use sealtoken_test_servers::postgres::{Schema, connect, patient, url};
use sealtoken_time::UnixTime;

use super::labels::collection;

const DAMAGES: [&str; 8] = [
    "version = '\\x00'",
    "labels = ''",
    "labels = '\\x01'",
    "labels = '\\x01ffffffffff'",
    "labels = '\\xffffffffffffff'",
    "labels = labels || '\\x00'",
    // A name that is not valid text.
    "labels = overlay(labels placing '\\xff' from 7)",
    "version = '', labels = ''",
];

/// A corrupt row is one record that never decrypts. It affects nothing else, and can be removed.
#[tokio::test]
async fn a_broken_row_stops_nothing_and_can_be_removed() {
    if url().is_none() {
        return;
    }
    let key = RecordKey::new(collection(), "id");
    let tag = LabelName::new("tag").unwrap();
    let by_tag = Query::label(collection(), tag.clone(), Values::exactly("x"));
    let new = |id: &str| {
        let key = RecordKey::new(collection(), id);
        let record = Record::new(key, Version::draw().unwrap(), "body");
        let record = record.with_purge_at(UnixTime::from_secs(5));
        record.with_label(tag.clone(), "x")
    };
    for damage in DAMAGES {
        let schema = Schema::new(&[]).await.unwrap();
        let store = PostgresStore::open(&schema.url).await.unwrap();
        let (record, whole) = (new("id"), new("other"));
        let inserts = [&record, &whole].map(|record| Change::Insert(record.clone()));
        assert_eq!(store.write(&inserts).await, Ok(Outcome::Written));
        let client = connect(&schema.url).await;
        let break_it = format!("UPDATE sealtoken_record SET {damage} WHERE id = 'id'");
        client.batch_execute(&break_it).await.unwrap();

        let broken = Record::new(key.clone(), Version::from_bytes([0; 16]), "");
        let existing = Ok(Some(broken.clone()));
        assert_eq!(store.get(&key).await, existing, "{damage}");
        let both = [key.clone(), whole.key.clone()];
        let read = store.get_many(&both).await.unwrap();
        let expected = [Some(broken.clone()), Some(whole.clone())];
        assert_eq!(read, expected, "{damage}");
        for query in [&by_tag, &Query::all(collection())] {
            let found = store.scan(query).await.unwrap().records;
            assert_eq!(found, [broken.clone(), whole.clone()], "{damage}");
        }
        // A change that expects a version does not match, not even the version it reads with. Nor
        // does its batch.
        let mut changed = whole.clone();
        changed.version = Version::draw().unwrap();
        let replace_whole = Change::Replace {
            record: changed.clone(),
            expected: whole.version,
        };
        let remove = |expected| Change::Remove {
            key: key.clone(),
            expected,
        };
        let stale = Some(Version::draw().unwrap());
        let shown = Some(broken.version);
        for change in [Change::Insert(new("id")), remove(stale), remove(shown)] {
            let index = 0;
            let current = Some(broken.clone());
            let conflict = Ok(Outcome::Conflict { index, current });
            assert_eq!(store.write(slice::from_ref(&change)).await, conflict);
            assert_eq!(
                store.write(&[change, replace_whole.clone()]).await,
                conflict
            );
        }
        // By its key, with another change; and when it is due.
        let removals = [replace_whole, remove(None)];
        let written = store.write(&removals).await;
        assert_eq!(written, Ok(Outcome::Written), "{damage}");
        assert_eq!(store.get(&key).await, Ok(None));
        // A label that is left over leads nowhere, and does not keep a record from being inserted
        // again.
        let scanned = store.scan(&by_tag).await.unwrap().records;
        assert_eq!(scanned, [changed], "{damage}");
        let again = store.write(&[Change::Insert(new("id"))]).await;
        assert_eq!(again, Ok(Outcome::Written), "{damage}");
        client.batch_execute(&break_it).await.unwrap();
        let purged = store.purge(&collection(), UnixTime::from_secs(6), 10).await;
        assert_eq!(purged, Ok(2), "{damage}");
        let left = store.count(&Query::all(collection())).await;
        assert_eq!(left, Ok(0), "{damage}");
    }
}

/// The row lists other labels than those that lead to it. When it is removed, those stay, and lead
/// nowhere.
#[tokio::test]
async fn entries_that_a_changed_record_leaves_behind_are_not_found() {
    for purges in [false, true] {
        let Some(schema) = Schema::new(&[]).await else {
            return;
        };
        let store = PostgresStore::open(&schema.url).await.unwrap();
        let tag = LabelName::new("tag").unwrap();
        let labelled = |id: &str| {
            let key = RecordKey::new(collection(), id);
            let record = Record::new(key, Version::draw().unwrap(), "body");
            record.with_label(tag.clone(), id)
        };
        let b = labelled("b").with_purge_at(UnixTime::from_secs(0));
        let inserts = [labelled("a"), b.clone(), labelled("c")].map(Change::Insert);
        assert_eq!(store.write(&inserts).await, Ok(Outcome::Written));
        let client = connect(&schema.url).await;
        // One label, from the sixth byte on.
        let other = "UPDATE sealtoken_record SET labels = '\\x01000603000174616771' WHERE id = 'b'";
        client.batch_execute(other).await.unwrap();
        if purges {
            let purged = store.purge(&collection(), UnixTime::from_secs(1), 10).await;
            assert_eq!(purged, Ok(1));
        } else {
            let remove = Change::Remove {
                key: b.key.clone(),
                expected: Some(b.version),
            };
            assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written));
        }
        let entries = "SELECT count(*) FROM sealtoken_label";
        let entries: i64 = client.query_one(entries, &[]).await.unwrap().get(0);
        assert_eq!(entries, 3, "its own entry stays");
        let by_tag = |values| Query::label(collection(), tag.clone(), values);
        for (values, left) in [
            (Values::exactly("b"), 0),
            (Values::between("a", "c"), 1),
            (Values::beginning_with(""), 2),
        ] {
            let query = by_tag(values);
            let found = store.scan(&query).await.unwrap().records.len();
            assert_eq!(found, left, "{query:?}");
            // The index counts its own rows.
            let count = store.count(&query).await.unwrap();
            assert_eq!(usize::try_from(count), Ok(left + 1), "{query:?}");
        }
        let again = labelled("b");
        let written = store.write(&[Change::Insert(again.clone())]).await;
        assert_eq!(written, Ok(Outcome::Written));
        let query = by_tag(Values::exactly("b"));
        assert_eq!(store.scan(&query).await.unwrap().records, [again]);
        assert_eq!(store.count(&query).await, Ok(1));
    }
}

/// Values longer than any that an engine writes are not fetched: they could exhaust the reader's
/// memory.
#[tokio::test]
async fn a_row_that_is_too_large_is_one_that_cannot_be_read() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let client = connect(&schema.url).await;
    let tag = LabelName::new("tag").unwrap();
    let key = RecordKey::new(collection(), "a");
    for edit in [
        "body = decode(repeat('00', 4194305), 'hex')",
        "labels = labels || decode(repeat('00', 8785), 'hex')",
        "version = decode(repeat('00', 1000000), 'hex')",
    ] {
        let record = Record::new(key.clone(), Version::draw().unwrap(), "body");
        let insert = Change::Insert(record.with_label(tag.clone(), "b"));
        assert_eq!(store.write(&[insert]).await, Ok(Outcome::Written));
        let sql = format!("UPDATE sealtoken_record SET {edit}");
        client.batch_execute(&sql).await.unwrap();
        let found = store.get(&key).await.unwrap();
        let (body, version) = found.map(|found| (found.body, found.version)).unwrap();
        assert_eq!(
            (&*body, version),
            (&b""[..], Version::from_bytes([0; 16])),
            "{edit}"
        );
        let keys = [key.clone()];
        let many = store.get_many(&keys).await.unwrap();
        let by_tag = Query::label(collection(), tag.clone(), Values::beginning_with(""));
        let all = store.scan(&Query::all(collection())).await.unwrap();
        let labelled = store.scan(&by_tag).await.unwrap();
        for found in [
            many[0].as_ref(),
            all.records.first(),
            labelled.records.first(),
        ] {
            assert!(found.is_some_and(|found| found.body.is_empty()), "{edit}");
        }
        let remove = Change::Remove {
            key: key.clone(),
            expected: None,
        };
        assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written), "{edit}");
    }
}

/// Each is fetched whole before it turns out to be no record: a page ends by the bytes that were
/// fetched.
#[tokio::test]
async fn large_rows_that_cannot_be_read_end_a_page() {
    if url().is_none() {
        return;
    }
    let tag = LabelName::new("tag").unwrap();
    let by_tag = |values| Query::label(collection(), tag.clone(), values);
    for (version, labels) in [
        ("''", "'\\x00'"),
        ("decode(repeat('00', 16), 'hex')", "'\\x01'"),
    ] {
        let schema = Schema::new(&[]).await.unwrap();
        let store = PostgresStore::open(&schema.url).await.unwrap();
        let client = connect(&schema.url).await;
        let large = format!(
            "INSERT INTO sealtoken_record (collection, id, version, labels, body) \
             SELECT 'note', convert_to('b' || i, 'UTF8'), {version}, {labels}, \
             decode(repeat('00', 3000000), 'hex') \
             FROM generate_series(0, 7) AS numbers (i); \
             INSERT INTO sealtoken_label (collection, name, value, id) \
             SELECT 'note', 'tag', 'y', id FROM sealtoken_record"
        );
        client.batch_execute(&large).await.unwrap();
        for mut query in [
            Query::all(collection()),
            by_tag(Values::beginning_with("")),
            by_tag(Values::exactly("y")),
        ] {
            let mut pages = Vec::new();
            loop {
                let page = store.scan(&query).await.unwrap();
                pages.push(page.records.len());
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert!(
                pages.len() < 6 && pages.iter().all(|&n| n <= 2),
                "{pages:?}"
            );
            assert_eq!(pages.iter().sum::<usize>(), 8, "{pages:?}");
        }
    }
}

/// Keys and values that no record can have are skipped, and no page ends at one.
#[tokio::test]
async fn rows_under_odd_keys_hide_no_others() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let tag = LabelName::new("tag").unwrap();
    for id in ["a", "z"] {
        let key = RecordKey::new(collection(), id);
        let record = Record::new(key, Version::draw().unwrap(), "body");
        let insert = Change::Insert(record.with_label(tag.clone(), id));
        assert_eq!(store.write(&[insert]).await, Ok(Outcome::Written));
    }
    let odd = "INSERT INTO sealtoken_record (collection, id, version, labels, body) \
        SELECT 'note', odd, '', '', '' \
        FROM (VALUES (''::bytea), (decode(repeat('62', 1100), 'hex'))) AS odds (odd); \
        INSERT INTO sealtoken_label (collection, name, value, id) \
        SELECT 'note', 'tag', value, id FROM (VALUES \
        ('b'::bytea, ''::bytea), ('', 'a'), (decode(repeat('62', 600), 'hex'), 'a'), \
        ('b', decode(repeat('62', 1100), 'hex'))) AS odds (value, id)";
    let client = connect(&schema.url).await;
    client.batch_execute(odd).await.unwrap();
    let by_tag = Query::label(collection(), tag, Values::beginning_with(""));
    for query in [Query::all(collection()), by_tag] {
        let mut query = query.limit(1);
        let mut found = Vec::new();
        for _ in 0..4 {
            let page = store.scan(&query).await.unwrap();
            found.extend(page.records.into_iter().map(|record| record.key.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(found, [b"a", b"z"], "{query:?}");
    }
}

/// However many there are: each page skips some of them, its cursor continues from there, and no
/// valid record is missed.
#[tokio::test]
async fn rows_of_odd_shapes_are_skipped_in_pages() {
    if url().is_none() {
        return;
    }
    let tag = LabelName::new("tag").unwrap();
    let (longest, long) = ("0".repeat(512), "0".repeat(1024));
    let (next_value, next_id) = (format!("{}1", &longest[1..]), format!("{}1", &long[1..]));
    let good = [
        ("a", "x"),
        ("b", "y"),
        ("c", "z"),
        ("d", &*longest),
        ("e", &*next_value),
        (&*long, "y"),
        (&*next_id, "y"),
        ("f", "y~"),
    ];
    let text = |prefix: &str| format!("convert_to('{prefix}' || lpad(i::text, 4, '0'), 'UTF8')");
    let first = |length| {
        let zeros = "0".repeat(length);
        format!("convert_to(lpad(i::text, 4, '0') || '{zeros}', 'UTF8')")
    };
    let last = |length| {
        let bytes = "ff".repeat(length);
        format!("'\\x{bytes}'::bytea || convert_to(lpad(i::text, 4, '0'), 'UTF8')")
    };
    let (a, y) = (|| "'a'::bytea".to_owned(), || "'y'::bytea".to_owned());
    let by_tag = Query::label(collection(), tag.clone(), Values::beginning_with(""));
    let all = Query::all(collection());
    let labels = ["d", "e", "a", &long, &next_id, "b", "f", "c"];
    let ids = [&*long, &next_id, "a", "b", "c", "d", "e", "f"];
    let label = |value: String, id: String| {
        let sql = format!(
            "INSERT INTO sealtoken_label SELECT 'note', 'tag', {value}, {id} \
             FROM generate_series(0, 2500) AS numbers (i)"
        );
        (sql, by_tag.clone(), labels)
    };
    let record = |id: String| {
        let sql = format!(
            "INSERT INTO sealtoken_record SELECT 'note', {id}, '', NULL, '', '' \
             FROM generate_series(0, 2500) AS numbers (i)"
        );
        (sql, all.clone(), ids)
    };
    let alike = [
        label(text(&longest), a()),
        label(last(512), a()),
        label(y(), text(&long)),
        label(y(), last(1024)),
        record(text(&long)),
        record(last(1024)),
    ];
    let unlike = [
        label(first(600), a()),
        label(y(), first(1100)),
        label(text("y"), "''::bytea".to_owned()),
        label("''::bytea".to_owned(), text("a")),
        // Valid, but without records.
        label(text("y"), text("none")),
        record(first(1100)),
    ];
    let alike = alike.into_iter().map(|odd| (true, odd));
    let unlike = unlike.into_iter().map(|odd| (false, odd));
    for (is_alike, (odd, query, expected)) in alike.chain(unlike) {
        let schema = Schema::new(&[]).await.unwrap();
        let store = patient(&schema.url).open().await.unwrap();
        let records = good.map(|(id, value)| {
            let key = RecordKey::new(collection(), id);
            let record = Record::new(key, Version::draw().unwrap(), "good");
            Change::Insert(record.with_label(tag.clone(), value))
        });
        assert_eq!(store.write(&records).await, Ok(Outcome::Written));
        let client = connect(&schema.url).await;
        client.batch_execute(&odd).await.unwrap();
        for limit in [1, 3, 100] {
            let mut query = query.clone().limit(limit);
            let (mut seen, mut pages) = (Vec::new(), 0);
            loop {
                let page = store.scan(&query).await.unwrap();
                pages += 1;
                assert!(pages < 40, "it does not go on");
                seen.extend(page.records.into_iter().map(|record| record.key.id));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected.map(str::as_bytes), "{limit}: {odd}");
            let full = labels.len().div_ceil(usize::try_from(limit).unwrap());
            assert!(
                (full..=full + 4).contains(&pages),
                "{limit}: {odd}: {pages}"
            );
            // Ids with the same beginning are skipped at once. Of the others, no page skips all.
            assert!(limit < 100 || is_alike == (pages == 1), "{odd}: {pages}");
        }
    }
}
