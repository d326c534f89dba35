//! Oddly written tokens and hashes, and files that cannot be read: the message says what is odd.

use std::fs;

use sealtoken::Key;

use crate::pat::{ID, issued, pats};
use crate::vault::Vault;
use crate::{Folder, Outcome, Program, feed, file, token};

/// Each case: what is given in place of `{}`, and what the refusal says.
const ODD: [(&str, &str); 9] = [
    ("", "is empty: give the token"),
    (" \n", "is empty: give the token"),
    ("\"{}\"", "the token is in quotes: give it without them"),
    ("'{}'\n", "the token is in quotes: give it without them"),
    (
        "https://example.com/reset?token={}",
        "it looks like a URL: the token is its last part",
    ),
    (
        "Bearer {}",
        "it begins with `Bearer`: give only what follows",
    ),
    ("{} {}", "the token has a blank inside"),
    (LONG, "too long: a token has at most"),
    ("a\n\nb", ""),
];

const LONG: &str = "long";

#[test]
fn an_odd_token_is_refused_with_what_is_odd_about_it() -> Outcome {
    let (program, key) = Program::new();
    let sealed = token(&key)?;
    let vault = Vault::new("odd")?;
    let stored = vault.line("create", "value")?;
    let pats = pats("odd")?;
    let (issued, _) = issued(&pats, "--owner ada")?;
    for (form, because) in ODD {
        let of = |token: &str| match form {
            LONG => "A".repeat(50_000_000),
            form => form.replace("{}", token),
        };
        let open = program.run(&["open", "--purpose", "reset"], of(&sealed))?;
        let inspect = program.run(&["inspect"], of(&sealed))?;
        let read = vault.run("read", of(&stored))?;
        let get = vault.run("get", of(&stored))?;
        let verify = pats.run("verify", of(&issued))?;
        for (done, code) in [
            (open, "malformed"),
            (inspect, "malformed"),
            (read, "not_found"),
            (get, "not_found"),
        ] {
            done.refused(code);
            assert!(done.stderr.contains(because), "{form:?}: {done:?}");
            assert!(!done.stderr.contains(&stored[3..]) && !done.stderr.contains(&sealed[4..]));
        }
        assert_eq!(verify.status, Some(2), "{verify:?}");
        verify.one_line("invalid_");
        assert!(verify.stderr.contains(because), "{form:?}: {verify:?}");
        assert!(!verify.stderr.contains(&issued[4..]), "{verify:?}");
    }

    // Wrapped by a mail program.
    let wrapped = |token: &str| format!("{}\n{}", &token[..20], &token[20..]);
    let done = program.run(&["open", "--purpose", "reset"], wrapped(&sealed))?;
    done.refused("malformed");
    let why = "the token has a line break inside: was it wrapped?";
    assert!(done.stderr.contains(why), "{done:?}");
    // These read the first line alone, and it may be a whole token.
    for (done, code) in [
        (vault.run("read", wrapped(&stored))?, "not_found"),
        (pats.run("verify", wrapped(&issued))?, "invalid_format"),
        (
            pats.run("verify", format!("pat_{ID}_x\nmore"))?,
            "invalid_format",
        ),
    ] {
        done.refused(code);
        let why = "no such token exists, and more follows after its line: if it was wrapped, give \
                   it on one line";
        assert!(done.stderr.contains(why), "{done:?}");
    }
    // As PowerShell's `>` writes it.
    let utf16: Vec<u8> = sealed.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let done = program.run(
        &["open", "--purpose", "reset"],
        [b"\xff\xfe", &*utf16].concat(),
    )?;
    done.refused("malformed");
    assert!(done.stderr.contains("stdin is UTF-16: save it as UTF-8"));
    // What is not odd is refused as before.
    let done = program.run(&["open", "--purpose", "reset"], &sealed[..60])?;
    done.refused("malformed");
    assert!(done.stderr.contains("it may have been cut off"), "{done:?}");
    Ok(())
}

#[test]
fn an_odd_hash_or_token_of_ones_own_is_refused_with_what_is_odd_about_it() -> Outcome {
    let pats = pats("odd-hash")?;
    let register = format!("register --id {ID} --owner ada --hash-file");
    for (text, because) in [
        ("", "stdin is empty: give the hash"),
        ("'$scrypt$'", "the hash is in quotes"),
        ("$scrypt$\n$", "the hash has a line break inside"),
        (
            &"$".repeat(201),
            "too long: a hash has at most 200 characters",
        ),
    ] {
        let done = pats.run(&format!("{register} -"), text)?;
        done.refused("invalid_phc");
        assert!(done.stderr.contains(because), "{done:?}");
    }
    pats.write("hash", "\n")?;
    let done = pats.run(&format!("{register} hash"), "")?;
    done.refused("invalid_phc");
    assert!(done.stderr.contains("the hash file is empty"), "{done:?}");

    let vault = Vault::new("odd-own")?;
    vault.write("own", "\"my-own-token-42\"\n")?;
    let done = vault.run("create --token-file own", "value")?;
    done.refused("invalid_token");
    assert!(done.stderr.contains("in quotes"), "{done:?}");
    Ok(())
}

#[test]
fn a_mark_at_the_beginning_of_a_file_is_dropped() -> Outcome {
    let vault = Vault::new("marks")?;
    let keys = vault.program.keys.clone().ok_or("keys")?;
    vault.write("keys", format!("\u{feff}{keys}\n"))?;
    vault.write("marked", "\u{feff}correct horse\r\n")?;
    let token = vault.line("create --key-file keys --password-file marked", "value")?;
    vault.has("--password-file pw", &token, "value")?;

    let with_mark = Program::with_keys(&format!("\u{feff}{keys}"));
    let seal = ["seal", "--purpose", "p", "--expires-in", "1h"];
    let sealed = with_mark.run(&seal, "\u{feff}{\"a\":1}")?;
    assert_eq!(sealed.status, Some(0), "{sealed:?}");

    vault.write("utf16", b"\xff\xfes\0t\0k\0e\0y\0")?;
    let done = vault.run("list --key-file utf16", "")?;
    done.failed("cannot read the key file utf16: it is UTF-16: save it as UTF-8");
    let utf16 = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes);
    let done = with_mark.run(&seal, [vec![0xff, 0xfe], utf16.collect()].concat())?;
    done.failed("the cargo on stdin is UTF-16: save it as UTF-8");
    Ok(())
}

#[test]
fn keys_in_quotes_are_refused_with_that_reason() -> Outcome {
    let key = Key::generate().expose();
    let keys = |text: String| Program::with_keys(&text).run(&["key", "id"], "");
    for done in [
        keys(format!("'{}'", *key))?,
        keys(format!("\"{}\"\n", *key))?,
        keys(format!("\u{201c}{}\u{201d}", *key))?,
        keys(format!("{}\n+'stkey1_AAAA'", *key))?,
    ] {
        done.failed("a key is in quotes: give it without them");
        done.one_line("error: ");
        assert!(!done.stderr.contains(&key[8..20]), "{done:?}");
    }
    Ok(())
}

#[test]
fn a_dash_and_a_folder_are_no_names_of_files() -> Outcome {
    let pats = pats("names")?;
    let key = Folder::new("key", "names")?;
    for done in [
        key.run("generate --out -", "")?,
        pats.run("generate --hash-file -", "")?,
        pats.run("sync -", "tokens: []")?,
    ] {
        done.failed("file");
        done.failed(" -: - is not a file here; if you mean one, give ./-");
    }
    assert!(!key.path("-").exists() && !pats.path("-").exists());
    assert_eq!(key.run("generate --out ./-", "")?.status, Some(0));

    key.write("file", "")?;
    for (line, because) in [
        (
            "generate --out keys/",
            "create the key file keys/: a file name does not end in /",
        ),
        (
            "id --key-file keys/",
            "read the key file keys/: a file name does not end in /",
        ),
        (
            "id --key-file file/",
            "read the key file file/: a file name does not end in /",
        ),
        ("id --key-file ./", "read the key file ./: it is a folder"),
        ("generate --out a/keys/", "the folder a does not exist"),
    ] {
        key.run(line, "")?.failed(because);
    }
    Ok(())
}

/// Quotes and backslashes do no harm on a terminal.
#[test]
fn only_what_could_affect_a_terminal_is_escaped() -> Outcome {
    let vault = Vault::new("escapes")?;
    let name = "it's\\a\"\u{1b}[31m\u{202e}\n";
    let shown = "it's\\a\"\\u{1b}[31m\\u{202e}\\n";
    let arguments = ["vault", "list", "--key-file", name];
    let done = vault.program.run(&arguments, "")?;
    done.failed(&format!("the key file {shown}: it does not exist"));
    let mut create = vault.command("create --label");
    feed(create.arg(name), b"value")?;
    let table = vault.run("list", "")?.stdout;
    assert!(table.contains(&format!("  {shown}\n")), "{table}");
    Ok(())
}

#[test]
fn an_error_at_a_file_names_the_path_and_what_of_it_is_wrong() -> Outcome {
    let vault = Vault::new("paths")?;
    fs::create_dir(vault.path("folder"))?;
    for (line, because) in [
        (
            "list --key-file keys",
            "cannot read the key file keys: it does not exist",
        ),
        (
            "list --key-file a/b/keys",
            "cannot read the key file a/b/keys: the folder a does not exist",
        ),
        (
            "list --key-file folder/b/keys",
            "cannot read the key file folder/b/keys: the folder folder/b does not exist",
        ),
        (
            "list --key-file pw/keys",
            "cannot read the key file pw/keys: pw is not a folder",
        ),
        (
            "list --key-file folder",
            "cannot read the key file folder: it is a folder",
        ),
        (
            "create --password-file none",
            "cannot read the password file none: it does not exist",
        ),
        (
            "create --token-file folder",
            "cannot read the token file folder: it is a folder",
        ),
    ] {
        let done = vault.run(line, "value")?;
        done.failed(because);
        done.one_line("error: ");
    }
    let pats = pats("paths")?;
    pats.write("hash", "")?;
    for (line, because) in [
        (
            "sync tokens.yaml",
            "cannot read the file of tokens tokens.yaml: it does not exist",
        ),
        (
            "import items.jsonl",
            "cannot read the file of items items.jsonl: it does not exist",
        ),
        (
            "generate --hash-file hash",
            "cannot create the hash file hash: it exists already",
        ),
        (
            "generate --hash-file a/hash",
            "cannot create the hash file a/hash: the folder a does not exist",
        ),
    ] {
        pats.run(line, "")?.failed(because);
    }
    let path = file("no-passphrase", "")?.with_extension("none");
    let path = path.to_str().ok_or("path")?;
    let import = ["import", "--from", "primordyx", "--passphrase-file", path];
    Program::without_keys()
        .run(&import, "")?
        .failed("cli-no-passphrase.none: it does not exist");
    Ok(())
}
