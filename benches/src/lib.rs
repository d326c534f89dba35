//! Benchmarks of sealtoken: `cargo bench -p sealtoken-benches --all-features`.
//!
//! The package in `peers/` compares sealtoken with other libraries.
