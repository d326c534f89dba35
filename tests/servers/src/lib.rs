//! Databases for tests: a schema, a server or a table for one test, removed when it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs,
    missing_debug_implementations
)]

#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "postgres")]
pub mod proxy;

use std::io::Write as _;
use std::sync::Once;

/// The server that a variable names. If it names none, the skip is reported once, past the test
/// harness.
#[cfg_attr(not(any(feature = "dynamodb", feature = "postgres")), allow(dead_code))]
fn named(variable: &str, reported: &Once, skipped: &str) -> Option<String> {
    // A script that failed leaves the variable empty.
    let named = std::env::var(variable).ok().filter(|url| !url.is_empty());
    if named.is_none() {
        reported.call_once(|| {
            let _ = writeln!(std::io::stderr(), "\n{skipped}");
        });
    }
    named
}
