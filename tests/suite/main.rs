//! Everything that can be seen through the public API. Run with `cargo test`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

mod cargo_map;
#[cfg(feature = "cli")]
mod cli;
mod codec;
mod compile_fail;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(any(feature = "pat", feature = "vault"))]
mod engine;
#[cfg(any(feature = "pat", feature = "vault"))]
mod faulty;
#[cfg(any(feature = "pat", feature = "vault"))]
mod front;
#[cfg(any(feature = "pat", feature = "vault"))]
mod histories;
#[cfg(feature = "import")]
mod import;
#[cfg(feature = "import")]
mod import_access_tokens;
#[cfg(feature = "import")]
mod import_vaultstore;
mod keys;
#[cfg(any(feature = "pat", feature = "vault"))]
mod lagging;
mod layers;
#[cfg(any(feature = "pat", feature = "vault"))]
mod limiters;
mod model;
mod mutations;
#[cfg(feature = "pat")]
mod pat;
#[cfg(feature = "postgres")]
mod postgres;
mod properties;
mod readme;
mod rotation;
mod sealed_again;
mod sealed_lies;
mod sealed_opens;
mod states;
#[cfg(feature = "unstable-conformance")]
mod store;
#[cfg(feature = "vault")]
mod vault;
mod vectors;

/// As below.
#[cfg(all(feature = "store", not(feature = "dynamodb")))]
#[test]
fn this_build_says_that_it_leaves_dynamodb_out() {
    use std::io::Write as _;

    let said = writeln!(
        std::io::stderr(),
        "\n!!!!!!!! SKIPPED: the tests of DynamoDB: cargo test --features dynamodb,vault, with an emulator in SEALTOKEN_TEST_DYNAMODB (scripts/dynamodb starts one)"
    );
    assert!(said.is_ok());
}

/// What this build leaves out is said past the test harness, which would keep it to itself.
#[cfg(all(feature = "store", not(feature = "postgres")))]
#[test]
fn this_build_says_that_it_leaves_postgresql_out() {
    use std::io::Write as _;

    let said = writeln!(
        std::io::stderr(),
        "\n!!!!!!!! SKIPPED: the tests of PostgreSQL: cargo test --features postgres,vault, with a server in SEALTOKEN_TEST_POSTGRES (scripts/postgres starts one)"
    );
    assert!(said.is_ok());
}
