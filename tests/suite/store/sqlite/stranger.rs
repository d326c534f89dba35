//! What someone else does to the file: nothing of it is a panic.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::Connection;
use sealtoken::store::{Change, SqliteStore, Store as _};
use tempfile::TempDir;

use super::folder;

/// Another connection to the file, as a stranger has one.
pub(super) fn bare(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// A store whose log was cut off under it, after it was opened: no page that stands in it can be read.
pub(super) async fn away() -> (SqliteStore, (TempDir, Connection)) {
    let folder = folder();
    let path = folder.path().join("store.db");
    let first = SqliteStore::open(&path).await.unwrap();
    // The stranger's connection keeps the log in its place.
    let stranger = bare(&path);
    let _: i64 = stranger
        .query_row("SELECT count(*) FROM sealtoken_record", [], |row| row.get(0))
        .unwrap();
    drop(first);
    let store = SqliteStore::open(&path).await.unwrap();
    let log = OpenOptions::new().write(true).open(folder.path().join("store.db-wal"));
    log.unwrap().set_len(0).unwrap();
    (store, (folder, stranger))
}
