//! An SQLite file as a store for `sealtoken`.
//!
//! [`SqliteStore`] keeps the records of the vault and of personal access tokens. It sees ids,
//! labels and sealed bodies, but no plaintext.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod alarm;
mod connections;
mod fault;
mod file;
mod migrate;
mod options;
mod pool;
mod purge;
mod read;
mod row;
mod scan;
mod schema;
mod store;
mod transaction;
mod write;

pub use options::SqliteOptions;
pub use store::SqliteStore;
