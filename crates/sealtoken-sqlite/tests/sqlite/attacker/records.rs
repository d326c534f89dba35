//! Corrupt rows of records.

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{Change, Outcome, Query, Record, Store as _, Values, Version};
use sealtoken_time::UnixTime;
use tempfile::TempDir;

use super::super::block_on;
use super::{LOOSE, by_tag, edited, every_call, key, notes, rows, version};

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
        let said = every_call(&store);
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
