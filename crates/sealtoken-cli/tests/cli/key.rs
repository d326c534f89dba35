//! `sealtoken key`, and the keys that commands read.

use sealtoken::Key;
use serde_json::json;

use crate::{Outcome, Program, feed, file};

#[test]
fn a_generated_key_is_the_key_of_its_text_and_each_is_new() -> Outcome {
    let program = Program::without_keys();
    let done = program.run(&["key", "generate"], "")?;
    assert!(done.status == Some(0) && done.stderr.is_empty(), "{done:?}");
    let text = done.stdout.strip_suffix('\n').ok_or("no line ending")?;
    let key: Key = text.parse()?;

    let ids = Program::with_keys(text).run(&["key", "id"], "")?;
    assert_eq!(ids.stdout, format!("{} current\n", key.id()));
    assert_ne!(program.run(&["key", "generate"], "")?.stdout, done.stdout);
    Ok(())
}

#[test]
fn ids_are_told_with_their_roles_from_a_file_or_the_environment() -> Outcome {
    let [current, standby, retired] = [(); 3].map(|()| Key::generate());
    let ring = format!(
        "{}\r\n+{},{}\r\n",
        *current.expose(),
        *standby.expose(),
        *retired.expose()
    );
    let ids = [current.id(), standby.id(), retired.id()].map(|id| id.to_string());
    let [a, b, c] = &ids;
    let lines = format!("{a} current\n{b} standby\n{c} retired\n");
    assert_eq!(
        Program::with_keys(&ring).run(&["key", "id"], "")?.stdout,
        lines
    );

    // The file wins over the environment.
    let path = file("ring", &ring)?;
    let path = path.to_str().ok_or("path")?;
    let (other, _) = Program::new();
    let done = other.run(&["key", "id", "--key-file", path], "")?;
    assert_eq!(done.stdout, lines);

    let done = other.run(&["key", "id", "--json", "--key-file", path], "")?;
    let role = |id: &str, role: &str| json!({"id": id, "role": role});
    let expected = [role(a, "current"), role(b, "standby"), role(c, "retired")];
    assert_eq!(done.json()?, json!(expected));
    Ok(())
}

#[test]
fn keys_that_are_missing_or_wrong_are_errors_that_do_not_show_them() -> Outcome {
    let open = ["open", "--purpose", "p"];
    Program::without_keys()
        .run(&open, "")?
        .failed("no keys were given: give --key-file, or set SEALTOKEN_KEYS");
    let key = Key::generate().expose();
    let start = &key[..key.len() - 3];
    let foreign = format!("{}!", &key[..key.len() - 1]);
    let other = if key.starts_with("stkey1_A") {
        "stkey1_B"
    } else {
        "stkey1_A"
    };
    let mistyped = key.replacen(&key[..8], other, 1);
    let double = format!("{0},{0}", *key);
    let standby = format!("+{}", *key);
    for (keys, because) in [
        ("", "no key was given"),
        ("nonsense-of-mine", "prefix"),
        (start, "the wrong length"),
        (&foreign, "base64url"),
        (&mistyped, "a character of it is wrong"),
        (&double, "remove one of them"),
        (&standby, "standby"),
    ] {
        let done = Program::with_keys(keys).run(&open, "")?;
        done.failed(because);
        done.one_line("error: ");
        // The message holds no part of a key.
        assert!(!done.stderr.contains("nonsense") && !done.stderr.contains(&key[8..20]));
    }
    // A key given instead of the name of its file.
    let done = Program::without_keys().run(&["key", "id", "--key-file", &key], "")?;
    done.failed("cannot read the key file");
    assert!(!done.stderr.contains(&key[8..20]), "{done:?}");
    let path = file("bytes-of-keys", b"stkey1_\xff")?;
    let path = path.to_str().ok_or("path")?;
    Program::without_keys()
        .run(&["key", "id", "--key-file", path], "")?
        .failed("UTF-8");
    Ok(())
}

#[cfg(unix)]
#[test]
fn keys_that_are_not_utf8_are_not_called_missing() -> Outcome {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let mut command = Program::without_keys().command(&["open", "--purpose", "p"]);
    command.env("SEALTOKEN_KEYS", OsStr::from_bytes(b"stkey1_\xff"));
    let output = feed(&mut command, b"")?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stderr, b"error: SEALTOKEN_KEYS is not UTF-8\n");
    Ok(())
}
