//! `pat update`, `revoke`, `restore`, `delete`, `rotate` and `rewrap`.

use sealtoken::Key;
use serde_json::{Value, json};

use crate::Outcome;
use crate::pat::{ID, id_of, issued, pats};
use crate::vault::FUTURE;

#[test]
fn an_update_changes_what_it_names_and_nothing_else() -> Outcome {
    let pats = pats("update")?;
    let (token, id) = issued(
        &pats,
        "--owner ada --role a --role b --scope s --name n --metadata k=v --expires-in 1d",
    )?;
    let get = || pats.run(&format!("get --id {id} --json"), "")?.json();
    let before = get()?;
    for (options, field, expected) in [
        ("--owner grace", "owner", json!("grace")),
        ("--admin true", "admin", json!(true)),
        ("--admin false", "admin", json!(false)),
        ("--add-role c --remove-role a", "roles", json!(["b", "c"])),
        ("--role x --role y", "roles", json!(["x", "y"])),
        ("--no-roles", "roles", json!([])),
        ("--scope t", "scopes", json!(["t"])),
        ("--no-scopes", "scopes", json!([])),
        ("--name m", "name", json!("m")),
        ("--no-name", "name", Value::Null),
        ("--metadata k=w", "metadata", json!({"k": "w"})),
        ("--no-metadata", "metadata", json!({})),
        ("--never-expires", "expires_at", Value::Null),
        (
            "--expires-at 2100-01-01T00:00:00+01:00",
            "expires_at",
            json!("2099-12-31T23:00:00Z"),
        ),
        ("--expires-in forever", "expires_at", Value::Null),
    ] {
        let mut expected_record = get()?;
        pats.quiet(&format!("update {id} {options}"), "")?;
        let mut record = get()?;
        assert_eq!(record[field], expected, "{options}");
        expected_record[field] = expected;
        for record in [&mut record, &mut expected_record] {
            record["updated_at"] = Value::Null;
        }
        assert_eq!(record, expected_record, "{options}");
    }
    assert_eq!(get()?["created_at"], before["created_at"]);

    let other = pats
        .run(&format!("generate --id {id} --json"), "")?
        .json()?;
    let hash = other["hash"].as_str().ok_or("hash")?;
    pats.quiet(&format!("update {id} --hash-file -"), hash)?;
    pats.run("verify", token)?.refused("invalid_secret");
    pats.run("verify", other["token"].as_str().ok_or("token")?)?
        .json()?;

    pats.run(&format!("update {id} --admin yes"), "")?
        .failed("--admin");
    pats.run(&format!("update {id}"), "")?.failed("--owner");
    pats.run(&format!("update {id} --role a --add-role b"), "")?
        .failed("--add-role");
    pats.run(&format!("update {ID} --owner a"), "")?
        .refused("not_found");
    pats.run("update short --owner a", "")?
        .refused("invalid_id");
    pats.run("update --owner a", "")?.failed("ID");
    Ok(())
}

#[test]
fn a_revoked_token_is_restored_with_its_end_or_purged() -> Outcome {
    let pats = pats("life")?;
    let (token, id) = issued(&pats, "--owner ada --expires-in 400d")?;
    let end = pats.run("verify", &token)?.json()?["expires_at"].clone();
    let record = pats.run(&format!("revoke {id} --json"), "")?.json()?;
    assert_eq!(
        (&record["state"], &record["expires_at"]),
        (&json!("revoked"), &end)
    );
    pats.quiet(&format!("revoke {id}"), "")?;
    pats.quiet(&format!("restore {id}"), "")?;
    assert_eq!(pats.run("verify", &token)?.json()?["expires_at"], end);

    pats.quiet(&format!("revoke {id} --purge-in 30d"), "")?;
    assert_eq!(pats.line("purge-expired", "")?, "0");
    let purge = format!("purge-expired --json --at {FUTURE}");
    assert_eq!(pats.line(&purge, "")?, r#"{"count":1}"#);
    for command in ["revoke", "restore", "get"] {
        pats.run(&format!("{command} {id}"), "")?
            .refused("not_found");
    }
    Ok(())
}

#[test]
fn a_deleted_token_is_gone() -> Outcome {
    let pats = pats("delete")?;
    let (token, id) = issued(&pats, "--owner ada")?;
    pats.quiet(&format!("delete {id}"), "")?;
    pats.run("verify", &token)?.refused("not_found");
    for command in ["delete", "get", "restore"] {
        pats.run(&format!("{command} {id}"), "")?
            .refused("not_found");
    }
    Ok(())
}

#[test]
fn after_a_rotation_the_old_secret_is_good_for_the_overlap() -> Outcome {
    let pats = pats("rotate")?;
    let (old, id) = issued(&pats, "--owner ada")?;
    let new = pats.line(&format!("rotate {id} --overlap 24h"), "")?;
    assert_eq!(id_of(&new)?, id);
    let record = pats.run("verify", &old)?.json()?;
    assert!(record["previous_secret_expires_at"].is_string());
    pats.run("verify", &new)?.json()?;
    pats.run(&format!("verify --at {FUTURE}"), &old)?
        .refused("expired");
    let newer = pats.line(&format!("rotate {id} --overlap 0s"), "")?;
    // Without an overlap the old secret is rejected at once, whatever the clock.
    pats.run("verify", &new)?.refused("invalid_secret");
    pats.run("verify", &old)?.refused("invalid_secret");
    pats.run("verify", &newer)?.json()?;
    pats.quiet(&format!("revoke {id}"), "")?;
    pats.run(&format!("rotate {id} --overlap 1d"), "")?
        .refused("revoked");
    pats.run(&format!("rotate {ID} --overlap 1d"), "")?
        .refused("not_found");
    pats.run(&format!("rotate {id}"), "")?.failed("--overlap");
    Ok(())
}

#[test]
fn a_rotation_that_was_cut_off_says_what_to_do_with_what_it_printed() -> Outcome {
    let pats = pats("cut off")?;
    let (old, id) = issued(&pats, "--owner ada")?;
    let file = rusqlite::Connection::open(pats.path("sealtoken.db"))?;
    // An index that has no entry for any other version of the record: it cannot be written.
    let version: String = file.query_row(
        "SELECT hex(version) FROM sealtoken_record WHERE collection = 'pat_tokens'",
        [],
        |row| row.get(0),
    )?;
    file.execute_batch(&format!(
        "CREATE INDEX cut ON sealtoken_record \
         (abs(iif(hex(version) = '{version}', 0, -9223372036854775807 - 1))) \
         WHERE collection = 'pat_tokens'"
    ))?;
    let done = pats.run(&format!("rotate {id} --overlap 0s"), "")?;
    assert_ne!(done.status, Some(0), "{done:?}");
    let what = format!("if it is not, run `sealtoken pat rotate {id}` again");
    assert!(done.stderr.contains(&what), "{done:?}");
    assert!(done.stderr.contains("`sealtoken pat verify`"), "{done:?}");
    file.execute_batch("DROP INDEX cut")?;
    pats.run("verify", done.stdout.trim_end())?
        .refused("invalid_secret");
    pats.run("verify", &old)?.json()?;
    Ok(())
}

#[test]
fn a_keyset_that_is_gone_is_a_fault_of_the_store() -> Outcome {
    let pats = pats("keyset gone")?;
    let (token, id) = issued(&pats, "--owner ada")?;
    let file = rusqlite::Connection::open(pats.path("sealtoken.db"))?;
    let backup = pats.path("backup.db");
    file.execute("VACUUM INTO ?1", [backup.to_str()])?;
    for rows in ["record", "label"] {
        file.execute(
            &format!("DELETE FROM sealtoken_{rows} WHERE collection = 'pat_keysets'"),
            [],
        )?;
    }
    for line in [
        "verify",
        "issue --owner ada",
        "list",
        "rewrap",
        &format!("revoke {id}"),
    ] {
        let done = pats.run(line, &token)?;
        done.failed("\"pat\" of the collection pat_keysets from a backup");
    }
    let gone = pats.run("verify", &token)?;
    pats.bring_back(&gone, "pat_keysets")?;
    pats.run("verify", &token)?.json()?;
    Ok(())
}

#[test]
fn keys_that_are_rotated_open_the_tokens_until_a_rewrap_and_after() -> Outcome {
    let mut pats = pats("rewrap")?;
    let (token, _) = issued(&pats, "--owner a")?;
    let old = pats.program.keys.clone().ok_or("keys")?;
    let new = Key::generate().expose();
    pats.program.keys = Some(new.to_string());
    let lost = pats.run("verify", &token)?;
    assert!(lost.status == Some(1) && lost.stdout.is_empty(), "{lost:?}");
    assert!(lost.stderr.contains("not in the ring"), "{lost:?}");
    pats.program.keys = Some(format!("{} {old}", *new));
    pats.quiet("rewrap", "")?;
    pats.program.keys = Some(new.to_string());
    pats.run("verify", &token)?.json()?;
    Ok(())
}
