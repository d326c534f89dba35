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

mod api;
mod cargo_map;
mod codec;
mod compile_fail;
mod foreign;
mod keys;
mod layers;
mod model;
mod mutations;
mod portable;
mod properties;
mod readme;
mod rotation;
mod sealed_again;
mod sealed_lies;
mod sealed_opens;
mod sources;
mod states;
mod vectors;
