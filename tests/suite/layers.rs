//! The layers of `CONTRIBUTING.md`: imports point down, and go in no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::{code, sources};

/// The folders of `src/` and their layers.
const LAYERS: [(&str, u8); 11] = [
    ("crypto", 0),
    ("keys", 1),
    ("token", 2),
    ("store", 3),
    ("sealed", 3),
    ("events", 3),
    ("limits", 3),
    ("vault", 4),
    ("pat", 4),
    ("service", 4),
    ("web", 5),
];

/// Exceptions within a layer: the left folder may import the right one.
const SIDEWAYS: [(&str, &str); 3] = [
    ("sealed", "store"),
    ("sealed", "events"),
    ("sealed", "limits"),
];

fn layer(folder: &str) -> u8 {
    let found = LAYERS.iter().find(|(name, _)| *name == folder);
    found
        .unwrap_or_else(|| panic!("src/{folder} has no layer: add one here and in CONTRIBUTING.md"))
        .1
}

/// The modules that paths with this prefix name, including those in braces: `crate::{a::X, b}`.
fn named_after(prefix: &str, code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        // `$crate::` is what a macro writes into another crate. After another `super::` comes a
        // module of the folder above.
        if code[..at].ends_with(['$', ':']) {
            continue;
        }
        let rest = &code[at + prefix.len()..];
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

fn named(code: &str) -> Vec<String> {
    named_after("crate::", code)
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
    let mut checked = 0;
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let parts: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        // Files in the root may import anything: lib.rs re-exports, fuzzing.rs serves the fuzzers.
        let [folder, _, ..] = parts[..] else { continue };
        for name in named(&code(&file)) {
            assert!(
                !points_up(folder, &name),
                "{}: {folder} imports crate::{name}",
                inside.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "found only {checked} imports");
}

#[test]
fn the_check_finds_an_import_that_points_up() {
    assert_eq!(
        named("use crate::token::Token; x(crate::keys::Key)"),
        ["token", "keys"]
    );
    assert_eq!(
        named("use crate::{token::{A, B}, keys};"),
        ["token", "keys"]
    );
    assert!(
        points_up("crypto", "keys") && points_up("token", "sealed") && points_up("keys", "token")
    );
    assert!(!points_up("sealed", "events") && !points_up("token", "crypto"));
}

/// One serializer in three files: values, entries and fields hold one another.
const ONE_SERIALIZER: &str = "token/json";

/// The folders of source files in `root`, including itself.
fn folders(root: &Path) -> BTreeSet<PathBuf> {
    let mut files = Vec::new();
    sources(root, &mut files);
    let folders = files.iter().filter_map(|file| file.parent());
    folders.map(Path::to_path_buf).collect()
}

/// The files of a folder, each with the files beside it that it imports. `root` is its crate's
/// `src`.
fn imports_beside(root: &Path, folder: &Path) -> BTreeMap<String, Vec<String>> {
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path()).filter(|file| {
        let is_root = file.ends_with("lib.rs") || file.ends_with("main.rs");
        !is_root && file.extension().is_some_and(|kind| kind == "rs")
    });
    let files: Vec<_> = files.collect();
    let name = |file: &Path| file.file_stem().unwrap().to_str().unwrap().to_owned();
    let names: Vec<_> = files.iter().map(|file| name(file)).collect();
    let mut path = "crate::".to_owned();
    for part in folder.strip_prefix(root).unwrap() {
        path += part.to_str().unwrap();
        path += "::";
    }
    let imports = |file: &Path| {
        let code = code(file);
        let code = code.split("#[cfg(test)]").next().unwrap();
        let mut beside = named_after(&path, code);
        if folder != root {
            beside.extend(named_after("super::", code));
        }
        beside.retain(|named| names.contains(named) && *named != name(file));
        beside
    };
    files
        .iter()
        .map(|file| (name(file), imports(file)))
        .collect()
}

/// A file that is on a circle, if there is one.
fn circle(imports: &BTreeMap<String, Vec<String>>) -> Option<&str> {
    let reaches = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = imports[from].iter().collect();
        while let Some(file) = open.pop() {
            if seen.insert(file) {
                open.extend(&imports[file]);
            }
        }
        seen.contains(from)
    };
    imports
        .keys()
        .find(|from| reaches(from))
        .map(String::as_str)
}

#[test]
fn the_files_of_a_folder_import_one_another_in_no_circle() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut roots = vec![package.join("src")];
    for entry in fs::read_dir(package.join("crates")).unwrap() {
        roots.push(entry.unwrap().path().join("src"));
    }
    assert_eq!(roots.len(), 8);
    let (mut checked, mut circles) = (0, Vec::new());
    for root in roots {
        for folder in folders(&root) {
            let mut imports = imports_beside(&root, &folder);
            checked += imports.values().map(Vec::len).sum::<usize>();
            if folder.ends_with(ONE_SERIALIZER) {
                for part in ["entries", "fields"] {
                    let holds = |beside: &Vec<String>| beside.iter().any(|file| file == part);
                    let holders = imports.iter().filter(|(_, beside)| holds(beside));
                    let holders: Vec<_> = holders.map(|(file, _)| file.clone()).collect();
                    let beside = imports.get_mut(part).unwrap();
                    beside.retain(|file| !holders.contains(file));
                }
            }
            if let Some(file) = circle(&imports) {
                let file = folder.join(file);
                circles.push(file.strip_prefix(package).unwrap().to_path_buf());
            }
        }
    }
    assert!(circles.is_empty(), "{circles:?}");
    assert!(checked > 400, "found only {checked} imports");
}

#[test]
fn the_check_itself_finds_a_circle() {
    let imports = |pairs: &[(&str, &[&str])]| {
        let owned = |(from, to): &(&str, &[&str])| {
            let to = to.iter().map(|file| (*file).to_owned()).collect();
            ((*from).to_owned(), to)
        };
        pairs.iter().map(owned).collect::<BTreeMap<_, Vec<_>>>()
    };
    let line = imports(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(circle(&line), None);
    let round = imports(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
    assert_eq!(circle(&round), Some("b"));
}

/// A lower crate enters `src/` through one file, and the layers hold for that file.
#[test]
fn each_lower_crate_is_named_in_one_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for (name, entrance) in [
        ("sealtoken_store", "lib.rs"),
        ("sealtoken_time", "crypto/clock.rs"),
    ] {
        let named = files.iter().filter(|file| code(file).contains(name));
        let named: Vec<_> = named
            .map(|file| file.strip_prefix(&root).unwrap())
            .collect();
        assert_eq!(named, [Path::new(entrance)], "{name}");
    }
}

/// An engine sees no plaintext: it does not depend on the crate that holds the keys.
#[test]
fn an_engine_depends_only_on_the_store_and_time_crates() {
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
        // A renamed dependency would escape the check below.
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
fn the_envelope_is_independent_of_json() {
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
fn every_file_has_at_most_300_lines_of_code() {
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
