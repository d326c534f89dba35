//! What no message shows, and output that nobody reads.

use std::fs;

use crate::Outcome;
use crate::pat::{ID, SCRYPT, issued, pats};

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
        done.failed("an argument looks like a secret");
        done.one_line("error: ");
        for secret in [&token, &other, SCRYPT] {
            assert!(!done.stderr.contains(secret), "{done:?}");
        }
    }
    // A token given instead of its id.
    for command in ["revoke", "get", "restore"] {
        let done = pats.run(&format!("{command} {token}"), "")?;
        done.refused("invalid_id");
        assert!(!done.stderr.contains(&token[26..]), "{done:?}");
    }
    // Neither the record nor a list shows the secret, nor the hash unless asked.
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

/// Nobody has it, and it cannot be removed, so the message names it and says how to revoke it.
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
        done.failed("everything else was done");
    }
    let owners = pats.run("list --json", "")?.json()?;
    let owners: Vec<_> = owners.as_array().ok_or("list")?.iter().collect();
    assert_eq!(owners.len(), 2);
    assert!(owners.iter().any(|record| record["owner"] == "bea"));
    Ok(())
}

/// The use is written after the answer, because another process may lock the file.
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
    // It still waits to write.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(child.try_wait()?.is_none());
    file.execute_batch("ROLLBACK")?;
    assert!(child.wait()?.success());
    let used = pats.run(&format!("get {id} --json"), "")?.json()?;
    assert!(used["last_used_at"].is_string(), "{used}");
    Ok(())
}
