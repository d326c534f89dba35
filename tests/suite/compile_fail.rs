//! Misuse of the API does not compile. The first line of each file in `tests/compile_fail/` names
//! the expected error code; `control.rs` must compile.
//!
//! The test compares only codes, because the compiler's messages change between releases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn misuse_fails_to_compile_with_the_expected_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    fs::create_dir_all(&target).unwrap();
    let mut manifest = format!(
        "[package]\nname = \"compile_fail\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [workspace]\n[dependencies]\nsealtoken = {{ path = {root:?} }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n"
    );
    let mut expected = BTreeMap::new();
    for entry in fs::read_dir(root.join("tests/compile_fail")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        manifest += &format!("[[bin]]\nname = {name:?}\npath = {path:?}\n");
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix("// error: ")
            .unwrap()
            .to_owned();
        expected.insert(name, code);
    }
    assert!(expected.len() >= 8);
    fs::write(target.join("Cargo.toml"), manifest).unwrap();
    // With the versions of this checkout, cargo needs no registry.
    fs::copy(root.join("Cargo.lock"), target.join("Cargo.lock")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args([
            "check",
            "--bins",
            "--keep-going",
            "--offline",
            "--quiet",
            "--message-format=json",
        ])
        .current_dir(&target)
        .env("CARGO_TARGET_DIR", target.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if message["reason"] == "compiler-message" && message["message"]["level"] == "error" {
            let name = message["target"]["name"].as_str().unwrap().to_owned();
            let code = message["message"]["code"]["code"].as_str();
            found
                .entry(name)
                .or_default()
                .extend(code.map(str::to_owned));
        }
    }
    let said = String::from_utf8_lossy(&output.stderr);
    for (name, code) in expected {
        let codes: Vec<String> = found
            .remove(&name)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let wanted: Vec<String> = if code == "none" { vec![] } else { vec![code] };
        assert_eq!(codes, wanted, "{name}\n{said}");
    }
    assert!(found.is_empty(), "{found:?}");
}
