//! Where a vault is, and the keys that open it.

use std::error::Error;
use std::process::Child;

use sealtoken::{Key, KeyRing};

use crate::vault::{PASSWORD, Vault};
use crate::{Outcome, Program, feed};

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
        .failed("cannot be used");
    // `--no-migrate` creates no schema.
    vault
        .run("list --no-migrate --store sqlite:new.db", "")?
        .failed("cannot be used");
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

/// Runs on an emulator, as `tests/servers` describes.
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
    vault.run("read", &token)?.failed("not in the ring");
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

/// A command ends with its process, so it waits for the entries that move to another cost.
#[tokio::test]
async fn a_command_moves_the_password_that_it_takes_to_the_newest_cost() -> Outcome {
    use sealtoken::store::{Collection, Query, RecordKey, Store as _};
    use sealtoken::vault::{Argon2Cost, Vault as Library};
    use sealtoken_sqlite::SqliteStore;

    let vault = Vault::new("costs")?;
    let keys: KeyRing = vault.program.keys.as_deref().ok_or("keys")?.parse()?;
    let store = SqliteStore::open(vault.path("sealtoken.db")).await?;
    // Each command uses another password.
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
