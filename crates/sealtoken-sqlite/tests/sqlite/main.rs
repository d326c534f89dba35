//! SQLite: the contract, and what is special about this engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

mod attacker;
#[cfg(target_os = "linux")]
mod locks;
mod opening;
#[cfg(unix)]
mod replaced;
mod schema;
mod waiting;

use std::path::Path;

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::StoreError;
use tempfile::TempDir;
use tokio::runtime::Builder;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn open(path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
    block_on(SqliteStore::open(path))
}

/// A store in its own directory, which is removed with it.
async fn fresh() -> (SqliteStore, TempDir) {
    let folder = folder();
    let store = SqliteStore::open(folder.path().join("store.db")).await;
    (store.unwrap(), folder)
}

sealtoken_store::store_conformance!(contract, fresh().await, away = attacker::away().await);
