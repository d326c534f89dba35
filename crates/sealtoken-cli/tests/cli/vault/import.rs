//! `sealtoken vault import`.

use serde_json::{Value, json};

use crate::vault::{FUTURE, Vault};
use crate::{NOW, Outcome};

/// A stored value of the vectors, its password and its plaintext.
pub(crate) fn vector(name: &str) -> Result<(String, String, Vec<u8>), Box<dyn std::error::Error>> {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../../tests/vectors/vaultstore.json"))?;
    let all = vectors["vectors"].as_array().ok_or("vectors")?;
    let vector = all
        .iter()
        .find(|vector| vector["name"] == name)
        .ok_or_else(|| name.to_owned())?;
    let text = |member: &str| vector[member].as_str().map(str::to_owned).ok_or("member");
    Ok((
        text("stored")?,
        text("password")?,
        hex::decode(text("expect")?)?,
    ))
}

pub(crate) fn line(token: &str, stored: &str, expires_at: Option<i64>) -> String {
    let line = match expires_at {
        Some(at) => json!({"token": token, "value": stored, "expires_at": at}),
        None => json!({"token": token, "value": stored}),
    };
    line.to_string() + "\n"
}

#[test]
fn values_of_both_formats_come_in_under_their_password() -> Outcome {
    for (format, name) in [
        (
            "vaultstore-v2",
            "v2: an empty value, a password beyond ASCII",
        ),
        ("vaultstore-v2", "v2: one byte, an empty password"),
        ("vaultstore-v1", "v1: text beyond ASCII"),
        ("vaultstore-v1", "v1: an empty password"),
    ] {
        let vault = Vault::new(&format!("import-{}", name.replace([' ', ':', ','], "-")))?;
        let (stored, password, value) = vector(name)?;
        vault.write("old", format!("{password}\n"))?;
        let year = 253_402_300_799;
        let input = [
            line("token-without-end", &stored, None),
            line("token-that-lives-on", &stored, Some(FUTURE.parse()?)),
            line("token-that-has-expired", &stored, Some(NOW)),
            line("token-that-never-ends", &stored, Some(year)),
        ];
        let import = if password.is_empty() {
            format!("import --format {format}")
        } else {
            format!("import --format {format} --password-file old")
        };
        assert_eq!(vault.line(&import, input.concat())?, "4");
        let read = if password.is_empty() {
            ""
        } else {
            "--password-file old"
        };
        for token in [
            "token-without-end",
            "token-that-lives-on",
            "token-that-never-ends",
        ] {
            vault.has(read, token, &value)?;
        }
        vault
            .run(&format!("read {read}"), "token-that-has-expired")?
            .refused("expired");
        let end = |token| -> Result<Value, Box<dyn std::error::Error>> {
            Ok(vault.run("get --json", token)?.json()?["expires_at"].clone())
        };
        assert_eq!(end("token-that-lives-on")?, "2286-11-20T17:46:39Z");
        assert_eq!(end("token-that-never-ends")?, Value::Null);

        // Again: each line is refused, since each token exists.
        let again = vault.run(&import, input.concat())?;
        assert_eq!((again.status, again.stdout.as_str()), (Some(2), "0\n"));
        let lines: Vec<&str> = again.stderr.lines().collect();
        assert_eq!(lines.len(), 4);
        for (number, line) in (1..).zip(lines) {
            assert!(
                line.starts_with(&format!("line {number}: already_exists: ")),
                "{line}"
            );
        }
    }
    Ok(())
}

#[test]
fn another_password_can_protect_them_here() -> Outcome {
    let (stored, password, value) = vector("v1: plain")?;
    let vault = Vault::new("import-new-password")?;
    vault.write("old", &password)?;
    let import =
        "import --format vaultstore-v1 --password-file old --new-password-file pw --namespace n";
    assert_eq!(
        vault.line(import, line("token-number-one", &stored, None))?,
        "1"
    );
    vault.has(
        "--password-file pw --namespace n",
        "token-number-one",
        &value,
    )?;
    vault
        .run("read --password-file old --namespace n", "token-number-one")?
        .refused("invalid_password");
    let import = "import --format vaultstore-v1 --password-file old --no-password";
    assert_eq!(
        vault.line(import, line("token-number-one", &stored, None))?,
        "1"
    );
    vault.has("", "token-number-one", &value)
}

/// A file that could not be filled strips no value of its protection.
#[test]
fn an_empty_file_of_the_new_password_is_refused() -> Outcome {
    let (stored, password, _) = vector("v1: plain")?;
    let vault = Vault::new("import-empty-password")?;
    vault.write("old", &password)?;
    let import = "import --format vaultstore-v1 --password-file old --new-password-file none";
    for empty in ["", "\n", "\r\n", "\u{feff}\n"] {
        vault.write("none", empty)?;
        let done = vault.run(import, line("token-number-one", &stored, None))?;
        done.refused("empty_password");
        done.one_line(
            "empty_password: the new password file is empty: give a password, or --no-password \
             for none\n",
        );
        assert_eq!(vault.line("list --count", "")?, "0");
    }
    vault
        .run(&format!("{import} --no-password"), "")?
        .failed("--no-password");
    Ok(())
}

#[test]
fn values_without_a_password_need_no_password_file() -> Outcome {
    let (stored, password, value) = vector("v2: one byte, an empty password")?;
    assert_eq!(password, "");
    let vault = Vault::new("import-no-password")?;
    vault.write("empty", "\n")?;
    let import = "import --format vaultstore-v2";
    for (number, (options, read)) in [
        ("", ""),
        ("--password-file empty", ""),
        ("--new-password-file pw", "--password-file pw"),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("token-with-number-{number}");
        let line = line(&token, &stored, None);
        assert_eq!(vault.line(&format!("{import} {options}"), line)?, "1");
        vault.has(read, &token, &value)?;
        let info = vault.run("get --json", &token)?.json()?;
        assert_eq!(info["has_password"], !read.is_empty(), "{options}");
    }
    // A value that has a password is named, and nothing of it is imported.
    let (stored, _, _) = vector("v2: text, a password with spaces around it")?;
    let done = vault.run(import, line("token-of-another", &stored, None))?;
    assert_eq!((done.status, &*done.stdout), (Some(2), "0\n"), "{done:?}");
    assert!(done.stderr.starts_with("line 1: forged: "), "{done:?}");
    Ok(())
}

#[test]
fn each_line_that_was_not_taken_is_named_and_no_other() -> Outcome {
    let (stored, password, _) = vector("v2: text, a password with spaces around it")?;
    let (other, _, _) = vector("v2: one byte, an empty password")?;
    let vault = Vault::new("import-lines")?;
    vault.write("old", format!("{password}\r\n"))?;
    let secret = "hunter2";
    let good = line("a-token-that-is-good", &stored, None);
    let input = [
        good.clone(),
        "\n".into(),
        format!("{secret}\n"),
        line(secret, &stored, None),
        line("a-token-that-is-forged", &other, None),
        line("a-token-of-no-value", secret, None),
        format!("{{\"token\":\"{secret}-the-second-token\",\"value\":\"x\",\"{secret}\":1}}\n"),
        good.clone(),
        format!("[\"{secret}-the-third-token\",\"x\",null]\r\n"),
        line("a-token-that-is-good-too", &stored, None),
        good.trim_end()
            .replace("good", "cut")
            .trim_end_matches('}')
            .to_owned(),
    ];
    let done = vault.run(
        "import --format vaultstore-v2 --password-file old",
        input.concat(),
    )?;
    assert_eq!(
        (done.status, done.stdout.as_str()),
        (Some(2), "2\n"),
        "{done:?}"
    );
    let expected = [
        "line 3: malformed: ",
        "line 4: invalid_token: ",
        "line 5: forged: ",
        "line 6: malformed: ",
        "line 7: malformed: ",
        "line 8: already_exists: ",
        "line 9: malformed: ",
        "line 11: malformed: ",
        "8 were not imported, for the reasons above; 2 were imported and stay: ",
    ];
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{done:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert!(
        !done.stderr.contains(secret) && !done.stderr.contains("good"),
        "{done:?}"
    );
    assert_eq!(vault.line("list --count", "")?, "2");
    assert_eq!(
        vault.line("import --format vaultstore-v2 --password-file old", "")?,
        "0"
    );

    vault.write("long", "x".repeat(1025))?;
    vault
        .run("import --format vaultstore-v2 --password-file long", &good)?
        .refused("password_too_long");
    Ok(())
}

#[test]
fn every_line_is_named_however_many_there_are() -> Outcome {
    let vault = Vault::new("import-many")?;
    let lines: String = (0..1203)
        .map(|n| line(&format!("a-token-with-number-{n}"), "v2:AAAA", None))
        .collect();
    let done = vault.run("import --format vaultstore-v2 --password-file pw", lines)?;
    assert_eq!((done.status, done.stdout.as_str()), (Some(2), "0\n"));
    assert_eq!(done.stderr.lines().count(), 1203);
    for (number, line) in (1..).zip(done.stderr.lines()) {
        assert!(
            line.starts_with(&format!("line {number}: malformed: ")),
            "{line}"
        );
    }
    Ok(())
}
