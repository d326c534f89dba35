//! What an attacker does to the file never causes a panic.

mod file;
mod labels;
mod records;
mod strays;

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

/// The version of the record with this id.
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
fn every_call(store: &SqliteStore) -> Vec<Result<(), StoreError>> {
    let ids = ["a", "b", "c"].map(key);
    let many: Vec<_> = ids.iter().cycle().take(40).cloned().collect();
    block_on(async {
        let mut results = vec![
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
            results.push(store.write(&[change]).await.map(drop));
        }
        results.push(
            store
                .purge(&notes(), UnixTime::from_secs(8), 10)
                .await
                .map(drop),
        );
        results
    })
}

/// The numbers of records and of label rows.
fn rows(folder: &TempDir) -> (i64, i64) {
    let count =
        "SELECT (SELECT count(*) FROM sealtoken_record), (SELECT count(*) FROM sealtoken_label)";
    let bare = bare(&folder.path().join("store.db"));
    bare.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}
