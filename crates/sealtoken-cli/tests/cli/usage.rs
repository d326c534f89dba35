//! Arguments, help, completions, and output that nobody reads.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::process::Stdio;

use crate::{NOW, Outcome, Program, at, feed, token};

#[test]
fn keys_tokens_and_passphrases_as_arguments_are_refused_without_being_shown() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let hex = "0123456789abcdef".repeat(8);
    let option = format!("--key={}", *key.expose());
    for arguments in [
        vec![text.as_str()],
        vec!["open", "--purpose", "reset", &text],
        vec!["open", &text],
        vec!["inspect", "--token", &text],
        vec!["key", "id", &option],
        vec!["import", &hex],
        vec!["import", "--from", "primordyx", "hunter2"],
        vec!["open", "--purpose", "p", "--at", &text],
        vec!["vault", "read", "tk_hunter2"],
        vec!["vault", "read", "--token", "tk_hunter2"],
        vec!["vault", "read", "--token-file=tk_hunter2", "--bogus"],
        vec!["vault", "read", "hunter2-my-own-token"],
        vec!["vault", "read", "--ask-password", "hunter2"],
        vec!["vault", "read", "--ask-password=hunter2"],
        vec![
            "vault",
            "list",
            "--stor",
            "postgres://user:hunter2@db.example.com/app",
        ],
        vec![
            "vault",
            "list",
            "--bogus",
            "--store=postgres://h/db?password=hunter2",
        ],
    ] {
        let done = program.run(&arguments, "")?;
        done.failed("an argument looks like a secret");
        done.one_line("error: ");
        for secret in [&text, &option, &hex, "hunter2"] {
            assert!(!done.stderr.contains(secret), "{done:?}");
        }
    }
    Ok(())
}

#[test]
fn wrong_usage_exits_with_1_so_that_2_always_means_a_refused_token() -> Outcome {
    let (program, _) = Program::new();
    for (arguments, because) in [
        (vec![], "Usage"),
        (vec!["opne"], "open"),
        (vec!["open"], "--purpose"),
        (vec!["open", "--purpose", ""], "1 to 255 bytes"),
        (vec!["open", "--purpose", "p", "--context", ""], "empty"),
        (vec!["open", "--purpose", "p", "--at", "soon"], "--at"),
        (vec!["open", "--purpose", "p", "--bogus"], "--bogus"),
        (vec!["seal", "--purpose", "p"], "--expires-in"),
        (
            vec!["seal", "--purpose", "p", "--expires-in", "0m"],
            "at least a second",
        ),
        (
            vec!["seal", "--purpose", "p", "--expires-in", "30"],
            "a unit",
        ),
        (
            vec!["seal", "--purpose", "p", "--expires-in", "1h", "--pad", "0"],
            "from 1 to 2953",
        ),
        (
            vec!["seal", "--purpose", "p", "--expires-in", "-5m"],
            "a duration is not negative",
        ),
        (
            vec![
                "seal",
                "--purpose",
                "p",
                "--expires-in",
                "1h",
                "--pad",
                "-1",
            ],
            "from 1 to 2953",
        ),
        (
            vec!["vault", "purge-deleted", "--older-than", "-1d"],
            "a duration is not negative",
        ),
        (
            vec!["vault", "list", "--limit", "-1"],
            "invalid value '-1' for '--limit <NUMBER>': give a number, 0 or more",
        ),
        (
            vec!["vault", "list", "--created-from", "-1d"],
            "Unix seconds",
        ),
        (
            vec!["vault", "create", "--length", "-1"],
            "invalid value '-1' for '--length",
        ),
        (
            vec!["pat", "rotate", "x", "--overlap", "-1h"],
            "a duration is not negative",
        ),
        (vec!["inspect", "--reveal"], "--purpose"),
        (vec!["inspect", "--at", "5"], "--purpose"),
        (
            vec!["import", "--from", "laravel", "--passphrase-file", "x"],
            "primordyx",
        ),
        (vec!["import", "--from", "primordyx"], "--passphrase-file"),
        (vec!["completions", "tcl"], "bash"),
        (vec!["vault"], "Usage"),
        (vec!["vault", "exists"], "exists"),
        (vec!["vault", "renew"], "--expires-in"),
        (vec!["vault", "create", "--expires-in", "1y"], "a unit"),
        (vec!["vault", "create", "--weak"], "--length"),
        (
            vec!["vault", "create", "--length", "30", "--token-file", "x"],
            "--length",
        ),
        (
            vec!["vault", "read", "--password-file", "x", "--ask-password"],
            "--ask-password",
        ),
        (
            vec!["vault", "get", "--id", "x", "--token-file", "x"],
            "--id",
        ),
        (vec!["vault", "delete", "--hard"], "--hard"),
        (
            vec!["vault", "purge-expired", "--older-than", "1d"],
            "--older-than",
        ),
        (
            vec!["vault", "purge-deleted", "--older-than", "forever"],
            "0s",
        ),
        (vec!["vault", "purge-deleted"], "--older-than"),
        (
            vec!["vault", "list", "--created-from", "today"],
            "Unix seconds",
        ),
        (
            vec!["vault", "list", "--state", "revoked"],
            "[possible values: live, expired, deleted]",
        ),
        (vec!["vault", "list", "--count", "--json"], "--count"),
        (vec!["vault", "import", "--password-file", "x"], "--format"),
        (
            vec![
                "vault",
                "import",
                "--format",
                "vaultstore",
                "--password-file",
                "x",
            ],
            "vaultstore-v1",
        ),
        (
            vec!["vault", "list", "--store", "mysql://h/db"],
            "sqlite:FILE",
        ),
        (vec!["vault", "list", "--store", "sqlite:"], "names no file"),
        (
            vec!["vault", "list", "--store", "sqlite::memory:"],
            "in memory",
        ),
        (vec!["pat"], "Usage"),
        (vec!["pat", "issue"], "--owner"),
        (
            vec!["pat", "issue", "--owner", "a", "--expires-in", "1y"],
            "a unit",
        ),
        (
            vec!["pat", "issue", "--owner", "a", "--metadata", "k"],
            "KEY=VALUE",
        ),
        (vec!["pat", "register", "--owner", "a"], "--hash-file"),
        (vec!["pat", "sync"], "FILE"),
        (
            vec!["pat", "list", "--count", "--with-hashes"],
            "--with-hashes",
        ),
        (
            vec!["pat", "verify", "--store", "mysql://h/db"],
            "sqlite:FILE",
        ),
        (
            vec!["pat", "scanner-rule", "--format", "trufflehog"],
            "gitleaks",
        ),
        (vec!["store", "schema", "mysql"], "sqlite"),
    ] {
        let done = program.run(&arguments, "")?;
        done.failed(because);
        assert!(
            !done.stderr.contains('\x1b'),
            "colours without a terminal: {done:?}"
        );
    }
    Ok(())
}

#[test]
fn every_command_has_help_with_examples_and_there_is_a_version() -> Outcome {
    let program = Program::without_keys();
    for command in [
        "",
        "key generate",
        "key id",
        "seal",
        "open",
        "inspect",
        "import",
        "vault",
        "vault create",
        "vault read",
        "vault update",
        "vault get",
        "vault renew",
        "vault soft-delete",
        "vault restore",
        "vault delete",
        "vault versions",
        "vault roll-back",
        "vault list",
        "vault soft-delete-expired",
        "vault purge-expired",
        "vault purge-deleted",
        "vault rekey",
        "vault rewrap",
        "vault import",
        "pat",
        "pat issue",
        "pat verify",
        "pat register",
        "pat generate",
        "pat update",
        "pat revoke",
        "pat restore",
        "pat list",
        "pat get",
        "pat rotate",
        "pat delete",
        "pat import",
        "pat sync",
        "pat scanner-rule",
        "pat purge-expired",
        "pat rewrap",
        "store schema",
        "store template",
        "store create",
        "completions",
    ] {
        for flag in ["--help", "-h"] {
            let arguments: Vec<&str> = command.split_whitespace().chain([flag]).collect();
            let done = program.run(&arguments, "")?;
            assert!(done.status == Some(0) && done.stderr.is_empty(), "{done:?}");
            assert!(done.stdout.contains("Examples:\n  "), "{done:?}");
            assert!(!done.stdout.contains('\x1b'), "{done:?}");
        }
    }
    let open = program.run(&["open", "--help"], "")?.stdout;
    let open = open.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        open.contains("Blanks around the token are ignored."),
        "{open}"
    );
    let done = program.run(&["--version"], "")?;
    assert_eq!(
        done.stdout,
        concat!("sealtoken ", env!("CARGO_PKG_VERSION"), "\n")
    );
    Ok(())
}

/// Runs at a terminal that the program `script` provides.
#[cfg(target_os = "linux")]
#[test]
fn a_command_that_reads_from_a_terminal_says_so_unless_it_is_to_be_quiet() -> Outcome {
    use std::process::Command;

    let (program, _) = Program::new();
    let hint = "reading the token from stdin to its end (Ctrl-D)";
    for (quiet, is_said) in [("", true), ("--quiet", false), ("-q", false)] {
        let open = format!(
            "{} {quiet} open --purpose p",
            env!("CARGO_BIN_EXE_sealtoken")
        );
        let mut script = Command::new("script");
        script
            .args(["-qec", &open, "/dev/null"])
            .env("SEALTOKEN_KEYS", program.keys.as_deref().ok_or("keys")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let output = match feed(&mut script, b"x\n\x04") {
            // Not every system has it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            output => output?,
        };
        let shown = String::from_utf8(output.stdout)?;
        assert!(shown.contains("malformed: "), "{shown}");
        assert_eq!(shown.contains(hint), is_said, "{quiet}: {shown}");
    }
    Ok(())
}

#[test]
fn every_shell_gets_completions() -> Outcome {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let done = Program::without_keys().run(&["completions", shell], "")?;
        assert!(
            done.status == Some(0) && done.stdout.contains("passphrase-file"),
            "{shell}"
        );
    }
    Ok(())
}

#[test]
fn a_reader_that_went_away_is_no_failure() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let mut child = program
        .command(&["open", "--purpose", "reset", "--at", &at(NOW)])
        .spawn()?;
    drop(child.stdout.take());
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn what_could_not_be_written_is_a_failure() -> Outcome {
    let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
    let mut command = Program::without_keys().command(&["key", "generate"]);
    let output = command.stdout(full).spawn()?.wait_with_output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr)?.starts_with("error: cannot write to stdout"));
    Ok(())
}
