//! The engine in PostgreSQL, on the server that `SEALTOKEN_TEST_POSTGRES` names: `scripts/postgres start` gives one.
//!
//! Without that variable these tests do nothing and say so.

mod away;
mod connections;
mod labels;
mod opening;
mod proxy;
pub(crate) mod server;

#[cfg(feature = "unstable-conformance")]
mod conformance {
    use super::server::{fresh, gone, unprepared};

    sealtoken::store_conformance!(
        read_committed,
        fresh("read committed").await,
        away = gone().await
    );
    sealtoken::store_conformance!(
        serializable_without_prepared_statements,
        unprepared("serializable").await
    );
}
