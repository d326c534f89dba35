//! A PostgreSQL database as a store for `sealtoken`.
//!
//! [`PostgresStore`] keeps the records of the vault and of personal access tokens. It sees ids,
//! labels and sealed bodies, but no plaintext.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod fault;
mod lease;
mod migrate;
mod options;
mod pipeline;
mod read;
mod retired;
mod retry;
mod schema;
mod sql;
mod store;
mod tls;
mod url;
mod write;

pub use options::PostgresOptions;
pub use store::PostgresStore;
