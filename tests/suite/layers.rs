//! The layers of `CONTRIBUTING.md`: imports point down.

use std::fs;
use std::path::Path;

use crate::sources::{code, sources};

/// The folders of `src/` with their layers.
const LAYERS: [(&str, u8); 12] = [
    ("crypto", 0),
    ("keys", 1),
    ("token", 2),
    ("import", 2),
    ("store", 3),
    ("sealed", 3),
    ("events", 3),
    ("limits", 3),
    ("vault", 4),
    ("pat", 4),
    ("service", 4),
    ("web", 5),
];

/// Folders of one layer that may see each other, the left one the right one.
const SIDEWAYS: [(&str, &str); 4] = [
    ("import", "token"),
    ("sealed", "store"),
    ("sealed", "events"),
    ("sealed", "limits"),
];

fn layer(folder: &str) -> u8 {
    let found = LAYERS.iter().find(|(name, _)| *name == folder);
    found
        .unwrap_or_else(|| {
            panic!("src/{folder} has no layer: give it one here and in CONTRIBUTING.md")
        })
        .1
}

/// The folders that `crate::…` paths name, also those in braces: `crate::{a::X, b}`.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` is what a macro writes into another crate.
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let word = |text: &str| {
            let word = |c: char| !(c.is_alphanumeric() || c == '_');
            text.trim_start()
                .split(word)
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.push(word(&item));
                        item.clear();
                        continue;
                    }
                    _ => {}
                }
                item.push(c);
            }
            names.push(word(&item));
        } else {
            names.push(word(rest));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn points_up(from: &str, to: &str) -> bool {
    from != to && layer(to) >= layer(from) && !SIDEWAYS.contains(&(from, to))
}

#[test]
fn imports_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20);
    let mut looked_at = 0;
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let parts: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        // The root modules see everything: lib.rs re-exports, fuzzing.rs is the fuzzer's door.
        let [folder, _, ..] = parts[..] else { continue };
        for name in named(&code(&file)) {
            assert!(
                !points_up(folder, &name),
                "{}: {folder} imports crate::{name}",
                inside.display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "{looked_at} imports seen");
}

#[test]
fn the_check_itself_finds_an_import_that_points_up() {
    assert_eq!(
        named("use crate::token::Token; x(crate::keys::Key)"),
        ["token", "keys"]
    );
    assert_eq!(
        named("use crate::{token::{A, B}, keys};"),
        ["token", "keys"]
    );
    assert!(
        points_up("crypto", "keys") && points_up("token", "import") && points_up("keys", "token")
    );
    assert!(!points_up("import", "token") && !points_up("token", "crypto"));
}

/// What lies in a crate below comes in by one door: there the layers hold for it, too.
#[test]
fn the_crates_below_are_named_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for (name, door) in [
        ("sealtoken_store", "lib.rs"),
        ("sealtoken_time", "crypto/clock.rs"),
    ] {
        let named = files.iter().filter(|file| code(file).contains(name));
        let named: Vec<_> = named
            .map(|file| file.strip_prefix(&root).unwrap())
            .collect();
        assert_eq!(named, [Path::new(door)], "{name}");
    }
}

/// An engine sees no plaintext: it does not depend on the crate that holds keys, and the compiler does the rest.
#[test]
fn an_engine_stands_on_the_store_and_on_time_alone() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    for (engine, expected) in [
        ("time", &[][..]),
        ("store", &["sealtoken-time"]),
        ("sqlite", &["sealtoken-store", "sealtoken-time"]),
        ("postgres", &["sealtoken-store", "sealtoken-time"]),
        ("dynamodb", &["sealtoken-store", "sealtoken-time"]),
    ] {
        let manifest = crates.join(format!("sealtoken-{engine}/Cargo.toml"));
        let manifest = fs::read_to_string(manifest).unwrap();
        // Nor under another name.
        assert!(!manifest.contains("package = "), "{engine}");
        let tables = manifest.split("\n[").filter(|table| {
            let name = table.split(']').next().unwrap();
            name.ends_with("dependencies") && name != "dev-dependencies"
        });
        let named: Vec<&str> = tables
            .flat_map(str::lines)
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, _)| name)
            .filter(|name| name.starts_with("sealtoken"))
            .collect();
        assert_eq!(named, expected, "{engine}");
    }
}

#[test]
fn the_envelope_knows_nothing_of_json() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/crypto");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let code = code(&file);
        let code = code.split("#[cfg(test)]").next().unwrap();
        let tests = file.ends_with("tests.rs");
        assert!(tests || !code.contains("serde"), "{}", file.display());
    }
}

#[test]
fn no_file_grows_past_what_is_read_in_a_sitting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    assert!(files.len() > 200, "{}", files.len());
    for file in files {
        let code = code(&file);
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= 300, "{}: {lines} lines of code", file.display());
    }
}
