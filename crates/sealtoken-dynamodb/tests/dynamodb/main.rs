//! Tests of the engine. Most need an emulator at the address that `SEALTOKEN_TEST_DYNAMODB` names.
//! `scripts/dynamodb start` starts one.
//!
//! Without that variable they are skipped, and say so. Those of faults use an endpoint of their
//! own.
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
mod fake;
mod faults;
mod opening;

mod conformance {
    use sealtoken_dynamodb::DynamoStore;
    use sealtoken_test_servers::dynamodb::{fresh, options};

    use super::fake::{self, Fake};

    /// A store whose endpoint is gone, which needs no emulator.
    async fn away() -> DynamoStore {
        let fake = Fake::new(|_, _| fake::ok());
        let store = options("table", &fake.url).open().await;
        store.expect("a store")
    }

    sealtoken_store::store_conformance!(contract, fresh().await, away = away().await);
}
