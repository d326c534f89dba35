//! What an attacker does to the file never causes a panic.

use std::fs;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{
    Change, Collection, LabelName, Outcome, Query, Record, RecordKey, Store as _, StoreError,
    Values, Version,
};
use sealtoken_time::UnixTime;
use tempfile::TempDir;

use super::{block_on, folder};

/// Another connection to the file, as an attacker would use it.
pub(super) fn bare(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// A store whose log was truncated after it was opened, so that none of its pages can be read.
pub(super) async fn away() -> (SqliteStore, (TempDir, Connection)) {
    let folder = folder();
    let path = folder.path().join("store.db");
    let first = SqliteStore::open(&path).await.unwrap();
    // The attacker's connection keeps the log in place.
    let attacker = bare(&path);
    let _: i64 = attacker
        .query_row("SELECT count(*) FROM sealtoken_record", [], |row| {
            row.get(0)
        })
        .unwrap();
    drop(first);
    let store = SqliteStore::open(&path).await.unwrap();
    let log = OpenOptions::new()
        .write(true)
        .open(folder.path().join("store.db-wal"));
    log.unwrap().set_len(0).unwrap();
    (store, (folder, attacker))
}

fn notes() -> Collection {
    Collection::new("note").unwrap()
}

fn tag() -> LabelName {
    LabelName::new("tag").unwrap()
}

fn key(id: &str) -> RecordKey {
    RecordKey::new(notes(), id)
}

fn by_tag(values: Values) -> Query {
    Query::label(notes(), tag(), values)
}

/// The key of the record with this id.
fn version(id: &str) -> Version {
    Version::from_bytes([id.as_bytes()[0]; 16])
}

/// A file with the records `a`, `b` and `c` under the labels `x`, `y` and `z`, with its store
/// closed.
fn filled() -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("store.db");
    block_on(async {
        let store = SqliteStore::open(&path).await.unwrap();
        let batch = [("a", "x"), ("b", "y"), ("c", "z")].map(|(id, label)| {
            let record = Record::new(key(id), version(id), id);
            let record = record.with_label(tag(), label);
            Change::Insert(record.with_purge_at(UnixTime::from_secs(7)))
        });
        assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
    });
    (folder, path)
}

/// The same tables without types: an attacker is not bound by a schema.
const LOOSE: &str = "
    ALTER TABLE sealtoken_record RENAME TO old;
    CREATE TABLE sealtoken_record
        (collection, id, version, purge_at, labels, body, UNIQUE (collection, id));
    INSERT INTO sealtoken_record SELECT collection, id, version, purge_at, labels, body FROM old;
    DROP TABLE old;";

fn edited(sql: &str) -> (TempDir, SqliteStore) {
    let (folder, path) = filled();
    bare(&path).execute_batch(sql).unwrap();
    let store = block_on(SqliteStore::open(&path)).unwrap();
    (folder, store)
}

/// The result of each call, in short.
fn everything(store: &SqliteStore) -> Vec<Result<(), StoreError>> {
    let ids = ["a", "b", "c"].map(key);
    let many: Vec<_> = ids.iter().cycle().take(40).cloned().collect();
    block_on(async {
        let mut said = vec![
            store.get(&ids[1]).await.map(drop),
            store.get_many(&ids).await.map(drop),
            store.get_many(&many).await.map(drop),
            store.scan(&Query::all(notes())).await.map(drop),
            store
                .scan(&by_tag(Values::beginning_with("")))
                .await
                .map(drop),
            store.scan(&by_tag(Values::exactly("y"))).await.map(drop),
            store.count(&Query::all(notes())).await.map(drop),
            store.count(&by_tag(Values::exactly("y"))).await.map(drop),
        ];
        let record = Record::new(key("b"), Version::draw().unwrap(), "new").with_label(tag(), "x");
        for change in [
            Change::Insert(record.clone()),
            Change::Replace {
                record: record.clone(),
                expected: record.version,
            },
            Change::Remove {
                key: key("b"),
                expected: None,
            },
        ] {
            said.push(store.write(&[change]).await.map(drop));
        }
        said.push(
            store
                .purge(&notes(), UnixTime::from_secs(8), 10)
                .await
                .map(drop),
        );
        said
    })
}

/// Edits that an attacker may make to a row, one at a time.
const EDITS: [&str; 19] = [
    "version = x'00'",
    "version = zeroblob(17)",
    "version = zeroblob(1000000)",
    "version = 'sixteen letters!'",
    "version = NULL",
    "version = 7",
    "purge_at = 'soon'",
    "purge_at = 1.5",
    "purge_at = x'07'",
    "purge_at = zeroblob(1000000)",
    "labels = x''",
    "labels = x'01'",
    "labels = zeroblob(100)",
    "labels = zeroblob(1000000)",
    "labels = NULL",
    "labels = labels || x'00'",
    "body = 'text'",
    "body = NULL",
    "body = zeroblob(5000000)",
];

fn broken(edit: &str) -> (TempDir, SqliteStore) {
    edited(&format!(
        "{LOOSE} UPDATE sealtoken_record SET {edit} WHERE id = x'62'"
    ))
}

/// The numbers of records and of label rows.
fn rows(folder: &TempDir) -> (i64, i64) {
    let count =
        "SELECT (SELECT count(*) FROM sealtoken_record), (SELECT count(*) FROM sealtoken_label)";
    let bare = bare(&folder.path().join("store.db"));
    bare.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

#[test]
fn a_broken_row_cannot_be_read_and_hides_no_other() {
    let ids = ["a", "b", "c"].map(key);
    let many: Vec<_> = ids.iter().cycle().take(40).cloned().collect();
    let shown = |record: Option<Record>| record.map(|record| record.version.as_bytes() == &[0; 16]);
    for edit in EDITS {
        let (_folder, store) = broken(edit);
        block_on(async {
            let read = store.get(&ids[1]).await.unwrap().unwrap();
            let empty = Record::new(key("b"), Version::from_bytes([0; 16]), []);
            assert_eq!(read, empty, "{edit}");
            for keys in [&ids[..], &many] {
                let read = store.get_many(keys).await.unwrap();
                let read: Vec<_> = read.into_iter().map(shown).collect();
                let expected = [Some(false), Some(true), Some(false)];
                assert_eq!(read[..3], expected, "{edit}");
                assert_eq!(read.len(), keys.len());
            }
            let by_label = by_tag(Values::beginning_with(""));
            for query in [Query::all(notes()), by_label] {
                let page = store.scan(&query).await.unwrap().records;
                let read: Vec<_> = page.into_iter().map(|record| shown(Some(record))).collect();
                assert_eq!(read, [Some(false), Some(true), Some(false)], "{edit}");
                assert_eq!(store.count(&query).await, Ok(3), "{edit}");
            }
        });
        let said = everything(&store);
        assert!(said.iter().all(Result::is_ok), "{edit}: {said:?}");
    }
}

#[test]
fn a_broken_row_is_a_conflict_and_stops_no_other_change() {
    for edit in EDITS {
        let (_folder, store) = broken(edit);
        let record = |id| Record::new(key(id), Version::draw().unwrap(), "new");
        let Ok(Outcome::Conflict { index, current }) =
            block_on(store.write(&[Change::Insert(record("d")), Change::Insert(record("b"))]))
        else {
            panic!("{edit}: it is taken")
        };
        assert_eq!((index, current.unwrap().body), (1, vec![]), "{edit}");
        let inserted = block_on(store.write(&[Change::Insert(record("d"))]));
        assert_eq!(inserted, Ok(Outcome::Written), "{edit}");
    }
}

#[test]
fn a_broken_row_can_be_removed_with_all_that_leads_to_it() {
    for edit in EDITS {
        let (folder, store) = broken(edit);
        let remove = Change::Remove {
            key: key("b"),
            expected: None,
        };
        let removed = block_on(store.write(&[remove]));
        assert_eq!(removed, Ok(Outcome::Written), "{edit}");
        assert_eq!(block_on(store.get(&key("b"))), Ok(None), "{edit}");
        assert_eq!(rows(&folder), (2, 2), "{edit}");
    }
}

#[test]
fn a_broken_row_fits_no_version_that_is_expected() {
    for edit in EDITS {
        let (folder, store) = broken(edit);
        let before = rows(&folder);
        let read = block_on(store.get(&key("b"))).unwrap().unwrap();
        let key = || key("b");
        let record = Record::new(key(), Version::draw().unwrap(), "new");
        // Neither the version that is shown nor the one it had.
        for expected in [read.version, version("b")] {
            let record = record.clone();
            let remove = Change::Remove {
                key: key(),
                expected: Some(expected),
            };
            for change in [remove, Change::Replace { record, expected }] {
                let conflict = Outcome::Conflict {
                    index: 0,
                    current: Some(read.clone()),
                };
                assert_eq!(block_on(store.write(&[change])), Ok(conflict), "{edit}");
                assert_eq!(rows(&folder), before, "{edit}");
            }
        }
    }
}

#[test]
fn a_record_that_is_due_is_purged_however_corrupt_it_is() {
    for edit in EDITS {
        let (folder, store) = broken(edit);
        let purged = block_on(store.purge(&notes(), UnixTime::from_secs(8), 10));
        // A moment that is no number sorts after all numbers.
        let odd = ["'soon'", "x'07'", "zeroblob(1000000)"];
        let is_odd = edit.starts_with("purge_at") && odd.iter().any(|odd| edit.ends_with(odd));
        let kept = i64::from(is_odd);
        assert_eq!(purged, Ok(3 - u32::try_from(kept).unwrap()), "{edit}");
        assert_eq!(rows(&folder), (kept, kept), "{edit}");
    }
    let (folder, store) = broken("id = 'text'");
    let purged = block_on(store.purge(&notes(), UnixTime::from_secs(8), 10));
    assert_eq!((purged, rows(&folder).0), (Ok(3), 0));
}

#[test]
fn a_row_that_no_key_leads_to_hides_none() {
    for id in ["zeroblob(1025)", "x''", "'text'", "7"] {
        let edit = format!("{LOOSE} UPDATE sealtoken_record SET id = {id} WHERE id = x'62'");
        let (_folder, store) = edited(&edit);
        let scanned = block_on(store.scan(&Query::all(notes()))).unwrap().records;
        let ids: Vec<_> = scanned.into_iter().map(|record| record.key.id).collect();
        assert_eq!(ids, [b"a", b"c"], "{id}");
        let said = everything(&store);
        assert!(said.iter().all(Result::is_ok), "{id}: {said:?}");
    }
    for length in [513, 70_000] {
        let (_folder, store) = edited(&format!(
            "INSERT INTO sealtoken_label VALUES ('note', 'tag', zeroblob({length}), x'61')"
        ));
        let scanned = block_on(store.scan(&by_tag(Values::beginning_with("")))).unwrap();
        assert_eq!(scanned.records.len(), 3, "{length}");
        let said = everything(&store);
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

/// The row lists other labels than those that lead to it. When it is removed, those stay, and lead
/// nowhere.
#[test]
fn label_rows_that_a_changed_record_leaves_behind_are_not_found() {
    // One label, from the sixth byte on.
    let other = "UPDATE sealtoken_record SET labels = x'01000603000174616771' WHERE id = x'62'";
    for purges in [false, true] {
        let (folder, store) = edited(other);
        block_on(async {
            if purges {
                let purged = store.purge(&notes(), UnixTime::from_secs(8), 10).await;
                assert_eq!(purged, Ok(3));
            } else {
                let b = store.get(&key("b")).await.unwrap().unwrap();
                assert_eq!(b.labels[0].value, b"q");
                let remove = Change::Remove {
                    key: key("b"),
                    expected: Some(b.version),
                };
                assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written));
            }
            let left = if purges { 0 } else { 2 };
            assert_eq!(rows(&folder), (left, left + 1), "its own row stays");
            for (values, left) in [
                (Values::exactly("y"), 0),
                (Values::between("x", "z"), left / 2),
                (Values::beginning_with(""), left),
            ] {
                let query = by_tag(values);
                let found = store.scan(&query).await.unwrap().records.len();
                assert_eq!(i64::try_from(found), Ok(left), "{query:?}");
                // The index counts its own rows.
                let count = store.count(&query).await.unwrap();
                assert_eq!(i64::try_from(count), Ok(left + 1), "{query:?}");
            }
            let again = Record::new(key("b"), Version::draw().unwrap(), "b").with_label(tag(), "y");
            let written = store.write(&[Change::Insert(again.clone())]).await;
            assert_eq!(written, Ok(Outcome::Written));
            let query = by_tag(Values::exactly("y"));
            assert_eq!(store.scan(&query).await.unwrap().records, [again]);
            assert_eq!(store.count(&query).await, Ok(1));
        });
    }
}

#[test]
fn a_label_row_that_leads_to_another_record_gives_it_as_its_own_row_says() {
    let (_folder, store) =
        edited("INSERT INTO sealtoken_label VALUES ('note', 'tag', x'79', x'61')");
    let page = block_on(store.scan(&by_tag(Values::exactly("y")))).unwrap();
    let labels: Vec<_> = page
        .records
        .iter()
        .map(|r| r.labels[0].value.clone())
        .collect();
    assert_eq!(labels, [b"x", b"y"]);
    // It blocks no write: one adds the label to the record, and one removes it.
    let a = page.records[0].clone();
    let next = Record {
        version: Version::draw().unwrap(),
        labels: Vec::new(),
        ..a.clone()
    };
    let next = next.with_label(tag(), "y");
    let replace = |record: Record, before: &Record| Change::Replace {
        record,
        expected: before.version,
    };
    let written = block_on(store.write(&[replace(next.clone(), &a)]));
    assert_eq!(written, Ok(Outcome::Written));
    let written = block_on(store.write(&[replace(a, &next)]));
    assert_eq!(written, Ok(Outcome::Written));
    let page = block_on(store.scan(&by_tag(Values::exactly("y")))).unwrap();
    assert_eq!(page.records.len(), 1);
}

#[test]
fn missing_label_rows_hinder_no_change() {
    let (_folder, store) = edited("DELETE FROM sealtoken_label");
    assert!(everything(&store).iter().all(Result::is_ok));
    assert_eq!(block_on(store.count(&Query::all(notes()))), Ok(0));
}

#[test]
fn triggers_and_views_of_an_attacker_are_not_run() {
    let (_folder, store) = edited(
        "CREATE TRIGGER t AFTER UPDATE ON sealtoken_record BEGIN DELETE FROM sealtoken_record; END;
         CREATE TRIGGER u AFTER INSERT ON sealtoken_label BEGIN DELETE FROM sealtoken_label; END;",
    );
    let before = block_on(store.get(&key("a"))).unwrap().unwrap();
    let record = Record::new(key("a"), Version::draw().unwrap(), "new").with_label(tag(), "new");
    let expected = before.version;
    let written = block_on(store.write(&[Change::Replace { record, expected }]));
    assert_eq!(written, Ok(Outcome::Written));
    assert_eq!(block_on(store.count(&Query::all(notes()))), Ok(3));
    assert_eq!(
        block_on(store.count(&by_tag(Values::beginning_with("")))),
        Ok(3)
    );
}

/// Pseudorandom numbers, the same each time.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[test]
fn a_file_with_changed_bytes_is_no_panic() {
    let (folder, path) = filled();
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for seed in 0..150 {
        let mut number = numbers(seed);
        let mut bytes = whole.clone();
        match seed % 3 {
            // Much of the file is empty, so a single byte would seldom matter.
            0 => (0..40)
                .for_each(|_| bytes[number(whole.len())] = u8::try_from(number(256)).unwrap()),
            1 => bytes.truncate(number(whole.len())),
            _ => {
                let page = number(whole.len() / 4096) * 4096;
                let begin = page + number(200);
                (0..20).for_each(|at| bytes[begin + at] = u8::try_from(number(256)).unwrap());
            }
        }
        let path = folder.path().join(format!("{seed}.db"));
        fs::write(&path, bytes).unwrap();
        match block_on(SqliteStore::open(&path)) {
            Err(_) => refused += 1,
            Ok(store) => refused += usize::from(everything(&store).iter().any(Result::is_err)),
        }
    }
    assert!(
        (25..=150).contains(&refused),
        "{refused} of 150 were refused"
    );
}
