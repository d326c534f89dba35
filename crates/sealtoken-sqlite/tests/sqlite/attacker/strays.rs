//! Rows that lead to no record.

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{Change, Outcome, Query, Record, Store as _, Values};

use super::super::block_on;
use super::{LOOSE, by_tag, edited, every_call, key, notes, tag, version};

#[test]
fn a_row_that_no_key_leads_to_hides_none() {
    for id in ["zeroblob(1025)", "x''", "'text'", "7"] {
        let edit = format!("{LOOSE} UPDATE sealtoken_record SET id = {id} WHERE id = x'62'");
        let (_folder, store) = edited(&edit);
        let scanned = block_on(store.scan(&Query::all(notes()))).unwrap().records;
        let ids: Vec<_> = scanned.into_iter().map(|record| record.key.id).collect();
        assert_eq!(ids, [b"a", b"c"], "{id}");
        let said = every_call(&store);
        assert!(said.iter().all(Result::is_ok), "{id}: {said:?}");
    }
    for length in [513, 70_000] {
        let (_folder, store) = edited(&format!(
            "INSERT INTO sealtoken_label VALUES ('note', 'tag', zeroblob({length}), x'61')"
        ));
        let scanned = block_on(store.scan(&by_tag(Values::beginning_with("")))).unwrap();
        assert_eq!(scanned.records.len(), 3, "{length}");
        let said = every_call(&store);
        assert!(said.iter().all(Result::is_ok), "{length}: {said:?}");
    }
}

#[test]
fn a_label_row_without_its_record_is_skipped() {
    let rows = (0..300).map(|at| format!("('note', 'tag', x'79', x'62{at:04x}')"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let (_folder, store) = edited(&format!("INSERT INTO sealtoken_label VALUES {rows}"));
    let mut query = by_tag(Values::beginning_with("")).limit(1);
    let mut seen = Vec::new();
    loop {
        let page = block_on(store.scan(&query)).unwrap();
        seen.extend(page.records.into_iter().map(|record| record.key.id));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [b"a", b"b", b"c"]);
}

/// However many there are: each page skips some of them, and its cursor continues from there.
#[test]
fn label_rows_without_records_are_skipped_in_pages() {
    let rows = (0..5000).map(|at| format!("('note', 'tag', x'78', x'62{at:04x}')"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let (_folder, store) = edited(&format!("INSERT INTO sealtoken_label VALUES {rows}"));
    for values in [Values::beginning_with(""), Values::between("x", "zz")] {
        let mut query = by_tag(values).limit(2);
        let (mut seen, mut empty) = (Vec::new(), 0);
        loop {
            let page = block_on(store.scan(&query)).unwrap();
            empty += usize::from(page.records.is_empty());
            seen.extend(page.records.into_iter().map(|record| record.key.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [b"a", b"b", b"c"]);
        assert!((4..=5).contains(&empty), "{empty}");
    }
}

/// The label table without types.
const LOOSE_LABELS: &str = "
    ALTER TABLE sealtoken_label RENAME TO old;
    CREATE TABLE sealtoken_label
        (collection, name, value, id, PRIMARY KEY (collection, name, value, id)) WITHOUT ROWID;
    INSERT INTO sealtoken_label SELECT collection, name, value, id FROM old;
    DROP TABLE old;";

/// All records that a query finds, and the number of pages.
fn paged(store: &SqliteStore, mut query: Query) -> (Vec<Vec<u8>>, usize) {
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = block_on(store.scan(&query)).unwrap();
        pages += 1;
        assert!(pages < 40, "it does not go on");
        seen.extend(page.records.into_iter().map(|record| record.key.id));
        query.after = page.next;
        if query.after.is_none() {
            return (seen, pages);
        }
    }
}

/// However many there are: each page skips some of them, its cursor continues from there, and no
/// valid record is missed.
#[test]
fn rows_of_odd_shapes_are_skipped_in_pages() {
    let (longest, long) = ("0".repeat(512), "0".repeat(1024));
    let (next_value, next_id) = (format!("{}1", &longest[1..]), format!("{}1", &long[1..]));
    let good = [
        ("d", &*longest),
        ("e", &*next_value),
        (&*long, "y"),
        (&*next_id, "y"),
        ("f", "y~"),
    ];
    let text = |prefix: &str| format!("CAST('{prefix}' || printf('%04d', i) AS BLOB)");
    let last = |length| {
        format!(
            "CAST(x'{}' || printf('%04d', i) AS BLOB)",
            "ff".repeat(length)
        )
    };
    let y = || "x'79'".to_owned();
    let a = || "x'61'".to_owned();
    let odd = [
        (text(&longest), a()),
        (last(512), a()),
        (y(), text(&long)),
        (y(), last(1024)),
        ("x'7941'".to_owned(), text(&long)),
        (text("y"), "x''".to_owned()),
        ("x''".to_owned(), text("a")),
        // These sort before all blobs.
        (y(), "i".to_owned()),
        (y(), "'text' || i".to_owned()),
    ];
    let numbers = "WITH RECURSIVE numbers (i) AS \
        (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 2500)";
    for (value, id) in odd {
        let (_folder, store) = edited(&format!(
            "{LOOSE_LABELS} {numbers}
             INSERT INTO sealtoken_label SELECT 'note', 'tag', {value}, {id} FROM numbers"
        ));
        for (id, value) in good {
            let record = Record::new(key(id), version("g"), "good").with_label(tag(), value);
            let written = block_on(store.write(&[Change::Insert(record)]));
            assert_eq!(written, Ok(Outcome::Written));
        }
        for limit in [1, 3, 100] {
            let (seen, pages) = paged(&store, by_tag(Values::beginning_with("")).limit(limit));
            let expected = ["d", "e", "a", &long, &next_id, "b", "f", "c"];
            assert_eq!(seen, expected.map(str::as_bytes), "{limit}: {value}, {id}");
            let full = expected.len().div_ceil(usize::try_from(limit).unwrap());
            assert!(
                (full..=full + 4).contains(&pages),
                "{limit}: {value}, {id}: {pages}"
            );
            assert!(
                limit < 100 || pages > 1,
                "one page skipped all of {value}, {id}"
            );
        }
        let (seen, _) = paged(&store, by_tag(Values::exactly("y")).limit(2));
        assert_eq!(seen, [&long, &next_id, "b"].map(str::as_bytes));
    }
}

#[test]
fn records_under_odd_ids_are_skipped_in_pages() {
    let long = "0".repeat(1024);
    let next = format!("{}1", &long[1..]);
    let odd = [
        format!("CAST('{long}' || printf('%04d', i) AS BLOB)"),
        format!(
            "CAST(x'{}' || printf('%04d', i) AS BLOB)",
            "ff".repeat(1024)
        ),
    ];
    for id in odd {
        let (_folder, store) = edited(&format!(
            "WITH RECURSIVE numbers (i) AS
                 (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 2500)
             INSERT INTO sealtoken_record SELECT 'note', {id}, x'', NULL, x'', x'' FROM numbers"
        ));
        for id in [&long, &next] {
            let record = Record::new(key(id), version("g"), "good");
            let written = block_on(store.write(&[Change::Insert(record)]));
            assert_eq!(written, Ok(Outcome::Written));
        }
        for limit in [1, 3, 100] {
            let (seen, pages) = paged(&store, Query::all(notes()).limit(limit));
            let expected = [&*long, &*next, "a", "b", "c"];
            assert_eq!(seen, expected.map(str::as_bytes), "{limit}: {id}");
            let full = expected.len().div_ceil(usize::try_from(limit).unwrap());
            assert!((full..=full + 4).contains(&pages), "{limit}: {id}: {pages}");
            assert!(limit < 100 || pages > 1, "one page skipped all of {id}");
        }
    }
}

/// Each is read whole before it turns out to be no record: a page ends by the bytes that were read.
#[test]
fn large_rows_that_cannot_be_read_end_a_page() {
    let numbers =
        "WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 7)";
    let (key, good) = ("CAST('b' || i AS BLOB)", "zeroblob(16)");
    for (id, version, purge_at, labels, read) in [
        (key, "x''", "NULL", "x'00'", 8),
        (key, good, "'soon'", "x'00'", 8),
        (key, good, "NULL", "x'01'", 8),
        // Behind an overlong id, those that begin with it are skipped.
        (
            "CAST(printf('b%01024d', i) AS BLOB)",
            good,
            "NULL",
            "x'00'",
            0,
        ),
    ] {
        let (_folder, store) = edited(&format!(
            "{LOOSE} {LOOSE_LABELS}
             {numbers} INSERT INTO sealtoken_record
             SELECT 'note', {id}, {version}, {purge_at}, {labels}, zeroblob(3000000) FROM numbers;
             {numbers} INSERT INTO sealtoken_label SELECT 'note', 'tag', x'79', {id} FROM numbers"
        ));
        for query in [
            Query::all(notes()),
            by_tag(Values::beginning_with("")),
            by_tag(Values::exactly("y")),
        ] {
            let left = if query.selection == by_tag(Values::exactly("y")).selection {
                1
            } else {
                3
            };
            let (seen, pages) = paged(&store, query);
            assert!(
                pages >= if read == 0 { 2 } else { 4 },
                "{id} {version}: {pages}"
            );
            assert_eq!(
                seen.len(),
                left + read,
                "{id} {version} {purge_at} {labels}"
            );
        }
    }
}
