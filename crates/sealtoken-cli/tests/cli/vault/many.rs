//! The commands about many values.

use sealtoken::Key;
use serde_json::Value;

use crate::Outcome;
use crate::vault::{FUTURE, PAST, Vault};

/// A vault with a live, an expired and a soft-deleted value, labelled accordingly.
pub(super) fn three(name: &str) -> Result<(Vault, [String; 3]), Box<dyn std::error::Error>> {
    let vault = Vault::new(name)?;
    let live = vault.line("create --label live", "live")?;
    let expired = vault.line(
        &format!("create --label expired --expires-in 1d --at {PAST}"),
        "expired",
    )?;
    let hidden = vault.line("create --label hidden --expires-in 1d", "hidden")?;
    vault.quiet("soft-delete", &hidden)?;
    Ok((vault, [live, expired, hidden]))
}

#[test]
fn expired_values_and_no_others_are_soft_deleted_or_purged() -> Outcome {
    let (vault, [live, expired, hidden]) = three("expired")?;
    assert_eq!(vault.line("soft-delete-expired", "")?, "1");
    assert_eq!(
        vault.line("soft-delete-expired --json", "")?,
        r#"{"count":0,"tampered":0}"#
    );
    vault.run("read", &expired)?.refused("deleted");
    vault.quiet("restore", &expired)?;
    vault.run("read", &expired)?.refused("expired");
    assert_eq!(
        vault.line("purge-expired --json", "")?,
        r#"{"count":1,"tampered":0}"#
    );
    vault.run("read", &expired)?.refused("not_found");
    vault.quiet("restore", &hidden)?;
    vault.has("", &live, "live")?;
    vault.has("", &hidden, "hidden")?;

    vault.quiet("soft-delete", &hidden)?;
    assert_eq!(vault.line("purge-deleted --older-than 1d", "")?, "0");
    assert_eq!(
        vault.line(&format!("purge-deleted --older-than 1d --at {FUTURE}"), "")?,
        "1"
    );
    vault.run("restore", &hidden)?.refused("not_found");
    assert_eq!(vault.line("purge-deleted --older-than 0s", "")?, "0");
    vault.has("", &live, "live")
}

/// Another process holds the file, and the command waits in vain.
#[test]
fn a_bulk_command_that_was_cut_off_says_how_it_goes_on() -> Outcome {
    let (vault, _) = three("cut off")?;
    let file = rusqlite::Connection::open(vault.path("sealtoken.db"))?;
    file.execute_batch("BEGIN IMMEDIATE")?;
    for line in ["soft-delete-expired", "purge-expired"] {
        let done = vault.run(line, "")?;
        let what = format!("run `sealtoken vault {line}` again to continue from there");
        done.failed(&what);
    }
    file.execute_batch("ROLLBACK")?;
    assert_eq!(vault.line("soft-delete-expired", "")?, "1");
    Ok(())
}

#[test]
fn a_purge_leaves_values_alone_until_the_margin_has_passed() -> Outcome {
    let vault = Vault::new("margin")?;
    let token = vault.line(&format!("create --expires-in 1h --at {PAST}"), "value")?;
    let after =
        |seconds: i64| Ok::<_, Box<dyn std::error::Error>>(PAST.parse::<i64>()? + 3600 + seconds);
    for (options, seconds, count) in [
        ("", 540, "0"),
        ("--margin 30m", 1740, "0"),
        ("--margin 1m", 30, "0"),
        ("--margin 1m", 90, "1"),
    ] {
        let line = format!("purge-expired {options} --at {}", after(seconds)?);
        assert_eq!(vault.line(&line, "")?, count, "{line}");
    }
    vault.run("read", &token)?.refused("not_found");
    for line in [
        "soft-delete-expired --margin 1m",
        "soft-delete-expired --hard",
        "purge-expired --margin 1",
    ] {
        assert_eq!(vault.run(line, "")?.status, Some(1), "{line}");
    }
    Ok(())
}

/// The message after the record of a keyset was deleted.
#[test]
fn a_keyset_that_is_gone_is_a_fault_of_the_store() -> Outcome {
    let vault = Vault::new("keyset gone")?;
    let token = vault.line("create", "value")?;
    let file = rusqlite::Connection::open(vault.path("sealtoken.db"))?;
    let backup = vault.path("backup.db");
    file.execute("VACUUM INTO ?1", [backup.to_str()])?;
    for rows in ["record", "label"] {
        file.execute(
            &format!("DELETE FROM sealtoken_{rows} WHERE collection = 'vault_keysets'"),
            [],
        )?;
    }
    for line in ["read", "get", "create", "soft-delete-expired", "rewrap"] {
        let done = vault.run(line, &token)?;
        done.failed("\"vault\" of the collection vault_keysets from a backup");
    }
    let gone = vault.run("read", &token)?;
    vault.bring_back(&gone, "vault_keysets")?;
    vault.has("", &token, "value")
}

#[test]
fn a_rekey_moves_every_value_of_a_password_and_prints_how_many() -> Outcome {
    let vault = Vault::new("rekey")?;
    vault.write("new", "battery staple\r\n")?;
    let tokens: Result<Vec<String>, _> = (0..3)
        .map(|_| vault.line("create --password-file pw", "value"))
        .collect();
    let tokens = tokens?;
    let other = vault.line("create --password-file pw --namespace other", "other")?;
    let open = vault.line("create", "open")?;

    let rekey = "rekey --password-file pw --new-password-file new";
    assert_eq!(vault.line(rekey, "")?, "3");
    vault.run(rekey, "")?.refused("invalid_password");
    for token in &tokens {
        vault.has("--password-file new", token, "value")?;
        vault
            .run("read --password-file pw", token)?
            .refused("invalid_password");
    }
    vault.has("--password-file pw --namespace other", &other, "other")?;
    vault.has("", &open, "open")?;
    vault.write("short", "short")?;
    vault
        .run("rekey --password-file new --new-password-file short", "")?
        .refused("password_too_short");
    assert_eq!(
        vault.line("rekey --password-file new --new-password-file pw", "")?,
        "3"
    );
    vault.has("--password-file pw", &tokens[0], "value")
}

#[test]
fn after_a_rewrap_the_old_key_can_go() -> Outcome {
    let mut vault = Vault::new("rewrap")?;
    let token = vault.line("create --password-file pw", "value")?;
    let other = vault.line("create --namespace other", "other")?;
    let old = vault.program.keys.clone().ok_or("keys")?;
    let new = Key::generate().expose();
    vault.program.keys = Some(new.to_string());
    vault
        .run("read --password-file pw", &token)?
        .failed("not in the ring");

    vault.program.keys = Some(format!("{} {old}", *new));
    vault.has("--password-file pw", &token, "value")?;
    // The vault's own keyset, and one for each of two namespaces.
    assert_eq!(vault.line("rewrap", "")?, "3");
    assert_eq!(
        vault.line("rewrap --json", "")?,
        r#"{"resealed":0,"unchanged":3,"failed":0}"#
    );
    vault.program.keys = Some(new.to_string());
    vault.has("--password-file pw", &token, "value")?;
    vault.has("--namespace other", &other, "other")?;
    vault.program.keys = Some(old);
    vault
        .run("read --password-file pw", &token)?
        .failed("not in the ring");
    Ok(())
}

/// Changes the first record of a collection through the store, as an attacker would.
async fn change_one(vault: &Vault, collection: &'static str) -> Outcome {
    use sealtoken::store::{Change, Collection, Outcome as Written, Query, Store as _};
    use sealtoken_sqlite::SqliteStore;

    let all = Query::all(Collection::new(collection)?);
    let store = SqliteStore::open(vault.path("sealtoken.db")).await?;
    let mut record = store.scan(&all).await?.records.remove(0);
    let expected = record.version;
    record.body[20] ^= 1;
    assert_eq!(
        store.write(&[Change::Replace { record, expected }]).await?,
        Written::Written
    );
    Ok(())
}

#[tokio::test]
async fn an_earlier_value_that_was_changed_is_named_and_hides_no_other() -> Outcome {
    let vault = Vault::new("tampered_version")?;
    let token = vault.line("create", "one")?;
    for value in ["two", "three"] {
        let input = format!("{token}\n{value}");
        vault.quiet("update --keep-versions 2", input)?;
    }
    change_one(&vault, "vault_versions").await?;
    let table = vault.run("versions", &token)?;
    table.one_line("tampered: 1 record is damaged");
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!((table.status, lines.len()), (Some(2), 3), "{table:?}");
    let tampered = lines.iter().filter(|line| line.ends_with("  tampered"));
    assert_eq!(tampered.count(), 1, "{table:?}");
    let json = vault.run("versions --json", &token)?;
    json.one_line("tampered: ");
    let versions: Vec<Value> = serde_json::from_str(&json.stdout)?;
    let unknown = versions.iter().filter(|version| {
        version["written_at"].is_null() && version["length"].is_null() && version["number"] != 3
    });
    assert_eq!((versions.len(), unknown.count()), (3, 1), "{json:?}");
    Ok(())
}

#[tokio::test]
async fn a_record_that_was_changed_is_named_and_hides_no_other() -> Outcome {
    let vault = Vault::new("tampered")?;
    let tokens = [vault.line("create", "one")?, vault.line("create", "two")?];
    change_one(&vault, "vault_values").await?;
    let results = [
        vault.run("read", &tokens[0])?,
        vault.run("read", &tokens[1])?,
    ];
    let tampered: Vec<_> = results
        .iter()
        .filter(|done| done.status == Some(2))
        .collect();
    assert_eq!(tampered.len(), 1, "{results:?}");
    tampered[0].refused("tampered");

    let list = vault.run("list --json", "")?;
    list.one_line("tampered: ");
    assert_eq!(list.status, Some(2));
    let entries: Value = serde_json::from_str(&list.stdout)?;
    let errors: Vec<_> = entries
        .as_array()
        .ok_or("list")?
        .iter()
        .filter(|entry| entry["error"] == "tampered")
        .collect();
    assert_eq!(
        (errors.len(), entries.as_array().map(Vec::len)),
        (1, Some(2)),
        "{entries}"
    );
    let table = vault.run("list", "")?;
    table.one_line("tampered: ");
    assert_eq!(
        (table.status, table.stdout.lines().count()),
        (Some(2), 3),
        "{table:?}"
    );
    let count = vault.run("list --count", "")?;
    count.one_line("tampered: 1 record is damaged");
    assert_eq!((count.status, &*count.stdout), (Some(2), "1\n"));
    Ok(())
}

/// What a command found decides its exit code, even if its count could not be printed.
#[cfg(target_os = "linux")]
#[test]
fn a_command_says_what_it_did_where_its_count_cannot_be_printed() -> Outcome {
    let vault = Vault::new("unsaid")?;
    vault.write("new", "battery staple")?;
    vault.line(&format!("create --expires-in 1h --at {PAST}"), "value")?;
    vault.line("create --password-file pw", "value")?;
    for line in [
        "soft-delete-expired",
        "soft-delete-expired --json",
        "rekey --password-file pw --new-password-file new",
        "rewrap",
        "rewrap --json",
        "import --format vaultstore-v2 --password-file pw",
    ] {
        let done = vault.full(line, "")?;
        done.failed("cannot write to stdout");
        done.failed("everything else was done");
    }
    vault.line(&format!("create --expires-in 1h --at {PAST}"), "value")?;
    let file = rusqlite::Connection::open(vault.path("sealtoken.db"))?;
    for (rows, lines, found) in [
        (
            "collection = 'vault_values'",
            ["soft-delete-expired", "soft-delete-expired --json"],
            "from a backup",
        ),
        (
            "collection = 'vault_keysets' AND id <> CAST('vault' AS BLOB)",
            ["rewrap", "rewrap --json"],
            "tampered: 1 keyset could not be opened and stays as it is: keep the retired keys",
        ),
    ] {
        file.execute_batch(&format!(
            "UPDATE sealtoken_record SET version = randomblob(16) WHERE {rows}"
        ))?;
        for line in lines {
            let done = vault.full(line, "")?;
            assert_eq!(done.status, Some(2), "{done:?}");
            assert!(done.stderr.contains("cannot write to stdout"), "{done:?}");
            assert!(done.stderr.contains(found), "{done:?}");
        }
    }
    Ok(())
}
