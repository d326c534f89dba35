//! Commands whose writes have an unknown outcome: they say what to do next.

use std::error::Error;
use std::process::{Command, Stdio};

use rusqlite::Connection;

use crate::pat::{ID, issued, pats};
use crate::vault::Vault;
use crate::{Done, Folder, Outcome, feed};

/// Runs a command whose files cannot grow beyond this many blocks of 512 bytes.
const SHORT: &str = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";

/// A database whose log stays long, so that a command has to append to it.
pub(crate) struct LongLog {
    path: std::path::PathBuf,
    _readers: Connection,
}

impl LongLog {
    pub(crate) fn of(folder: &Folder) -> Result<Self, Box<dyn Error>> {
        let path = folder.path("sealtoken.db");
        let writer = Connection::open(&path)?;
        writer.pragma_update(None, "wal_autocheckpoint", 0)?;
        writer.execute_batch(
            "CREATE TABLE IF NOT EXISTS ballast (bytes); \
             INSERT INTO ballast VALUES (zeroblob(200000))",
        )?;
        let readers = Connection::open(&path)?;
        readers.execute_batch("BEGIN")?;
        readers.query_row("SELECT count(*) FROM ballast", [], |_| Ok(()))?;
        Ok(Self {
            path: folder.path("sealtoken.db-wal"),
            _readers: readers,
        })
    }

    /// Runs a command that can write this many bytes. The commit that needs more fails on the disk,
    /// and its outcome is unknown.
    pub(crate) fn run(
        &self,
        folder: &Folder,
        line: &str,
        stdin: impl AsRef<[u8]>,
        room: u64,
    ) -> Result<Done, Box<dyn Error>> {
        let blocks = (self.path.metadata()?.len() + room) / 512;
        let command = folder.command(line);
        let mut short = Command::new("sh");
        short
            .args(["-c", SHORT, "sh", &blocks.to_string()])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(folder.path(""));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => short.env(name, value),
                None => short.env_remove(name),
            };
        }
        short.stdin(Stdio::piped()).stdout(Stdio::piped());
        let output = feed(short.stderr(Stdio::piped()), stdin.as_ref())?;
        Ok(Done {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }
}

/// Runs a command whose first write has an unknown outcome. Its message must contain this.
pub(crate) fn doubtful(
    folder: &Folder,
    command: &str,
    stdin: impl AsRef<[u8]>,
    said: &[&str],
) -> Result<Done, Box<dyn Error>> {
    let log = LongLog::of(folder)?;
    let done = log.run(folder, command, stdin, 0)?;
    drop(log);
    assert_eq!(done.status, Some(1), "{command}: {done:?}");
    done.one_line("error: the store failed (SQLITE_IOERR_WRITE)");
    for said in said {
        assert!(done.stderr.contains(said), "{command}: {said}: {done:?}");
    }
    assert!(!done.stderr.contains("tk_") && !done.stderr.contains("pat_"));
    let file = Connection::open(folder.path("sealtoken.db"))?;
    file.execute_batch("DROP TABLE ballast")?;
    Ok(done)
}

/// The command in a message that begins like this.
fn command<'a>(done: &'a Done, begin: &str) -> Result<&'a str, Box<dyn Error>> {
    let (_, rest) = done.stderr.split_once(begin).ok_or("no command")?;
    Ok(rest.split_once('`').ok_or("no end")?.0)
}

#[test]
fn a_value_that_may_have_been_made_is_found_by_its_time_and_removed() -> Outcome {
    let vault = Vault::new("unknown-create")?;
    vault.line("create", "before")?;
    let said = [
        "nobody has its token",
        "`sealtoken vault delete --id ID`",
        "then run `sealtoken vault create` again",
    ];
    let done = doubtful(&vault, "create --label new", "value", &said)?;
    let since = command(&done, "`sealtoken vault list --created-from ")?;
    let list = format!("list --json --created-from {since}");
    assert_eq!(vault.line(&list, "")?.matches("\"new\"").count(), 0);
    vault.line("create --label new", "value")?;
    assert_eq!(vault.line(&list, "")?.matches("\"new\"").count(), 1);

    vault.write("own", "a-token-of-my-own")?;
    let said = [
        "`sealtoken vault get`, by its `created`, shows whether it was done",
        "if neither, run `sealtoken vault create` again",
        "`already_exists` means only that a value exists",
    ];
    let create = "create --token-file own";
    let done = doubtful(&vault, create, "value", &said)?;
    assert!(!done.stderr.contains("a-token-of-my-own"), "{done:?}");
    vault.line(create, "value")?;
    vault.run(create, "value")?.refused("already_exists");
    Ok(())
}

#[test]
fn a_change_of_a_value_that_may_have_been_made_says_how_it_is_seen_or_made_again() -> Outcome {
    let vault = Vault::new("unknown-change")?;
    let pw = "--password-file pw";
    vault.write("new", "battery staple")?;
    let token = vault.line(&format!("create {pw}"), "one")?;
    vault.quiet(
        &format!("update {pw} --keep-versions 2"),
        format!("{token}\ntwo"),
    )?;
    let with_value = format!("{token}\nthree");
    for (line, stdin, said) in [
        (
            format!("update {pw}"),
            &with_value,
            &[
                "`sealtoken vault get`",
                "if neither, run `sealtoken vault update` again",
            ][..],
        ),
        (
            format!("roll-back --to 1 {pw}"),
            &token,
            &[
                "`sealtoken vault versions`",
                "if neither, run `sealtoken vault roll-back` again",
            ],
        ),
        (
            "renew --expires-in 1h".into(),
            &token,
            &[
                "`sealtoken vault get`",
                "if neither, run `sealtoken vault renew` again",
            ],
        ),
        (
            format!("rekey {pw} --new-password-file new"),
            &token,
            &[
                "run `sealtoken vault rekey` again",
                "if it answers `invalid_password`, the work was already done",
            ],
        ),
        (
            "soft-delete".into(),
            &token,
            &["run `sealtoken vault soft-delete` again", "deleted"],
        ),
        (
            "delete".into(),
            &token,
            &["run `sealtoken vault delete` again", "not_found"],
        ),
    ] {
        doubtful(&vault, &line, stdin, said)?;
    }
    vault.has(pw, &token, "two")?;
    vault.quiet("soft-delete", &token)?;
    let said = [
        "`sealtoken vault get` shows",
        "if neither, run `sealtoken vault restore` again",
    ];
    doubtful(&vault, "restore", &token, &said)?;
    Ok(())
}

#[test]
fn a_token_that_may_have_been_issued_has_an_id_by_which_it_is_found() -> Outcome {
    let pats = pats("unknown-issue")?;
    pats.line("issue --owner before", "")?;
    let said = [
        "nobody has its text",
        "if it was not, run `sealtoken pat issue` again",
    ];
    for own in [String::new(), format!("--id {ID}")] {
        let issue = format!("issue --owner ada {own}");
        let done = doubtful(&pats, &issue, "", &said)?;
        let get = format!("get {}", command(&done, "`sealtoken pat get ")?);
        pats.run(&get, "")?.refused("not_found");
        let revoke = command(&done, "`sealtoken pat revoke ")?;
        let rotate = command(&done, "`sealtoken pat rotate ")?;
        assert_eq!((revoke, rotate), (&get[4..], &get[4..]));
        // As if it had been issued: this is the text that nobody has.
        pats.line(&format!("issue --owner ada --id {revoke}"), "")?;
        let token = pats.line(&format!("rotate {rotate} --overlap 0s"), "")?;
        assert_eq!(pats.run("verify", token)?.json()?["owner"], "ada");
    }
    Ok(())
}

#[test]
fn a_change_of_a_token_that_may_have_been_made_says_how_it_is_seen_or_made_again() -> Outcome {
    let pats = pats("unknown-change")?;
    let (_, id) = issued(&pats, "--owner ada --role a")?;
    let made = pats.run("generate --json", "")?.json()?;
    pats.write("hash", made["hash"].as_str().ok_or("hash")?)?;
    let new = made["id"].as_str().ok_or("id")?;
    pats.write(
        "tokens.yaml",
        format!("tokens:\n- {{id: {id}, owner: bea}}\n"),
    )?;
    let get = format!(
        "`sealtoken pat get {id}` shows whether it was done, or whether others have changed it"
    );
    for (line, said) in [
        (
            format!("register --id {new} --owner ada --hash-file hash"),
            &[
                &*format!("`sealtoken pat get {new}` shows whether it was done"),
                "if neither, run `sealtoken pat register` again",
                "`already_exists` means only that a token exists",
            ][..],
        ),
        (
            format!("update {id} --owner bea"),
            &[&*get, "if neither, run `sealtoken pat update` again"],
        ),
        (
            format!("revoke {id}"),
            &["run `sealtoken pat revoke` again: it does no harm if it was done before"],
        ),
    ] {
        doubtful(&pats, &line, "", said)?;
        pats.quiet(&line, "")?;
    }
    // Others may have revoked it since.
    let said = [&*get, "if neither, run `sealtoken pat restore` again"];
    let done = doubtful(&pats, &format!("restore {id}"), "", &said)?;
    assert!(!done.stderr.contains("no harm"), "{done:?}");
    // A token that is gone is refused.
    let said = ["run `sealtoken pat delete` again; if it answers `not_found`"];
    let done = doubtful(&pats, &format!("delete {id}"), "", &said)?;
    assert!(!done.stderr.contains("no harm"), "{done:?}");

    let log = LongLog::of(&pats)?;
    let done = log.run(&pats, "sync tokens.yaml --keep-unlisted", "", 0)?;
    assert_eq!(done.status, Some(0), "nothing to change: {done:?}");
    pats.write(
        "tokens.yaml",
        format!("tokens:\n- {{id: {id}, owner: eve}}\n"),
    )?;
    let done = log.run(&pats, "sync tokens.yaml --keep-unlisted", "", 0)?;
    assert_eq!(done.status, Some(2), "{done:?}");
    let what = format!("{id}: unavailable: the store failed");
    assert!(done.stderr.contains(&what), "{done:?}");
    let what = "run `sealtoken pat sync` again";
    assert!(done.stderr.contains(what), "{done:?}");
    Ok(())
}

#[test]
fn what_opens_a_store_can_be_run_again() -> Outcome {
    let vault = Vault::new("unknown-open")?;
    vault.line("list --count", "")?;
    let file = Connection::open(vault.path("sealtoken.db"))?;
    file.execute_batch("DELETE FROM sealtoken_record; DELETE FROM sealtoken_label")?;
    drop(file);
    let said = ["the store was still being opened: run the same command again"];
    doubtful(&vault, "create", "value", &said)?;
    let pats = pats("unknown-open")?;
    std::fs::copy(vault.path("sealtoken.db"), pats.path("sealtoken.db"))?;
    doubtful(&pats, "issue --owner ada", "", &said)?;
    Ok(())
}
