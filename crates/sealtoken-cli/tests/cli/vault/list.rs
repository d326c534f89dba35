//! `vault list`.

use serde_json::{Value, json};

use crate::Outcome;
use crate::vault::many::three;
use crate::vault::{PAST, Vault};

fn labels(list: &Value) -> Vec<&str> {
    let entries = list.as_array().map_or(&[][..], Vec::as_slice);
    let mut labels: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["label"].as_str())
        .collect();
    labels.sort_unstable();
    labels
}

const ALL: &str = "--state live --state expired --state deleted";

#[test]
fn a_list_has_what_is_asked_for() -> Outcome {
    let (vault, _) = three("list")?;
    for (options, expected) in [
        ("", &["live"][..]),
        ("--state live", &["live"]),
        ("--state live --state expired", &["expired", "live"]),
        ("--state deleted --state live", &["hidden", "live"]),
        (ALL, &["expired", "hidden", "live"]),
        ("--state expired", &["expired"]),
        ("--state deleted", &["hidden"]),
        ("--state deleted --expires-before 1767225600", &[]),
        ("--label live", &["live"]),
        ("--label other", &[]),
        ("--label hidden --state deleted", &["hidden"]),
        (
            "--created-before 2026-01-01T00:00:00Z --state live --state expired",
            &["expired"],
        ),
        (
            "--created-from 1767225600 --state live --state expired",
            &["live"],
        ),
        (
            "--expires-before 2026-01-01T00:00:00+01:00 --state live --state expired",
            &["expired"],
        ),
        (
            "--expires-from 1767225600 --state live --state deleted",
            &["hidden"],
        ),
        ("--namespace other", &[]),
    ] {
        let list = vault.run(&format!("list --json {options}"), "")?.json()?;
        assert_eq!(labels(&list), expected, "{options}");
        let count = vault.line(&format!("list --count {options}"), "")?;
        assert_eq!(count, expected.len().to_string(), "{options}");
        let table = vault.run(&format!("list {options}"), "")?.stdout;
        let lines = if expected.is_empty() {
            0
        } else {
            expected.len() + 1
        };
        assert_eq!(table.lines().count(), lines, "{options}: {table}");
    }
    for limit in 0..5 {
        let done = vault.run(&format!("list --json {ALL} --limit {limit}"), "")?;
        let list: Value = serde_json::from_str(&done.stdout)?;
        assert_eq!(list.as_array().map(Vec::len), Some(limit.min(3)));
        let more = (1..3).contains(&limit);
        assert_eq!(done.stderr.starts_with("next: "), more, "{done:?}");
        assert_eq!((done.status, done.stderr.is_empty()), (Some(0), !more));
    }
    let list = vault.run("list --json --state expired", "")?.json()?;
    let mut entry = list[0].clone();
    assert_eq!(entry["id"].as_str().map(str::len), Some(64));
    entry["id"] = Value::Null;
    let expected = json!({
        "id": null, "state": "expired",
        "created_at": "2025-11-21T20:00:00Z", "updated_at": "2025-11-21T20:00:00Z",
        "expires_at": "2025-11-22T20:00:00Z", "deleted_at": null,
        "label": "expired", "has_password": false,
        "length": 7, "version": 1, "earlier_versions": 0,
    });
    assert_eq!(entry, expected);
    Ok(())
}

#[test]
fn a_value_that_is_expired_and_deleted_is_listed_with_the_deleted() -> Outcome {
    let vault = Vault::new("both")?;
    let line = format!("create --label both --expires-in 1d --at {PAST}");
    vault.line(&line, "value")?;
    assert_eq!(vault.line("soft-delete-expired", "")?, "1");
    for (options, expected) in [
        ("", &[][..]),
        ("--state live --state expired", &[]),
        ("--state expired", &[]),
        ("--state deleted", &["both"]),
        ("--state live --state deleted", &["both"]),
        ("--state deleted --limit 1", &["both"]),
        (
            "--state deleted --expires-before 2026-01-01T00:00:00Z",
            &["both"],
        ),
    ] {
        let list = vault.run(&format!("list --json {options}"), "")?.json()?;
        assert_eq!(labels(&list), expected, "{options}");
        if !options.contains("--limit") {
            let count = vault.line(&format!("list --count {options}"), "")?;
            assert_eq!(count, expected.len().to_string(), "{options}");
        }
    }
    Ok(())
}

/// Only one page at a time is in memory.
#[tokio::test]
async fn a_list_is_as_long_as_the_vault() -> Outcome {
    use sealtoken::KeyRing;
    use sealtoken_sqlite::SqliteStore;

    let vault = Vault::new("long-list")?;
    let keys: KeyRing = vault.program.keys.as_deref().ok_or("keys")?.parse()?;
    let store = SqliteStore::open(vault.path("sealtoken.db")).await?;
    let library = sealtoken::vault::Vault::open(store, &keys).await?;
    library
        .create_many((0..1203).map(|_| "value"))
        .label("many")
        .await?;

    let list = vault.run("list --json", "")?.json()?;
    let mut ids: Vec<&str> = list
        .as_array()
        .ok_or("list")?
        .iter()
        .filter_map(|entry| entry["id"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1203);
    assert_eq!(vault.run("list", "")?.stdout.lines().count(), 1204);
    assert_eq!(vault.line("list --count", "")?, "1203");

    let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let done = vault.run(&format!("list --json --limit 700 {after}"), "")?;
        assert_eq!(done.status, Some(0), "{done:?}");
        let page: Value = serde_json::from_str(&done.stdout)?;
        let page = page.as_array().ok_or("list")?;
        found.extend(
            page.iter()
                .filter_map(|entry| entry["id"].as_str().map(str::to_owned)),
        );
        pages += 1;
        let Some(cursor) = done.stderr.strip_prefix("next: ") else {
            assert_eq!(done.stderr, "");
            break;
        };
        after = format!("--after {}", cursor.trim_end());
        let rest = vault.line(&format!("list --count {after}"), "")?;
        assert_eq!(rest, "503");
    }
    found.sort_unstable();
    assert_eq!(
        (found, pages),
        (ids.iter().map(|id| (*id).to_owned()).collect(), 2)
    );
    vault.run("list --after nonsense", "")?.failed("--after");
    Ok(())
}

#[test]
fn a_label_does_nothing_to_the_terminal() -> Outcome {
    let vault = Vault::new("labels")?;
    let label = "a\x1b[31m\nlive";
    let mut command = vault.command("create --label");
    let output = crate::feed(command.arg(label), b"value")?;
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout)?;
    for done in [vault.run("list", "")?, vault.run("get", &token)?] {
        assert!(
            !done.stdout.contains('\x1b') && done.stdout.contains(r"a\u{1b}[31m\nlive"),
            "{done:?}"
        );
    }
    assert_eq!(vault.run("get --json", &token)?.json()?["label"], label);
    let mut command = vault.command("create --label=");
    let output = crate::feed(&mut command, b"value")?;
    assert!(output.stderr.starts_with(b"invalid_label: "), "{output:?}");
    Ok(())
}
