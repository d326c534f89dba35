//! Benchmarks of sealtoken. `cargo bench -p sealtoken-benches --all-features`; those beside other libraries are in `peers/`.
