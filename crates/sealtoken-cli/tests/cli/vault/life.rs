//! Values that expire, are deleted, restored and rolled back.

use std::error::Error;

use crate::Outcome;
use crate::vault::{FUTURE, PAST, Vault};

#[test]
fn a_value_expires_and_is_renewed() -> Outcome {
    let vault = Vault::new("ends")?;
    let create = format!("create --expires-in 1d --at {PAST}");
    let token = vault.line(&create, "value")?;
    vault.has(&format!("--at {PAST}"), &token, "value")?;
    vault.run("read", &token)?.refused("expired");
    vault
        .run("update", format!("{token}\nother"))?
        .refused("expired");
    vault
        .run("renew --expires-in 1d", &token)?
        .refused("expired");
    let info = vault.run("get --json", &token)?.json()?;
    assert_eq!(info["state"], "expired");
    assert_eq!(info["created_at"], "2025-11-21T20:00:00Z");
    assert_eq!(info["expires_at"], "2025-11-22T20:00:00Z");

    vault.quiet("renew --expires-in 1d --even-expired", &token)?;
    vault.has("", &token, "value")?;
    vault.quiet("update --expires-in 1w", format!("{token}\nother"))?;
    vault
        .run(&format!("read --at {FUTURE}"), &token)?
        .refused("expired");
    vault.quiet("renew --expires-in forever", &token)?;
    vault.has(&format!("--at {FUTURE}"), &token, "other")?;
    assert_eq!(
        vault.run("get --json", &token)?.json()?["expires_at"],
        serde_json::Value::Null
    );
    vault
        .run("create --expires-in 253402300799s", "value")?
        .refused("invalid_expiry");
    Ok(())
}

#[test]
fn a_value_is_soft_deleted_restored_and_deleted() -> Outcome {
    let vault = Vault::new("life")?;
    let token = vault.line("create --label backup", "value")?;
    let id = vault.run("get --json", &token)?.json()?["id"]
        .as_str()
        .ok_or("id")?
        .to_owned();
    for named in ["".to_owned(), format!("--id {id}")] {
        vault.quiet(&format!("soft-delete {named}"), &token)?;
        vault.run("read", &token)?.refused("deleted");
        vault
            .run("update", format!("{token}\nother"))?
            .refused("deleted");
        vault
            .run(&format!("renew --expires-in 1d {named}"), &token)?
            .refused("deleted");
        vault
            .run(&format!("soft-delete {named}"), &token)?
            .refused("deleted");
        vault.quiet(
            &format!("renew --expires-in 1d --even-deleted {named}"),
            &token,
        )?;
        let info = vault.run(&format!("get --json {named}"), &token)?.json()?;
        assert!(
            info["state"] == "deleted" && info["deleted_at"].is_string(),
            "{info}"
        );
        vault.quiet(&format!("restore {named}"), &token)?;
        vault.quiet(&format!("restore {named}"), &token)?;
        vault.has("", &token, "value")?;
    }
    let text = vault.run(&format!("get --id {id}"), "")?.stdout;
    for line in [
        "state         live",
        "label         backup",
        "password      no",
        "length        5 bytes",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    vault.quiet(&format!("delete --id {id}"), "")?;
    for command in ["read", "get", "restore", "delete"] {
        vault.run(command, &token)?.refused("not_found");
    }
    for strange in ["00", "x", &id.to_uppercase()] {
        vault
            .run(&format!("get --id {strange}"), "")?
            .refused("not_found");
    }
    Ok(())
}

#[test]
fn earlier_values_are_kept_read_and_brought_back() -> Outcome {
    let vault = Vault::new("versions")?;
    let pw = "--password-file pw";
    let token = vault.line(&format!("create {pw}"), "one")?;
    let update = |options: &str, value: &str| {
        vault.quiet(
            &format!("update {pw} {options}"),
            format!("{token}\n{value}"),
        )
    };
    let numbers = || -> Result<Vec<u64>, Box<dyn Error>> {
        let versions = vault.run("versions --json", &token)?.json()?;
        let versions = versions.as_array().ok_or("list")?;
        Ok(versions
            .iter()
            .filter_map(|version| version["number"].as_u64())
            .collect())
    };
    update("", "two")?;
    assert_eq!(numbers()?, [2]);
    update("--keep-versions 2", "three")?;
    update("--keep-versions 2", "four")?;
    assert_eq!(numbers()?, [4, 3, 2]);
    // As many as before are kept.
    update("", "five")?;
    assert_eq!(numbers()?, [5, 4, 3]);
    vault.has(&format!("{pw} --earlier 3"), &token, "three")?;
    vault.has(&format!("{pw} --earlier 5"), &token, "five")?;
    vault
        .run(&format!("read {pw} --earlier 2"), &token)?
        .refused("no_such_version");
    vault
        .run("read --earlier 3", &token)?
        .refused("invalid_password");
    vault
        .run("roll-back --to 3", &token)?
        .refused("invalid_password");
    vault.quiet(&format!("roll-back --to 3 {pw}"), &token)?;
    vault.has(pw, &token, "three")?;
    assert_eq!(numbers()?, [6, 5, 4]);
    let table = vault.run("versions", &token)?.stdout;
    assert!(
        table.starts_with("6     ") && table.contains("  5 bytes  current\n"),
        "{table}"
    );
    update("--keep-versions 0", "last")?;
    assert_eq!(numbers()?, [7]);
    vault
        .run(
            &format!("update {pw} --keep-versions 17"),
            format!("{token}\nvalue"),
        )?
        .failed("at most 16");
    for command in ["versions", "roll-back --to 1"] {
        vault.run(command, "not-there")?.refused("not_found");
    }
    vault
        .run("update", "not-there\nvalue")?
        .refused("not_found");
    Ok(())
}
