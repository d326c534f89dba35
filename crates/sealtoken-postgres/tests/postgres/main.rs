//! Tests of the engine on the server that `SEALTOKEN_TEST_POSTGRES` names. `scripts/postgres start`
//! starts one.
//!
//! Without that variable the tests are skipped, and say so.
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
mod away;
mod connections;
mod labels;
mod opening;

mod conformance {
    use sealtoken_test_servers::postgres::{fresh, gone, unprepared};

    sealtoken_store::store_conformance!(
        read_committed,
        fresh("read committed").await,
        away = gone().await
    );
    sealtoken_store::store_conformance!(
        serializable_without_prepared_statements,
        unprepared("serializable").await
    );
}
