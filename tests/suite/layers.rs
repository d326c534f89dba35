//! The layers of `CONTRIBUTING.md`: imports point down.

use std::fs;
use std::path::{Path, PathBuf};

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

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file: no comments, so that docs may link anywhere.
pub(crate) fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
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
        // The binary is a crate of its own: its `crate::` cannot reach what is not public here.
        if folder == "bin" {
            continue;
        }
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

/// A backend never sees a plaintext: it names no key, no codec, no service, and of `crypto` the clock and randomness alone.
#[test]
fn an_engine_sees_no_plaintext() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 5);
    for file in files {
        let code = code(&file);
        for name in named(&code) {
            let own = name == "store" || name.contains("store_conformance");
            assert!(own || name == "crypto", "{}: {name}", file.display());
        }
        for (_, rest) in code
            .match_indices("crate::crypto::")
            .map(|(at, found)| code.split_at(at + found.len()))
        {
            let fits = rest.starts_with("clock") || rest.starts_with("random");
            assert!(fits, "{}: {rest:.40}", file.display());
        }
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let code = code(&file);
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= 300, "{}: {lines} lines of code", file.display());
    }
}
