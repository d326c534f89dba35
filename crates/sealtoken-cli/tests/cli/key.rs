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
fn ids_are_printed_with_their_roles_from_a_file_or_the_environment() -> Outcome {
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
        ("", "SEALTOKEN_KEYS is empty: "),
        (" \n", "SEALTOKEN_KEYS is empty: "),
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

#[cfg(unix)]
#[test]
fn a_key_file_is_made_once_and_for_one_user() -> Outcome {
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Command;

    let folder = crate::Folder::new("key", "out")?;
    for umask in ["000", "022", "077"] {
        let name = format!("keys-{umask}");
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "umask $1; exec \"$2\" key generate --out \"$3\"",
                "sh",
                umask,
            ])
            .args([env!("CARGO_BIN_EXE_sealtoken"), &name])
            .current_dir(folder.path(""));
        let output = command.output()?;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        let mode = folder.path(&name).metadata()?.mode();
        assert_eq!(mode & 0o777, 0o600, "{umask}: {mode:o}");
        let ids = folder.run(&format!("id --key-file {name}"), "")?;
        let id = String::from_utf8(output.stdout)?;
        assert_eq!(ids.stdout, format!("{} current\n", id.trim_end()));
        assert_eq!(ids.stderr, "");

        let before = std::fs::read(folder.path(&name))?;
        let again = folder.run(&format!("generate --out {name}"), "")?;
        again.failed(&format!(
            "cannot create the key file {name}: it exists already; "
        ));
        again.failed("nothing is overwritten");
        assert_eq!(std::fs::read(folder.path(&name))?, before);
    }
    folder
        .run("generate --out a/keys", "")?
        .failed("cannot create the key file a/keys: the folder a does not exist");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_file_that_cannot_be_written_leaves_none_behind() -> Outcome {
    let folder = crate::Folder::new("key", "no-room")?;
    let mut command = std::process::Command::new("sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 0; exec \"$1\" key generate --out keys",
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_sealtoken"))
        .current_dir(folder.path(""));
    let output = command.output()?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr)?;
    assert!(
        said.starts_with("error: cannot write the key file keys: "),
        "{said}"
    );
    assert!(!folder.path("keys").exists());
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_file_of_secrets_that_others_have_access_to_is_warned_about() -> Outcome {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let vault = crate::vault::Vault::new("open-files")?;
    vault.write("keys", vault.program.keys.clone().ok_or("keys")?)?;
    vault.write("own", "my-own-token-42")?;
    let create = "create --key-file keys --password-file pw --token-file own";
    assert_eq!(vault.run(create, "value")?.stderr, "");
    for mode in [0o640, 0o604, 0o620, 0o644, 0o777] {
        for name in ["keys", "pw", "own"] {
            set_permissions(vault.path(name), Permissions::from_mode(mode))?;
        }
        let read = "read --key-file keys --password-file pw --token-file own";
        let done = vault.run(read, "")?;
        let warned = |name: &str| {
            format!(
                "warning: other users have access to {name} (mode {mode:04o}): restrict it to its \
                 owner\n"
            )
        };
        let expected = format!("{}{}", warned("keys"), warned("pw"));
        assert_eq!(
            (done.status, &*done.stdout, &*done.stderr),
            (Some(0), "value", &*expected)
        );
        for quiet in ["--quiet", "-q"] {
            let done = vault.run(&format!("{read} {quiet}"), "")?;
            assert_eq!((&*done.stdout, &*done.stderr), ("value", ""));
        }
    }
    // The name of an open file is nobody's to restrict.
    #[cfg(target_os = "linux")]
    for name in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let mut list = vault.command(&format!("list --count --key-file {name}"));
        let keys = std::fs::File::open(vault.path("keys"))?;
        let output = list.stdin(keys).output()?;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
    // Nothing else is dropped.
    let done = vault.run("read --quiet --token-file own", "")?;
    done.refused("invalid_password");
    vault
        .run("read --quiet --key-file none", "")?
        .failed("none: it does not exist");
    Ok(())
}
