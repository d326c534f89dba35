//! A DynamoDB table as a store for `sealtoken`: one item for each record, and one for each label.
//!
//! [`DynamoStore`] keeps the records of the vault and of personal access tokens. It sees ids,
//! labels and sealed bodies, but no plaintext.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod condition;
mod fault;
mod item;
mod layout;
mod merge;
mod options;
mod plan;
mod purge;
mod read;
mod retry;
mod scan;
mod send;
mod shape;
mod span;
mod store;
mod table;
mod template;
mod write;

pub use options::DynamoOptions;
pub use store::DynamoStore;
