//! The engine in memory keeps the contract, and the suite finds stores that do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

mod faults;
mod naive;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sealtoken_store::MemoryStore;

sealtoken_store::store_conformance!(memory, MemoryStore::new());

/// A case that the macro does not name would never run.
#[test]
fn the_macro_names_every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
    let mut cases = BTreeSet::new();
    let mut mentioned = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if path.ends_with("mod.rs") {
            mentioned = text;
            continue;
        }
        if path.ends_with("fixture.rs") {
            continue;
        }
        let names = text.split("\npub(super) async fn ").skip(1);
        cases.extend(names.map(|rest| rest.split('(').next().unwrap().to_owned()));
    }
    assert!(cases.len() >= 60, "{}", cases.len());
    let words: BTreeSet<&str> = mentioned.split_whitespace().collect();
    for case in &cases {
        // The case for an engine that is away is named separately in the macro.
        let named = words.contains(case.as_str()) || mentioned.contains(&format!("fn {case}()"));
        assert!(named, "{case} is not in the macro");
    }
}
