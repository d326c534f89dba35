//! `pat issue`, `verify`, `generate` and `register`.

use std::fs;

use serde_json::json;

use crate::pat::{ID, ORIGINAL, SCRYPT, id_of, issued, pats};
use crate::vault::{FUTURE, PAST};
use crate::{Outcome, feed};

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
        &format!("{token} x"),
    ] {
        verify(text)?.refused("invalid_format");
    }
    for text in [&format!("{token} "), &format!("\u{feff} {token}\r\n")] {
        assert_eq!(verify(text)?.status, Some(0), "{text:?}");
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
    let twice = "--metadata k=1 --metadata l=1 --metadata k=2";
    let hash = format!("register --id {ID} --owner a --hash-file none");
    for command in ["issue --owner a", &hash, &format!("update {ID}")] {
        let done = pats.run(&format!("{command} {twice}"), "")?;
        done.failed("--metadata gives k twice: give each key once");
    }
    pats.run("issue --owner a --prefix Acme", "")?
        .failed("a prefix begins with a lower-case letter");
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
        .failed("cannot create the hash file");
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
        (&format!("{SCRYPT}\nx"), "invalid_phc"),
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
        format!("\u{feff}{SCRYPT}\n\n"),
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
fn a_prefix_of_ones_own_is_taken_before_and_after_the_command() -> Outcome {
    let pats = pats("prefix")?;
    let token = pats.line("--prefix acme_pat_ issue --owner a", "")?;
    assert!(token.starts_with("acme_pat_"), "{token}");
    pats.run("verify --prefix acme_pat_", &token)?.json()?;
    pats.run("verify", &token)?.refused("invalid_prefix");
    pats.run("verify --prefix new_ --accept-prefix acme_pat_", &token)?
        .json()?;
    pats.run("verify --accept-prefix ä", &token)?
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

    // The pattern, matched by hand: no regex engine is a dependency.
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
