//! `sealtoken pat`: the commands about one token.

use std::error::Error;
use std::fs;

use sealtoken::Key;
use serde_json::{Value, json};

use super::vault::{FUTURE, PAST};
use super::{Folder, Outcome, feed};

/// A hash as `@access-tokens/core` makes one, of the bytes 0 to 31: from Python's hashlib.
pub(super) const SCRYPT: &str =
    "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$8/ASnI3wyFRQ9rdjFAtVOEwhRvVJcfHLuEFs02OoWn8";
/// The token with that hash.
pub(super) const ORIGINAL: &str =
    "pat_34NwRzvnBbgI3uedkrQ3Q.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(super) const ID: &str = "34NwRzvnBbgI3uedkrQ3Q";

pub(super) fn pats(name: &str) -> Result<Folder, Box<dyn Error>> {
    Folder::new("pat", name)
}

/// Issues a token; its text and its id.
pub(super) fn issued(pats: &Folder, options: &str) -> Result<(String, String), Box<dyn Error>> {
    let text = pats.line(&format!("issue {options}"), "")?;
    let id = id_of(&text)?.to_owned();
    Ok((text, id))
}

fn id_of(token: &str) -> Result<&str, &'static str> {
    let (_, rest) = token.split_once("pat_").ok_or("no prefix")?;
    rest.get(..21).ok_or("too short")
}

#[test]
fn a_token_is_verified_by_another_process_and_its_record_printed() -> Outcome {
    let pats = pats("verify")?;
    let options = "--owner ada@example.com --role reader --role writer --scope repo:read --admin \
                   --name laptop --metadata ticket=OPS-12 --metadata empty= --expires-in 90d";
    let (token, id) = issued(&pats, &format!("{options} --at {PAST}"))?;
    assert_eq!((token.len(), &token[..4]), (75, "pat_"));
    for ending in ["", "\n", "\r\n", "\nmore"] {
        let at = (PAST.parse::<i64>()? + 60).to_string();
        let record = pats.run(&format!("verify --at {at}"), format!("{token}{ending}"))?;
        let expected = json!({
            "id": id, "state": "live", "owner": "ada@example.com", "admin": true,
            "roles": ["reader", "writer"], "scopes": ["repo:read"], "name": "laptop",
            "metadata": {"ticket": "OPS-12", "empty": ""}, "origin": "issued",
            "created_at": "2025-11-21T20:00:00Z", "updated_at": "2025-11-21T20:00:00Z",
            "last_used_at": "2025-11-21T20:01:00Z", "expires_at": "2026-02-19T20:00:00Z",
            "revoked_at": null, "purge_at": null, "previous_secret_expires_at": null,
        });
        assert_eq!(record.json()?, expected);
    }
    assert_eq!(pats.run("verify --json", &token)?.status, Some(2));
    // The id comes first.
    let record = pats.line(&format!("verify --at {PAST}"), &token)?;
    assert!(
        record.starts_with(&format!(r#"{{"id":"{id}","owner":"#)),
        "{record}"
    );
    Ok(())
}

#[test]
fn every_reason_to_refuse_has_its_code_and_leaves_stdout_empty() -> Outcome {
    let pats = pats("reasons")?;
    let verify = |text: &str| pats.run("verify", text);
    let (token, id) = issued(&pats, "--owner ada")?;
    for text in ["", "nonsense", "acme_x", &token.replacen("pat", "pet", 1)] {
        verify(text)?.refused("invalid_prefix");
    }
    let other = if token.ends_with('a') { "b" } else { "a" };
    let mistyped = format!("{}{other}", &token[..74]);
    let twice = format!("{token}{token}");
    let huge = format!("pat_{}", "a".repeat(32 * 1024 * 1024));
    for text in [
        "pat_",
        &mistyped,
        &twice,
        &huge,
        &token[..74],
        &format!("{token} "),
    ] {
        verify(text)?.refused("invalid_format");
    }
    verify("pat_\u{e4}")?.refused("invalid_format");

    let elsewhere = pats.line("generate", "")?;
    verify(&elsewhere)?.refused("not_found");
    let rotated = pats.line(&format!("generate --id {id}"), "")?;
    verify(&rotated)?.refused("invalid_secret");
    pats.quiet(&format!("revoke {id}"), "")?;
    verify(&token)?.refused("revoked");
    verify(&rotated)?.refused("invalid_secret");

    let (token, _) = issued(&pats, "--owner ada --expires-in 1d")?;
    let late = pats.run(&format!("verify --at {FUTURE}"), &token)?;
    late.refused("expired");
    Ok(())
}

#[test]
fn what_cannot_be_issued_is_refused_and_nothing_is_stored() -> Outcome {
    let pats = pats("cannot")?;
    let long = "x".repeat(101);
    let roles: String = (0..51).map(|number| format!("--role r{number} ")).collect();
    for (options, code) in [
        ("--owner=".to_owned(), "invalid_owner"),
        (format!("--owner {long}"), "invalid_owner"),
        (format!("--owner a --role {long}"), "invalid_role"),
        (format!("--owner a {roles}"), "too_many_roles"),
        (format!("--owner a --name {long}"), "invalid_name"),
        (format!("--owner a --metadata {long}=x"), "invalid_metadata"),
        ("--owner a --expires-at 5".into(), "invalid_expiry"),
        ("--owner a --id short".into(), "invalid_id"),
    ] {
        pats.run(&format!("issue {options}"), "")?.refused(code);
    }
    pats.run("issue --owner a --prefix Acme", "")?
        .failed("a prefix is a lower-case letter");
    assert_eq!(pats.line("list --json", "")?, "[]");

    let (_, id) = issued(&pats, &format!("--owner a --id {ID}"))?;
    assert_eq!(id, ID);
    pats.run(&format!("issue --owner a --id {ID}"), "")?
        .refused("already_exists");
    Ok(())
}

#[test]
fn with_json_a_token_comes_with_its_id_and_hash() -> Outcome {
    let pats = pats("json")?;
    let rotate = format!("rotate {ID} --overlap 1h --json");
    for command in [
        &format!("issue --owner a --id {ID} --json"),
        "generate --json",
        &rotate,
    ] {
        let made = pats.run(command, "")?.json()?;
        let members: Vec<&String> = made.as_object().ok_or("object")?.keys().collect();
        assert_eq!(members, ["hash", "id", "token"], "{made}");
        let token = made["token"].as_str().ok_or("token")?;
        assert_eq!(Some(id_of(token)?), made["id"].as_str());
        let hash = made["hash"].as_str().ok_or("hash")?;
        assert!(hash.starts_with("$hmac-sha256$kid="), "{hash}");
        if made["id"] == ID {
            let get = format!("get {ID} --json --with-hash");
            assert_eq!(pats.run(&get, "")?.json()?["hash"], hash);
            assert_eq!(pats.run("verify", token)?.json()?["id"], ID);
        }
    }
    Ok(())
}

#[test]
fn a_generated_token_is_good_once_it_is_registered() -> Outcome {
    let pats = pats("register")?;
    let token = pats.line("generate --hash-file hash.txt", "")?;
    let id = id_of(&token)?;
    pats.run("verify", &token)?.refused("not_found");
    let hash = fs::read_to_string(pats.path("hash.txt"))?;

    pats.run("generate --hash-file hash.txt", "")?
        .failed("cannot make the hash file");
    assert_eq!(fs::read_to_string(pats.path("hash.txt"))?, hash);

    let register = format!("register --id {id} --owner ci --role deploy --admin --expires-in 1d");
    pats.quiet(&format!("{register} --hash-file hash.txt"), "")?;
    let record = pats.run("verify", &token)?.json()?;
    assert_eq!(
        (&record["origin"], &record["roles"], &record["admin"]),
        (&json!("registered"), &json!(["deploy"]), &json!(true))
    );
    pats.run(&format!("{register} --hash-file -"), &hash)?
        .refused("already_exists");

    let other = pats.run("generate --json", "")?.json()?;
    let (id, hash) = (other["id"].as_str(), other["hash"].as_str());
    let register = format!(
        "register --id {} --owner ci --hash-file - --json",
        id.ok_or("id")?
    );
    let record = pats.run(&register, hash.ok_or("hash")?)?.json()?;
    assert_eq!(
        (&record["id"], &record["owner"]),
        (&other["id"], &json!("ci"))
    );
    Ok(())
}

#[test]
fn a_hash_that_nothing_verifies_with_is_refused_by_its_name() -> Outcome {
    let (here, elsewhere) = (pats("hashes")?, pats("hashes-elsewhere")?);
    let foreign = elsewhere.run("generate --json", "")?.json()?;
    let foreign = foreign["hash"].as_str().ok_or("hash")?;
    let cheap = SCRYPT.replace("ln=14", "ln=1");
    for (hash, code) in [
        ("", "invalid_phc"),
        ("nonsense", "invalid_phc"),
        (
            "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
            "invalid_phc",
        ),
        (
            "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
            "unsupported_algorithm",
        ),
        (&cheap, "invalid_parameters"),
        (foreign, "invalid_parameters"),
        (&format!("{SCRYPT}\n\n"), "invalid_phc"),
        (&"$".repeat(100_000), "invalid_phc"),
    ] {
        let done = here.run(&format!("register --id {ID} --owner a --hash-file -"), hash)?;
        done.refused(code);
        assert!(hash.len() < 20 || !done.stderr.contains(hash), "{done:?}");
    }
    here.write("bytes", b"\xff")?;
    for (file, because) in [("bytes", "UTF-8"), ("missing", "cannot read the hash file")] {
        let register = format!("register --id {ID} --owner a --hash-file {file}");
        here.run(&register, "")?.failed(because);
    }
    here.run(&format!("register --id {ID} --owner a --hash-file="), "")?
        .failed("--hash-file");
    here.quiet(
        &format!("register --id {ID} --owner a --hash-file -"),
        format!("{SCRYPT}\n"),
    )?;
    here.run("verify", format!("pat_{ID}.{}=", "A".repeat(43)))?
        .refused("invalid_secret");
    Ok(())
}

#[test]
fn another_systems_token_is_verified_and_its_hash_replaced() -> Outcome {
    let pats = pats("upgrade")?;
    let (token, hash) = (ORIGINAL, SCRYPT);
    pats.quiet(&format!("register --id {ID} --owner a --hash-file -"), hash)?;
    let get = format!("get {ID} --json --with-hash");
    assert_eq!(pats.run("verify", token)?.json()?["owner"], "a");
    assert_eq!(pats.run(&get, "")?.json()?["hash"], hash);
    pats.run("verify --upgrade-hashes", token)?.json()?;
    let upgraded = pats.run(&get, "")?.json()?["hash"].clone();
    assert!(
        upgraded
            .as_str()
            .is_some_and(|hash| hash.starts_with("$hmac-sha256$"))
    );
    assert_eq!(pats.run("verify", token)?.json()?["owner"], "a");
    Ok(())
}

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
    // Without an overlap it is gone, and no clock is asked.
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
fn a_prefix_of_ones_own_is_taken_before_and_after_the_command() -> Outcome {
    let pats = pats("prefix")?;
    let token = pats.line("--prefix acme_pat_ issue --owner a", "")?;
    assert!(token.starts_with("acme_pat_"), "{token}");
    pats.run("verify --prefix acme_pat_", &token)?.json()?;
    pats.run("verify", &token)?.refused("invalid_prefix");
    pats.run("verify --prefix new_ --also-prefix acme_pat_", &token)?
        .json()?;
    pats.run("verify --also-prefix ä", &token)?
        .failed("visible ASCII");
    Ok(())
}

#[test]
fn a_rule_for_a_scanner_finds_what_is_issued() -> Outcome {
    let pats = pats("scanner")?;
    let mut without_keys = pats.program.command(&["pat", "scanner-rule"]);
    let output = feed(without_keys.env_remove("SEALTOKEN_KEYS"), b"")?;
    let expected = "[[rules]]\nid = \"pat-personal-access-token\"\n\
        description = \"A personal access token that begins with pat_\"\n\
        regex = '''\\bpat_[0-9A-Za-z]{21}_[0-9A-Za-z]{49}\\b'''\nkeywords = [\"pat_\"]\n";
    assert_eq!(String::from_utf8(output.stdout)?, expected);
    let github = pats.run("scanner-rule --format github --prefix acme_live_", "")?;
    let expected = "Secret format:  acme_live_[0-9A-Za-z]{21}_[0-9A-Za-z]{49}\n\
        Before secret:  \\A|[^0-9A-Za-z_]\nAfter secret:   \\z|[^0-9A-Za-z_]\n";
    assert_eq!(github.stdout, expected);
    let rule = pats.run("scanner-rule --json", "")?.json()?;
    assert_eq!(rule["pattern"], r"\bpat_[0-9A-Za-z]{21}_[0-9A-Za-z]{49}\b");

    // The pattern, matched by hand: no engine for it is at hand.
    let (token, _) = issued(&pats, "--owner a")?;
    let parts: Vec<&str> = token.split('_').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert_eq!((parts[0], lengths), ("pat", vec![3, 21, 49]));
    assert!(
        token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    );
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

#[test]
fn nothing_secret_is_an_argument_or_in_a_message() -> Outcome {
    let pats = pats("secrets")?;
    let (token, id) = issued(&pats, "--owner a")?;
    let other = pats.line("issue --owner a --prefix acme_", "")?;
    for arguments in [
        format!("verify {token}"),
        format!("verify --token {token}"),
        format!("verify {other}"),
        format!("revoke {id} {token}"),
        format!("get {id} --bogus={other}"),
        format!("register --id {ID} --owner a --hash {SCRYPT}"),
        format!("register --id {ID} --owner a --hash={SCRYPT} --hash-file -"),
    ] {
        let done = pats.run(&arguments, "")?;
        done.failed("never arguments");
        done.one_line("error: ");
        for secret in [&token, &other, SCRYPT] {
            assert!(!done.stderr.contains(secret), "{done:?}");
        }
    }
    // A token where its id belongs.
    for command in ["revoke", "get", "restore"] {
        let done = pats.run(&format!("{command} {token}"), "")?;
        done.refused("invalid_id");
        assert!(!done.stderr.contains(&token[26..]), "{done:?}");
    }
    // Neither the record nor a list shows the secret, or the hash unasked.
    for command in [&format!("get {id}"), "list", "list --json"] {
        let done = pats.run(command, "")?;
        assert!(
            !done.stdout.contains(&token[26..]) && !done.stdout.contains("$hmac"),
            "{done:?}"
        );
    }
    let get = pats.run(&format!("get {id} --with-hash"), "")?;
    assert!(
        get.stdout.contains("\nhash          $hmac-sha256$kid="),
        "{get:?}"
    );
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_token_that_could_not_be_printed_is_not_there() -> Outcome {
    let pats = pats("unprinted")?;
    for line in [
        "issue --owner a",
        "issue --owner a --json",
        "generate --hash-file h",
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
        let output = pats
            .command(line)
            .stdout(full)
            .spawn()?
            .wait_with_output()?;
        assert_eq!(output.status.code(), Some(1), "{line}");
        let stderr = String::from_utf8(output.stderr)?;
        assert!(
            stderr.contains("the token could not be printed"),
            "{stderr}"
        );
    }
    assert_eq!(pats.line("list --json", "")?, "[]");
    assert!(!pats.path("h").exists());
    Ok(())
}

/// Nobody has it, and it cannot be removed: the message names it, and says how to revoke it.
#[cfg(target_os = "linux")]
#[test]
fn a_token_that_could_not_be_printed_or_removed_is_named() -> Outcome {
    let pats = pats("unremovable")?;
    let issue = format!("issue --owner ada --id {ID}");
    pats.line(&issue, "")?;
    let file = pats.unremovable("pat_tokens")?;
    let done = pats.full(&issue, "")?;
    assert_ne!(done.status, Some(0), "{done:?}");
    assert!(done.stderr.contains("could not be printed"), "{done:?}");
    let revoke = format!("revoke {ID}");
    let what = format!("run `sealtoken pat {revoke}`");
    assert!(done.stderr.contains(&what), "{done:?}");
    pats.quiet(&revoke, "")?;
    let state = pats.run(&format!("get {ID} --json"), "")?.json()?;
    assert_eq!(state["state"], "revoked");
    drop(file);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_change_whose_record_could_not_be_printed_is_said_to_be_made() -> Outcome {
    let pats = pats("unsaid")?;
    let (_, id) = issued(&pats, "--owner ada --expires-in 1h")?;
    let made = pats.run("generate --json", "")?.json()?;
    pats.write("hash", made["hash"].as_str().ok_or("hash")?)?;
    let new = made["id"].as_str().ok_or("id")?;
    for line in [
        format!("register --id {new} --owner ada --hash-file hash --json"),
        format!("update {id} --owner bea --json"),
        format!("revoke {id} --json"),
        format!("restore {id} --json"),
        "purge-expired".into(),
        "purge-expired --json".into(),
    ] {
        let done = pats.full(&line, "")?;
        done.failed("cannot write to stdout");
        done.failed("all else was done");
    }
    let owners = pats.run("list --json", "")?.json()?;
    let owners: Vec<_> = owners.as_array().ok_or("list")?.iter().collect();
    assert_eq!(owners.len(), 2);
    assert!(owners.iter().any(|record| record["owner"] == "bea"));
    Ok(())
}

/// What is left to be written is written behind the answer: another process may lock the file.
#[test]
fn a_verified_token_is_printed_before_its_use_is_written() -> Outcome {
    use std::io::{BufRead as _, BufReader, Write as _};

    let pats = pats("verify first")?;
    let (token, id) = issued(&pats, "--owner ada")?;
    let file = rusqlite::Connection::open(pats.path("sealtoken.db"))?;
    file.execute_batch("BEGIN IMMEDIATE")?;
    let mut child = pats.command("verify").spawn()?;
    let mut stdin = child.stdin.take().ok_or("stdin")?;
    writeln!(stdin, "{token}")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("stdout")?).read_line(&mut line)?;
    assert!(line.contains(&id), "{line}");
    // It is still about to write.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(child.try_wait()?.is_none());
    file.execute_batch("ROLLBACK")?;
    assert!(child.wait()?.success());
    let used = pats.run(&format!("get {id} --json"), "")?.json()?;
    assert!(used["last_used_at"].is_string(), "{used}");
    Ok(())
}
