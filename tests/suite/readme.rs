//! What the documents say of the package is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::sources;

fn file(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The names in the manifest's `[features]`.
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
fn the_table_of_features_lists_exactly_the_manifests_features() {
    let features = features_of_the_manifest();
    assert!(features.contains("default") && features.contains("pat"));
    assert_eq!(features_of_the_readme(), features);
}

#[test]
fn the_readme_names_the_first_commands_and_the_minimum_rust_version() {
    let readme = file("README.md");
    for command in ["cargo run --example password_reset", "cargo test"] {
        assert!(readme.contains(command), "{command}");
    }
    assert!(file("Cargo.toml").contains("rust-version = \"1.89\"") && readme.contains("1.89"));
}

/// The names in the first column of the table under `heading`.
fn first_column(document: &str, heading: &str) -> BTreeSet<String> {
    let document = file(document);
    let (_, rest) = document.split_once(heading).expect(heading);
    let lines = rest.lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|'));
    let cells = table.filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.to_owned()).collect()
}

/// The arguments of `.internal(`: string literals, or string constants of the same file.
fn internal_names(source: &str) -> impl Iterator<Item = String> {
    let arguments = source.split(".internal(").skip(1);
    arguments.filter_map(move |rest| {
        let (argument, _) = rest.split_once(')').unwrap();
        // A wrapper in `keys/` passes its parameter on.
        if argument == "name" {
            return None;
        }
        let text = if argument.starts_with('"') {
            argument
        } else {
            let declared = format!("const {argument}: &str = ");
            let (_, rest) = source.split_once(&declared).expect("a constant beside it");
            rest.split_once(';').unwrap().0
        };
        Some(text.trim_matches('"').to_owned())
    })
}

#[test]
fn the_internal_keys_in_use_are_listed_in_the_format() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let found: Vec<String> = files.iter().map(read).collect();
    let mut in_use: BTreeSet<String> = found
        .iter()
        .flat_map(|source| internal_names(source))
        .collect();
    // One key is derived from a purpose key, without `.internal(`.
    let (_, rest) = found
        .iter()
        .find_map(|source| source.split_once("&self.key, &[b\"sealtoken v1 internal\""))
        .unwrap();
    in_use.insert(rest.split('"').nth(3).unwrap().to_owned());

    let listed = first_column("docs/format.md", "Each name in use is listed here:");
    assert!(listed.contains("nonce") && listed.contains("keyset"));
    assert_eq!(in_use, listed);
}

#[test]
fn the_names_in_the_records_are_listed_in_their_document() {
    // Keys of a keyset: those that every service has, and those that a service declares.
    let declaring = [
        "src/sealed/keyset.rs",
        "src/vault/names.rs",
        "src/pat/names.rs",
    ]
    .map(file);
    let names = declaring.iter().flat_map(|source| {
        let constants = source.lines().filter(|line| line.contains("const "));
        constants.filter_map(|line| {
            line.split_once("Self::new(\"")
                .or(line.split_once("Use::new(\""))
        })
    });
    let in_use: BTreeSet<&str> = names
        .map(|(_, rest)| rest.split_once('"').unwrap().0)
        .collect();
    let listed = first_column("docs/sealed-records.md", "keys with these names:");
    assert!(in_use.len() == 10 && in_use.iter().eq(listed.iter()));

    // Collections and labels.
    let document = file("docs/sealed-records.md");
    for (names, expected) in [("src/vault/names.rs", 10), ("src/pat/names.rs", 6)] {
        let names = file(names);
        let mut count = 0;
        for rest in names.split("::from_static(\"").skip(1) {
            let (name, _) = rest.split_once('"').unwrap();
            assert!(document.contains(&format!("| `{name}` |")), "{name}");
            count += 1;
        }
        assert_eq!(count, expected);
    }
}

/// A record stores the members without names, so their order is part of the format.
#[test]
fn the_members_of_a_token_are_listed_in_their_order() {
    let row = file("src/pat/row.rs");
    let (_, rest) = row.split_once("pub(super) struct Meta {").unwrap();
    let (fields, _) = rest.split_once("\n}\n").unwrap();
    let fields = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) "));
    let fields: Vec<&str> = fields
        .map(|field| field.split_once(':').unwrap().0)
        .collect();
    let document = file("docs/sealed-records.md");
    let (_, table) = document.split_once("| member of a token |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| `"));
    let listed: Vec<&str> = rows.map(|row| row.split_once('`').unwrap().0).collect();
    assert!(
        fields.len() == 16 && fields == listed,
        "{fields:?} {listed:?}"
    );
}

#[test]
fn every_code_of_the_services_is_in_the_table() {
    let refusals = file("docs/refusals.md");
    let mut count = 0;
    for errors in [
        "src/sealed/error.rs",
        "src/vault/error.rs",
        "src/pat/error.rs",
    ] {
        for function in file(errors).split("pub const fn code(").skip(1) {
            let (codes, _) = function.split_once("\n    }\n").unwrap();
            for rest in codes.split("=> \"").skip(1) {
                let (code, _) = rest.split_once('"').unwrap();
                // The table has one row for the codes that it does not name.
                let grouped = errors.starts_with("src/pat/") && code.starts_with("invalid_");
                assert!(grouped || refusals.contains(&format!("`{code}`")), "{code}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 50);
}
