//! The vault and personal access tokens on every engine that is compiled in.
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
mod engine;
mod faulty;
mod histories;
mod intercept;
mod lagging;
mod limiters;
mod pat;
mod records;
#[path = "../suite/sources.rs"]
mod sources;
mod vault;

/// Prints which tests this build skips. Written past the test harness, which would capture it.
#[cfg(not(feature = "sqlite"))]
#[test]
fn this_build_reports_that_it_skips_sqlite() {
    use std::io::Write as _;

    let said = writeln!(
        std::io::stderr(),
        "\n!!!!!!!! SKIPPED: the tests of SQLite, which need a C compiler: \
         cargo test --workspace --all-features"
    );
    assert!(said.is_ok());
}

/// Prints which tests this build skips. Written past the test harness, which would capture it.
#[cfg(not(feature = "dynamodb"))]
#[test]
fn this_build_reports_that_it_skips_dynamodb() {
    use std::io::Write as _;

    let said = writeln!(
        std::io::stderr(),
        "\n!!!!!!!! SKIPPED: the tests of DynamoDB: cargo test --workspace --all-features, \
         with an emulator in SEALTOKEN_TEST_DYNAMODB (scripts/dynamodb starts one)"
    );
    assert!(said.is_ok());
}

/// Prints which tests this build skips. Written past the test harness, which would capture it.
#[cfg(not(feature = "postgres"))]
#[test]
fn this_build_reports_that_it_skips_postgresql() {
    use std::io::Write as _;

    let said = writeln!(
        std::io::stderr(),
        "\n!!!!!!!! SKIPPED: the tests of PostgreSQL: cargo test --workspace --all-features, \
         with a server in SEALTOKEN_TEST_POSTGRES (scripts/postgres starts one)"
    );
    assert!(said.is_ok());
}
