//! The statements.
//!
//! Writing one record is one statement, so it needs no transaction around it.
//!
//! A plan is kept while the tables grow, so it must not depend on their size: a statement finds
//! rows by the whole primary key, and leaves the planner no other way. `LATERAL (... LIMIT 1)` is
//! such a fence. Removals have none: there, all columns of the key come from one list, which the
//! planner expects to be short.

mod read;
mod write;

use sealtoken_store::Limits;
use tokio_postgres::types::Type;

pub(super) use read::{COUNT, COUNT_LABEL, GET, GET_MANY, PAGE, PAGE_LABEL, VERSIONS};
pub(super) use write::{INSERT, INSERT_BARE, PURGE, REMOVE, REPLACE, REPLACE_BODY};

/// What a row can hold.
pub(super) const LIMITS: Limits = Limits {
    max_body: 4 * 1024 * 1024,
    max_batch: 1000,
    durable: true,
};

/// A statement, and the types of its parameters.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: &'static str,
    pub(super) types: &'static [Type],
}
