//! What the README says of the package, against the package.

use std::collections::BTreeSet;
use std::fs;

fn file(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The names on the left of `=` in `[features]`.
fn features_of_the_manifest() -> BTreeSet<String> {
    let manifest = file("Cargo.toml");
    let (_, rest) = manifest.split_once("\n[features]\n").unwrap();
    let (table, _) = rest.split_once("\n[").unwrap();
    let names = table.lines().filter(|line| !line.starts_with('#'));
    names
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The first column of the table under "Features".
fn features_of_the_readme() -> BTreeSet<String> {
    let readme = file("README.md");
    let (_, rest) = readme
        .split_once("\n## Features\n")
        .expect("a section Features");
    let table = rest.split("\n## ").next().unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `"));
    cells
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn the_table_of_features_lists_the_features_that_there_are() {
    let features = features_of_the_manifest();
    assert!(features.contains("default") && features.contains("cli"));
    assert_eq!(features_of_the_readme(), features);
}

#[test]
fn the_commands_of_a_newcomer_are_named() {
    let readme = file("README.md");
    for command in ["cargo run --example password_reset", "cargo test"] {
        assert!(readme.contains(command), "{command}");
    }
    assert!(file("Cargo.toml").contains("rust-version = \"1.89\"") && readme.contains("1.89"));
}

#[test]
fn the_internal_keys_in_use_are_listed_in_the_format() {
    let listed = file("docs/format.md");
    let source = file("src/keys/purpose.rs");
    let (_, rest) = source.split_once("sealtoken v1 internal").unwrap();
    let name = rest.split('"').nth(4).unwrap();
    assert_eq!(name, "nonce");
    assert!(listed.contains("`nonce`") || listed.contains("\"nonce\""));
}
