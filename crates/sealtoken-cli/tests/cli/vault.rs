//! `sealtoken vault`: the commands about one value.

use std::error::Error;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Stdio};

use sealtoken::{Key, KeyRing};

use super::{Folder, Outcome, Program, feed};

/// Long before any test runs, and long after.
pub(super) const PAST: &str = "1763755200";
pub(super) const FUTURE: &str = "9999999999";

pub(super) const PASSWORD: &str = "correct horse";

/// A vault in a folder of its own, where the program runs.
pub(super) struct Vault(Folder);

impl Deref for Vault {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.0
    }
}

impl DerefMut for Vault {
    fn deref_mut(&mut self) -> &mut Folder {
        &mut self.0
    }
}

impl Vault {
    pub(super) fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        let folder = Folder::new("vault", name)?;
        folder.write("pw", format!("{PASSWORD}\n"))?;
        Ok(Self(folder))
    }

    /// Asserts that a token has this value.
    pub(super) fn has(&self, line: &str, token: &str, value: impl AsRef<[u8]>) -> Outcome {
        let output = self.bytes(&format!("read {line}"), token)?;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, value.as_ref(), "{output:?}");
        Ok(())
    }

    fn start(&self, line: &str) -> std::io::Result<Child> {
        self.command(line).stdin(Stdio::piped()).spawn()
    }
}

#[test]
fn a_value_is_every_byte_of_stdin_and_comes_back_so() -> Outcome {
    let vault = Vault::new("bytes")?;
    let every: Vec<u8> = (0..=255).collect();
    let longest = vec![0xa5; 1024 * 1024];
    for value in [
        &b""[..],
        b"text",
        b"text\n",
        b"\r\n",
        b"\n\n",
        b"\0\0",
        b"a\0b\nc\r\nd",
        b"\xff\xfe",
        &every,
        &longest,
    ] {
        for password in ["", "--password-file pw"] {
            let token = vault.line(&format!("create {password}"), value)?;
            assert!(token.starts_with("tk_") && token.len() == 32, "{token}");
            vault.has(password, &token, value)?;
            vault.quiet(&format!("update {password}"), format!("{token}\nnew"))?;
            vault.has(password, &token, "new")?;
            let input = [token.as_bytes(), b"\r\n", value].concat();
            vault.quiet(&format!("update {password}"), input)?;
            vault.has(password, &token, value)?;
        }
    }
    let one_over = vec![0; 1024 * 1024 + 1];
    vault.run("create", &one_over)?.refused("value_too_long");
    vault.write("own", "a-token-of-my-own")?;
    vault.line("create --token-file own", "kept")?;
    let update = vault.run("update --token-file own", &one_over)?;
    update.refused("value_too_long");
    let input = [b"a-token-of-my-own\n", &one_over[..]].concat();
    vault.run("update", input)?.refused("value_too_long");
    vault.has("--token-file own", "", "kept")
}

#[test]
fn a_token_comes_from_the_first_line_of_stdin_or_from_a_file() -> Outcome {
    let vault = Vault::new("tokens")?;
    let token = vault.line("create", "value")?;
    for input in ["{}", "{}\n", "{}\r\n", "{}\nmore", "{}\n\n", "{}\r\n\r\n"] {
        let text = input.replace("{}", &token);
        vault.has("", &text, "value")?;
        vault.write("file", &text)?;
        // A file holds the token and nothing else.
        let done = vault.run("read --token-file file", "other")?;
        if input.trim_end_matches("\r\n").trim_end_matches('\n') == "{}"
            && !input.ends_with("\n\n")
            && !input.ends_with("\n\r\n")
        {
            assert_eq!(done.stdout, "value", "{input:?}");
        } else {
            done.refused("not_found");
        }
    }
    for input in [
        String::new(),
        "\n".into(),
        format!("\n{token}\n"),
        format!(" {token}\n"),
        format!("{token} \n"),
        format!("{token}\0\n"),
        format!("\u{feff}{token}\n"),
        format!("{token}\r\r\n"),
        token[..31].to_owned(),
        format!("{token}A"),
        token.to_uppercase(),
        "x".repeat(10_000_000),
    ] {
        for command in [
            "read",
            "get",
            "renew --expires-in 1d",
            "soft-delete",
            "delete",
            "restore",
        ] {
            vault.run(command, &input)?.refused("not_found");
        }
        if input.len() < 1000 {
            vault
                .run("update", format!("{}\nvalue", input.trim_end_matches('\n')))?
                .refused("not_found");
        }
    }
    vault.run("read", b"tk_\xff\n")?.refused("not_found");
    vault
        .run("read --token-file nowhere", "")?
        .failed("token file");
    // A token without a line ending has no value after it.
    for input in ["", &token] {
        vault
            .run("update", input)?
            .failed("there is no value on stdin");
    }
    vault.quiet("update", format!("{token}\n"))?;
    vault.has("", &token, "")
}

#[test]
fn a_token_has_the_length_or_the_text_that_is_asked_for() -> Outcome {
    let vault = Vault::new("lengths")?;
    for (options, length) in [
        ("--length 25", 25),
        ("--length 64", 64),
        ("--length 15 --weak", 15),
    ] {
        let token = vault.line(&format!("create {options}"), "value")?;
        assert!(token.starts_with("tk_") && token.len() == length, "{token}");
        vault.has("", &token, "value")?;
    }
    let weak = vault.run("create --length 24", "value")?;
    weak.refused("weak_token");
    assert!(weak.stderr.contains("--weak"), "{weak:?}");
    for length in [0, 14, 65] {
        let line = format!("create --weak --length {length}");
        vault.run(&line, "value")?.refused("invalid_token_length");
    }

    vault.write("own", "my_own-Token-42\r\n")?;
    assert_eq!(
        vault.line("create --token-file own", "value")?,
        "my_own-Token-42"
    );
    vault.has("", "my_own-Token-42", "value")?;
    for command in ["get", "soft-delete"] {
        vault
            .run("create --token-file own", "other")?
            .refused("already_exists");
        assert_eq!(
            vault
                .run(&format!("{command} --token-file own"), "")?
                .status,
            Some(0)
        );
    }
    vault
        .run("create --token-file own", "other")?
        .refused("already_exists");
    vault.quiet("delete --token-file own", "")?;
    vault.line("create --token-file own", "other")?;
    for text in [
        "",
        "too-short-token",
        "with a space in it",
        "sch\u{f6}ner-langer-token",
        "two\nlines-of-a-token",
    ] {
        let text = &text[..text.len() - usize::from(text == "too-short-token")];
        vault.write("own", text)?;
        vault
            .run("create --token-file own", "value")?
            .refused("invalid_token");
    }
    Ok(())
}

#[test]
fn a_password_is_a_file_without_one_line_ending() -> Outcome {
    let vault = Vault::new("passwords")?;
    let token = vault.line("create --password-file pw", "value")?;
    for (name, content, right) in [
        ("bare", PASSWORD.to_owned(), true),
        ("crlf", format!("{PASSWORD}\r\n"), true),
        ("two", format!("{PASSWORD}\n\n"), false),
        ("space", format!("{PASSWORD} \n"), false),
        ("before", format!("\n{PASSWORD}\n"), false),
        ("other", "battery staple\n".into(), false),
    ] {
        vault.write(name, content)?;
        let done = vault.run(&format!("read --password-file {name}"), &token)?;
        if right {
            assert_eq!(done.stdout, "value", "{name}");
        } else {
            done.refused("invalid_password");
        }
    }
    vault.run("read", &token)?.refused("invalid_password");
    vault
        .run("update", format!("{token}\nother"))?
        .refused("invalid_password");
    vault.has("--password-file pw", &token, "value")?;
    let open = vault.line("create", "open")?;
    vault
        .run("read --password-file pw", &open)?
        .refused("invalid_password");

    for (name, content, code) in [
        ("empty", Vec::new(), "empty_password"),
        ("line", b"\r\n".to_vec(), "empty_password"),
        ("short", b"1234567\n".to_vec(), "password_too_short"),
        ("long", vec![b'x'; 1025], "password_too_long"),
    ] {
        vault.write(name, content)?;
        vault
            .run(&format!("create --password-file {name}"), "value")?
            .refused(code);
    }
    vault.write("bytes", b"\xff\xff\xff\xff\xff\xff\xff\xff")?;
    vault
        .run("create --password-file bytes", "value")?
        .failed("UTF-8");
    vault
        .run("create --password-file nowhere", "value")?
        .failed("password file");
    // Two encodings of one password.
    vault.write("composed", "p\u{e4}ssword")?;
    vault.write("decomposed", "pa\u{308}ssword")?;
    let token = vault.line("create --password-file composed", "value")?;
    vault.has("--password-file decomposed", &token, "value")
}

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
    // As many as before stay.
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

#[test]
fn a_namespace_has_values_of_its_own() -> Outcome {
    let vault = Vault::new("namespaces")?;
    vault.write("own", "the-same-token-twice")?;
    vault.line(
        "create --token-file own --namespace ada --password-file pw",
        "ada's",
    )?;
    vault.line("create --token-file own --namespace bob", "bob's")?;
    vault.has(
        "--namespace ada --password-file pw",
        "the-same-token-twice",
        "ada's",
    )?;
    vault.has("--namespace bob", "the-same-token-twice", "bob's")?;
    vault.run("read --token-file own", "")?.refused("not_found");
    vault
        .run("read --token-file own --namespace eve", "")?
        .refused("not_found");
    let long = "n".repeat(256);
    vault
        .run(&format!("read --namespace {long}"), "x")?
        .refused("invalid_namespace");
    vault
        .run("read --namespace=", "x")?
        .refused("invalid_namespace");
    Ok(())
}

#[test]
fn the_store_is_the_option_the_environment_or_a_file_here() -> Outcome {
    let vault = Vault::new("stores")?;
    let token = vault.line("create", "here")?;
    assert!(vault.path("sealtoken.db").is_file());
    vault.has("--store sqlite:sealtoken.db", &token, "here")?;
    vault.has(
        &format!("--store sqlite:{}", vault.path("sealtoken.db").display()),
        &token,
        "here",
    )?;
    vault
        .run("read --store sqlite:other.db", &token)?
        .refused("not_found");
    assert!(vault.path("other.db").is_file());

    let with = |store: &str, line: &str| {
        feed(
            vault.command(line).env("SEALTOKEN_STORE", store),
            token.as_bytes(),
        )
    };
    assert_eq!(with("sqlite:other.db", "read")?.status.code(), Some(2));
    assert_eq!(
        with("sqlite:other.db", "read --store sqlite:sealtoken.db")?.stdout,
        b"here"
    );
    assert_eq!(with("", "read")?.stdout, b"here");
    let secret = "postgres://user:hunter2@127.0.0.1:1/db";
    for output in [
        with(secret, "read")?,
        with("hunter2", "read")?,
        feed(&mut vault.command(&format!("read --store {secret}")), b"")?,
    ] {
        let text = String::from_utf8(output.stderr)?;
        assert!(
            output.status.code() == Some(1) && output.stdout.is_empty(),
            "{text}"
        );
        assert!(
            text.starts_with("error: ") && text.lines().count() == 1,
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }

    vault.write(
        "text",
        "no database, but text that is long enough to have the header of one: ".repeat(20),
    )?;
    vault
        .run("list --store sqlite:text", "")?
        .failed("not an SQLite database");
    vault
        .run("list --store sqlite:no/folder/here", "")?
        .failed("cannot be opened");
    // `--no-migrate` creates no schema.
    vault
        .run("list --no-migrate --store sqlite:new.db", "")?
        .failed("cannot be opened");
    assert!(!vault.path("new.db").exists());
    vault.write("new.db", "")?;
    vault
        .run("list --no-migrate --store sqlite:new.db", "")?
        .failed("run the migrations");
    vault.has("--no-migrate", &token, "here")
}

#[test]
fn the_schema_is_printed_in_numbered_steps() -> Outcome {
    let program = Program::without_keys();
    let done = program.run(&["store", "schema", "sqlite"], "")?;
    assert!(
        done.status == Some(0) && done.stdout.starts_with("-- 1\nBEGIN;\n"),
        "{done:?}"
    );
    assert!(
        done.stdout.ends_with("COMMIT;\n") && done.stdout.contains("CREATE TABLE"),
        "{done:?}"
    );
    let done = program.run(&["store", "schema", "postgres"], "")?;
    if cfg!(feature = "postgres") {
        assert!(done.stdout.starts_with("-- 1\nBEGIN;\n"), "{done:?}");
    } else {
        done.failed("--features postgres");
    }
    Ok(())
}

#[test]
fn a_store_is_created_and_a_table_is_printed() -> Outcome {
    let vault = Vault::new("create")?;
    let store = |line: &str| {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = vault.program.command(&arguments);
        feed(command.current_dir(&vault.folder), b"")
    };
    let done = store("store create --store sqlite:made.db")?;
    assert!(done.status.success() && done.stdout.is_empty() && done.stderr.is_empty());
    let done = vault.run("list --no-migrate --store sqlite:made.db", "")?;
    assert_eq!(done.status, Some(0), "{done:?}");

    let template = store("store template cloudformation --table mine")?;
    let terraform = store("store template terraform")?;
    let opened = vault.run("list --store dynamodb:mine?zone=z", "")?;
    if cfg!(feature = "dynamodb") {
        let template: serde_json::Value = serde_json::from_slice(&template.stdout)?;
        let table = &template["Resources"]["SealtokenTable"]["Properties"];
        assert_eq!(table["TableName"], "mine");
        let terraform = String::from_utf8(terraform.stdout)?;
        assert!(terraform.starts_with("resource \"aws_dynamodb_table\" \"sealtoken\" {\n"));
        opened.failed("?region=REGION");
    } else {
        let said = String::from_utf8(template.stderr)?;
        assert!(said.contains("--features dynamodb"), "{said}");
        opened.failed("--features dynamodb");
    }
    Ok(())
}

/// On an emulator, as `tests/servers` describes.
#[cfg(feature = "dynamodb")]
#[test]
fn a_vault_is_in_a_table() -> Outcome {
    let Some(endpoint) = sealtoken_test_servers::dynamodb::endpoint() else {
        return Ok(());
    };
    let vault = Vault::new("table")?;
    let table = format!("sealtoken_test_cli_{}", std::process::id());
    let store = format!("dynamodb:{table}?region=eu-central-1&endpoint={endpoint}");
    let run = |mut command: std::process::Command, stdin: &[u8]| {
        let command = command.env("SEALTOKEN_STORE", &store);
        let command = command.env("AWS_ACCESS_KEY_ID", "AKIATEST");
        feed(command.env("AWS_SECRET_ACCESS_KEY", "not a secret"), stdin)
    };
    let early = run(vault.command("list"), b"")?;
    let said = String::from_utf8(early.stderr)?;
    assert!(
        said.contains("sealtoken store create --store dynamodb:"),
        "{said}"
    );
    for _ in 0..2 {
        let made = run(vault.program.command(&["store", "create"]), b"")?;
        assert!(made.status.success(), "{made:?}");
    }
    let token = run(vault.command("create --password-file pw"), b"value")?.stdout;
    let value = run(vault.command("read --password-file pw"), &token)?;
    assert_eq!(value.stdout, b"value");
    Ok(())
}

#[test]
fn a_vault_opens_with_its_keys_and_no_others() -> Outcome {
    let mut vault = Vault::new("keys")?;
    let token = vault.line("create", "value")?;
    let keys = vault.program.keys.take();
    vault.run("read", &token)?.failed("SEALTOKEN_KEYS");
    let stranger = Key::generate();
    vault.program.keys = Some(stranger.expose().to_string());
    vault.run("read", &token)?.refused("unknown_key");
    vault.write("keys", keys.ok_or("keys")?)?;
    vault.has("--key-file keys", &token, "value")
}

#[test]
fn processes_that_start_at_once_share_a_new_file() -> Outcome {
    let vault = Vault::new("crowd")?;
    let children: Result<Vec<Child>, _> = (0..8)
        .map(|_| vault.start("create --password-file pw"))
        .collect();
    for (number, child) in children?.into_iter().enumerate() {
        let mut child = child;
        use std::io::Write as _;
        child
            .stdin
            .take()
            .ok_or("stdin")?
            .write_all(&[b'0' + number as u8])?;
        let output = child.wait_with_output()?;
        assert!(output.status.success(), "{output:?}");
        let token = String::from_utf8(output.stdout)?;
        vault.has("--password-file pw", &token, [b'0' + number as u8])?;
    }
    assert_eq!(vault.line("list --count", "")?, "8");
    Ok(())
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is_one() -> Outcome {
    let vault = Vault::new("gone")?;
    let token = vault.line("create", vec![b'x'; 100_000])?;
    vault.write("token", &token)?;
    for line in [
        "read --token-file token",
        "list",
        "list --json",
        "get --token-file token",
    ] {
        let mut child = vault.start(line)?;
        drop(child.stdout.take());
        let output = child.wait_with_output()?;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{line}: {output:?}"
        );
        if cfg!(target_os = "linux") {
            let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
            let output = vault
                .command(line)
                .stdin(Stdio::null())
                .stdout(full)
                .spawn()?
                .wait_with_output()?;
            assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        }
    }
    Ok(())
}

/// Nobody has the token, and the value cannot be removed again: so the message names it.
#[cfg(target_os = "linux")]
#[test]
fn a_value_whose_token_could_not_be_printed_is_removed_or_named() -> Outcome {
    let vault = Vault::new("unremovable")?;
    vault
        .full("create", "value")?
        .failed("the value was removed again");
    assert_eq!(vault.line("list --count", "")?, "0");

    let token = "a-token-of-ones-own-with-32-chars";
    vault.write("token", token)?;
    let create = "create --token-file token";
    vault.line(create, "value")?;
    let file = vault.unremovable("vault_values")?;
    let done = vault.full(create, "value")?;
    assert!(done.stderr.contains("could not be printed"), "{done:?}");
    let list = vault.run("list --json", "")?.json()?;
    let id = list[0]["id"].as_str().ok_or("id")?.to_owned();
    let delete = format!("delete --id {id}");
    let what = format!("run `sealtoken vault {delete}`");
    assert!(done.stderr.contains(&what), "{done:?}");
    file.execute_batch("DROP TABLE held")?;
    vault.quiet(&delete, "")?;
    assert_eq!(vault.line("list --count", "")?, "0");
    Ok(())
}

/// The command reads what the library stores, and the other way round.
#[tokio::test]
async fn the_command_and_the_library_share_a_vault() -> Outcome {
    use sealtoken_sqlite::SqliteStore;

    let vault = Vault::new("library")?;
    let keys: KeyRing = vault.program.keys.as_deref().ok_or("keys")?.parse()?;
    let store = SqliteStore::open(vault.path("sealtoken.db")).await?;
    let library = sealtoken::vault::Vault::open(store, &keys).await?;
    let token = library.create("from there").password(PASSWORD).await?;
    vault.has("--password-file pw", token.expose(), "from there")?;
    let token = vault.line("create --password-file pw", "from here")?;
    let value = library.read(&token).password(PASSWORD).await?;
    assert_eq!(value.expose(), b"from here");
    Ok(())
}

/// A command ends with its process, so it waits for the entries that move up behind it.
#[tokio::test]
async fn a_command_moves_the_password_that_it_takes_to_the_newest_cost() -> Outcome {
    use sealtoken::store::{Collection, Query, RecordKey, Store as _};
    use sealtoken::vault::{Argon2Cost, Vault as Library};
    use sealtoken_sqlite::SqliteStore;

    let vault = Vault::new("costs")?;
    let keys: KeyRing = vault.program.keys.as_deref().ok_or("keys")?.parse()?;
    let store = SqliteStore::open(vault.path("sealtoken.db")).await?;
    // Each command has a password of its own.
    let commands = [
        "read --password-file 0",
        "update --password-file 1",
        "roll-back --to 1 --password-file 2",
        "create --password-file 3",
    ];
    let library = Library::options()
        .keep_versions(1)
        .open(store.clone(), &keys)
        .await?;
    let mut tokens = Vec::new();
    for number in 0..commands.len() {
        let password = format!("password number {number}");
        vault.write(&number.to_string(), &password)?;
        let token = library.create("first").password(&*password).await?;
        library
            .update(&token, "second")
            .password(&*password)
            .await?;
        tokens.push(token);
    }
    let stronger = Library::options().argon2_cost(Argon2Cost::new(20, 2, 1)?);
    stronger.open(store.clone(), &keys).await?;

    let passwords = Query::all(Collection::new("vault_passwords")?).limit(100);
    let entries = async || -> Result<Vec<RecordKey>, Box<dyn Error>> {
        let page = store.scan(&passwords).await?;
        Ok(page.records.into_iter().map(|record| record.key).collect())
    };
    for (line, token) in commands.iter().zip(&tokens) {
        let before = entries().await?;
        let done = vault.run(line, format!("{}\n", token.expose()))?;
        assert_eq!(done.status, Some(0), "{line}: {done:?}");
        let after = entries().await?;
        // The location of an entry depends on its cost.
        let moved = before.iter().filter(|key| !after.contains(key)).count();
        assert_eq!((moved, after.len()), (1, commands.len()), "{line}");
    }
    Ok(())
}
