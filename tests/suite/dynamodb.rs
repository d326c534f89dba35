//! The engine in DynamoDB. Most of these tests want an emulator, which `SEALTOKEN_TEST_DYNAMODB` names: `scripts/dynamodb start` gives one.
//!
//! Without that variable they do nothing and say so. Those of faults bring an endpoint of their own.

mod fake;
mod faults;
mod opening;
#[cfg(all(feature = "import", feature = "pat"))]
mod original;
pub(crate) mod server;
mod stranger;

#[cfg(feature = "unstable-conformance")]
mod conformance {
    use super::server::{away, fresh};

    sealtoken::store_conformance!(contract, fresh().await, away = away().await);
}
