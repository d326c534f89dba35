//! `vault create`, `read` and `update`.

use crate::Outcome;
use crate::vault::{PASSWORD, Vault};

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
        if input.trim_end() == "{}" {
            assert_eq!(done.stdout, "value", "{input:?}");
        } else {
            done.refused("not_found");
        }
    }
    for input in [" {}\n", "{} \n", "\u{feff}{}\n", "{}\r\r\n", "\t{}"] {
        let text = input.replace("{}", &token);
        vault.has("", &text, "value")?;
        vault.write("file", &text)?;
        vault.has("--token-file file", "other", "value")?;
    }
    for input in [
        String::new(),
        "\n".into(),
        format!("\n{token}\n"),
        format!("{token} x\n"),
        format!("{token}\0\n"),
        format!("\u{feff}\u{feff}{token}\n"),
        format!("{token}\rx\n"),
        format!("{}{token}\n", " ".repeat(300)),
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
