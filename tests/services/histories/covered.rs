//! Whether every public operation of the services has its histories: the sources say which there are, and which the histories call.

use std::path::Path;

use crate::sources::{code, sources};

/// The public operations of a type, in a folder of `src`: `impl` blocks are read, and not what macros write for builders.
fn operations(folder: &str, of: &str) -> Vec<String> {
    let mut files = Vec::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src");
    sources(&src.join(folder), &mut files);
    let mut found = Vec::new();
    for file in files {
        let code = code(&file);
        let mut is_inside = false;
        for line in code.lines() {
            if let Some(rest) = line.strip_prefix("impl") {
                let name = rest.rsplit(' ').nth(1).unwrap_or_default();
                is_inside = name.split('<').next() == Some(of) && !rest.contains(" for ");
            }
            let rest = line.strip_prefix("    pub ").filter(|_| is_inside);
            let name = rest.and_then(|rest| rest.split_once("fn "));
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            if let Some((_, name)) = name {
                let end = name.find(|c| !is_name(c)).unwrap();
                found.push(name[..end].to_owned());
            }
        }
    }
    found.sort_unstable();
    assert!(found.len() > 4, "{of}: {found:?}");
    found
}

/// What the operations in these files of the histories call, without white space.
fn called(files: &[&str]) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let mut called = String::new();
    for file in files {
        let code = code(&here.join(file));
        for function in ["fn operations(", "async fn used("] {
            let Some(begin) = code.find(function) else {
                continue;
            };
            let indent: String = code[..begin]
                .lines()
                .last()
                .unwrap()
                .chars()
                .take_while(|c| *c == ' ')
                .collect();
            let end = code[begin..].find(&format!("\n{indent}}}\n")).unwrap();
            called.extend(code[begin..][..end].split_whitespace());
        }
    }
    called
}

/// Panics unless each operation of this type is called on a variable of this name, or changes nothing and tells nothing of what is stored.
fn are_called(folder: &str, of: &str, variable: &str, files: &[&str], harmless: &[&str]) {
    let (operations, called) = (operations(folder, of), called(files));
    for name in harmless {
        assert!(operations.iter().any(|op| op == name), "{of} has no {name}");
    }
    let is_called = |name: &&String| called.contains(&format!("{variable}.{name}("));
    let missing = operations.iter().filter(|name| !is_called(name));
    let missing: Vec<_> = missing.collect();
    assert_eq!(missing, harmless, "{of}: these have no histories");
}

#[test]
fn every_operation_of_the_vault_has_histories() {
    let files = ["vault.rs", "passwords.rs"];
    let harmless = ["namespace_name", "open", "options"];
    are_called("vault", "Vault", "vault", &files, &harmless);
    are_called("vault", "Unlocked", "unlocked", &files, &[]);
}

#[test]
fn every_operation_on_personal_access_tokens_has_histories() {
    let files = ["pat.rs", "first.rs", "uses.rs"];
    let harmless = [
        "generate",
        "generate_as",
        "id_of",
        "open",
        "options",
        "owned_by",
        "prefix",
    ];
    are_called("pat", "PersonalAccessTokens", "pats", &files, &harmless);
    are_called("pat", "OwnedTokens", "ours(&pats)", &files, &[]);
}
