//! SQLite: the contract, and what it owes beyond it.

mod opening;
mod stranger;

use sealtoken::store::SqliteStore;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A store in a directory of its own, which goes with it.
async fn fresh() -> (SqliteStore, TempDir) {
    let folder = folder();
    let store = SqliteStore::open(folder.path().join("store.db")).await;
    (store.unwrap(), folder)
}

sealtoken::store_conformance!(contract, fresh().await, away = stranger::away().await);
