//! The schema: files whose tables belong to another program, or to another version.

use std::path::Path;

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{
    Change, Collection, Outcome, Query, Record, RecordKey, Store as _, StoreError, Version,
};
use sealtoken_time::UnixTime;

use super::attacker::bare;
use super::{block_on, folder, open};

fn notes() -> Collection {
    Collection::new("note").unwrap()
}

fn insert(store: &SqliteStore, id: &str) -> Result<Outcome, StoreError> {
    let key = RecordKey::new(notes(), id);
    let record = Record::new(key, Version::draw().unwrap(), id);
    block_on(store.write(&[Change::Insert(record)]))
}

fn purge(store: &SqliteStore) -> Result<u32, StoreError> {
    block_on(store.purge(&notes(), UnixTime::from_secs(1), 1))
}

fn broken(table: &str) -> StoreError {
    let table = table.into();
    StoreError::BrokenSchema { table }
}

/// The schema of the file, as text.
fn tables(path: &Path) -> Vec<String> {
    let bare = bare(path);
    let mut statement = bare
        .prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn tables_of_other_programs_are_named_and_left_alone() {
    for table in ["sealtoken_schema", "sealtoken_record", "sealtoken_label"] {
        let folder = folder();
        let path = folder.path().join("app.db");
        bare(&path)
            .execute_batch(&format!("CREATE TABLE {table} (name)"))
            .unwrap();
        let before = tables(&path);
        for migrate in [true, false] {
            let opened = block_on(SqliteStore::options(&path).migrate(migrate).open());
            assert_eq!(opened.map(drop), Err(broken(table)), "{migrate}");
        }
        assert_eq!(tables(&path), before);
    }
}

#[test]
fn a_schema_that_is_not_whole_is_named_when_it_is_opened() {
    let record = "CREATE TABLE sealtoken_record (collection, id, version, purge_at, labels, body)";
    let label = "CREATE TABLE sealtoken_label (collection, name, value, id)";
    let edits = [
        ("sealtoken_schema", "DELETE FROM sealtoken_schema"),
        ("sealtoken_schema", "DROP TABLE sealtoken_schema"),
        ("sealtoken_record", "DROP TABLE sealtoken_record"),
        ("sealtoken_label", "DROP TABLE sealtoken_label"),
        (
            "sealtoken_record",
            "ALTER TABLE sealtoken_record RENAME COLUMN body TO content",
        ),
        (
            "sealtoken_record",
            "ALTER TABLE sealtoken_record ADD COLUMN more INTEGER NOT NULL DEFAULT 7",
        ),
        // Without a key, nothing tells their rows apart.
        (
            "sealtoken_record",
            &format!("DROP TABLE sealtoken_record; {record}"),
        ),
        (
            "sealtoken_label",
            &format!("DROP TABLE sealtoken_label; {label}"),
        ),
        (
            "sealtoken_record",
            "ALTER TABLE sealtoken_record RENAME TO hidden; \
             CREATE VIEW sealtoken_record AS SELECT * FROM hidden",
        ),
    ];
    for (table, edit) in edits {
        let folder = folder();
        let path = folder.path().join("store.db");
        drop(open(&path).unwrap());
        bare(&path).execute_batch(edit).unwrap();
        for migrate in [true, false] {
            let opened = block_on(SqliteStore::options(&path).migrate(migrate).open());
            assert_eq!(opened.map(drop), Err(broken(table)), "{edit}");
        }
    }
}

#[test]
fn a_table_that_goes_while_the_file_is_open_is_named() {
    for table in ["sealtoken_schema", "sealtoken_record", "sealtoken_label"] {
        let folder = folder();
        let path = folder.path().join("store.db");
        let store = open(&path).unwrap();
        assert_eq!(insert(&store, "a"), Ok(Outcome::Written));
        bare(&path)
            .execute_batch(&format!("DROP TABLE {table}"))
            .unwrap();
        let counted = block_on(store.count(&Query::all(notes())));
        if table == "sealtoken_record" {
            assert_eq!(counted, Err(broken(table)));
            let read = block_on(store.get(&RecordKey::new(notes(), "a")));
            assert_eq!(read, Err(broken(table)));
        }
        if table != "sealtoken_label" {
            assert_eq!(insert(&store, "b"), Err(broken(table)));
            assert_eq!(purge(&store), Err(broken(table)));
        }
    }
}

#[test]
fn a_schema_without_its_number_is_written_no_more() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    bare(&path)
        .execute_batch("DELETE FROM sealtoken_schema")
        .unwrap();
    assert_eq!(insert(&store, "a"), Err(broken("sealtoken_schema")));
}

#[test]
fn a_file_that_a_newer_version_upgraded_is_not_written() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    assert_eq!(insert(&store, "before"), Ok(Outcome::Written));
    let newer = bare(&path);
    newer
        .execute_batch("INSERT INTO sealtoken_schema VALUES (99, 0)")
        .unwrap();
    let known = u32::try_from(SqliteStore::migrations().len()).unwrap();
    let error = StoreError::Schema { found: 99, known };
    assert_eq!(insert(&store, "after"), Err(error.clone()));
    assert_eq!(purge(&store), Err(error));
    assert_eq!(block_on(store.count(&Query::all(notes()))), Ok(1));
    newer
        .execute_batch("DELETE FROM sealtoken_schema WHERE number = 99")
        .unwrap();
    assert_eq!(insert(&store, "after"), Ok(Outcome::Written));
}
