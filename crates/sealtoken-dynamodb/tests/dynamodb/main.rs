//! The engine in DynamoDB. Most of these tests want an emulator, which `SEALTOKEN_TEST_DYNAMODB` names: `scripts/dynamodb start` gives one.
//!
//! Without that variable they do nothing and say so. Those of faults bring an endpoint of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

mod fake;
mod faults;
mod opening;
mod stranger;

mod conformance {
    use sealtoken_dynamodb::DynamoStore;
    use sealtoken_test_servers::dynamodb::{fresh, options};

    use super::fake::{self, Fake};

    /// A store whose endpoint has gone: this one needs no emulator.
    async fn away() -> DynamoStore {
        let fake = Fake::new(|_, _| fake::ok());
        let store = options("table", &fake.url).open().await;
        store.expect("a store")
    }

    sealtoken_store::store_conformance!(contract, fresh().await, away = away().await);
}
