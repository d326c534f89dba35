//! The program `sealtoken`, run as a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

#[cfg(target_os = "linux")]
mod early;
mod exit;
mod given;
mod import;
mod inspect;
mod key;
mod pat;
mod seal;
#[cfg(target_os = "linux")]
mod unknown;
mod usage;
mod vault;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
use serde_json::Value;

type Outcome = Result<(), Box<dyn Error>>;

const NOW: i64 = 1_763_755_200;

/// How the program ended.
#[derive(Debug)]
struct Done {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Done {
    /// The JSON on the one line that a command printed.
    fn json(&self) -> Result<Value, Box<dyn Error>> {
        assert!(self.status == Some(0) && self.stderr.is_empty(), "{self:?}");
        let line = self.stdout.strip_suffix('\n').ok_or("no line ending")?;
        assert!(!line.contains('\n'), "{line}");
        Ok(serde_json::from_str(line)?)
    }

    /// Asserts that the token was refused, for this reason.
    fn refused(&self, code: &str) {
        assert!(self.status == Some(2) && self.stdout.is_empty(), "{self:?}");
        self.one_line(&format!("{code}: "));
    }

    /// Asserts that the command failed for another reason than the token.
    fn failed(&self, because: &str) {
        assert!(self.status == Some(1) && self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.contains(because), "{self:?}");
    }

    fn one_line(&self, start: &str) {
        assert!(self.stderr.starts_with(start), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
    }
}

struct Program {
    keys: Option<String>,
}

impl Program {
    fn without_keys() -> Self {
        Self { keys: None }
    }

    fn with_keys(keys: &str) -> Self {
        Self {
            keys: Some(keys.to_owned()),
        }
    }

    /// A program with a key of its own, and that key.
    fn new() -> (Self, Key) {
        let key = Key::generate();
        (Self::with_keys(&key.expose()), key)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealtoken"));
        command
            .args(arguments)
            .env_remove("SEALTOKEN_KEYS")
            .env_remove("SEALTOKEN_STORE");
        if let Some(keys) = &self.keys {
            command.env("SEALTOKEN_KEYS", keys);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Result<Done, Box<dyn Error>> {
        let output = feed(&mut self.command(arguments), stdin.as_ref())?;
        Ok(Done {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }
}

/// A folder for one test, where the program runs the commands of one group and keeps its data.
struct Folder {
    group: &'static str,
    program: Program,
    folder: PathBuf,
}

impl Folder {
    fn new(group: &'static str, name: &str) -> Result<Self, Box<dyn Error>> {
        let folder = format!("cli-{group}-{name}");
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let (program, _) = Program::new();
        Ok(Self {
            group,
            program,
            folder,
        })
    }

    /// A file in the folder.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> std::io::Result<()> {
        write_private(&self.folder.join(name), content.as_ref())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn command(&self, line: &str) -> Command {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = self
            .program
            .command(&[&[self.group], &arguments[..]].concat());
        command.current_dir(&self.folder);
        command
    }

    fn bytes(&self, line: &str, stdin: impl AsRef<[u8]>) -> std::io::Result<Output> {
        feed(&mut self.command(line), stdin.as_ref())
    }

    fn run(&self, line: &str, stdin: impl AsRef<[u8]>) -> Result<Done, Box<dyn Error>> {
        let output = self.bytes(line, stdin)?;
        Ok(Done {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// The one line that a command printed.
    fn line(&self, line: &str, stdin: impl AsRef<[u8]>) -> Result<String, Box<dyn Error>> {
        let done = self.run(line, stdin)?;
        assert!(
            done.status == Some(0) && done.stderr.is_empty(),
            "{line}: {done:?}"
        );
        assert_eq!(done.stdout.matches('\n').count(), 1, "{done:?}");
        Ok(done.stdout.strip_suffix('\n').ok_or("no line")?.to_owned())
    }

    /// Runs a command whose output cannot be written, because the disk is full.
    #[cfg(target_os = "linux")]
    fn full(&self, line: &str, stdin: impl AsRef<[u8]>) -> Result<Done, Box<dyn Error>> {
        let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
        let output = feed(self.command(line).stdout(full), stdin.as_ref())?;
        Ok(Done {
            status: output.status.code(),
            stdout: String::new(),
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Removes the one record of a collection, and makes it impossible to remove once it exists
    /// again.
    #[cfg(target_os = "linux")]
    fn unremovable(&self, collection: &str) -> Result<rusqlite::Connection, Box<dyn Error>> {
        let file = rusqlite::Connection::open(self.path("sealtoken.db"))?;
        file.execute_batch(&format!(
            "PRAGMA foreign_keys = OFF;
             CREATE TABLE held (collection TEXT, id BLOB,
                 FOREIGN KEY (collection, id) REFERENCES sealtoken_record (collection, id));
             INSERT INTO held SELECT collection, id FROM sealtoken_record
                 WHERE collection = '{collection}';
             DELETE FROM sealtoken_record WHERE collection = '{collection}';
             DELETE FROM sealtoken_label WHERE collection = '{collection}';"
        ))?;
        Ok(file)
    }

    /// Restores the keysets of a collection with the command that an error names.
    fn bring_back(&self, done: &Done, collection: &str) -> Outcome {
        done.failed(&format!("of the collection {collection} from a backup"));
        let (_, sql) = done
            .stderr
            .split_once("sqlite3 FILE \"")
            .ok_or("no command")?;
        let (sql, _) = sql.split_once("\"`").ok_or("no end")?;
        let backup = self.path("backup.db");
        let sql = sql.replace("backup.db", backup.to_str().ok_or("path")?);
        let file = rusqlite::Connection::open(self.path("sealtoken.db"))?;
        Ok(file.execute_batch(&sql)?)
    }

    /// Runs a command that succeeds and prints nothing.
    fn quiet(&self, line: &str, stdin: impl AsRef<[u8]>) -> Outcome {
        let done = self.run(line, stdin)?;
        assert!(
            done.status == Some(0) && done.stdout.is_empty() && done.stderr.is_empty(),
            "{line}: {done:?}"
        );
        Ok(())
    }
}

/// Runs a command with this on its stdin.
fn feed(command: &mut Command, stdin: &[u8]) -> Result<Output, std::io::Error> {
    let mut child = command.spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that needs no more input may have ended by now.
        let _ = pipe.write_all(stdin);
    }
    child.wait_with_output()
}

/// A token that was issued at [`NOW`] for half an hour, for the purpose `reset`.
fn token(key: &Key) -> Result<String, Box<dyn Error>> {
    let codec = KeyRing::new(key.clone()).codec("reset")?;
    let codec = codec.with_clock(ManualClock::at(UnixTime::from_secs(NOW)));
    let mut token = Token::new();
    token.cargo_mut().insert("user_id", 123)?;
    Ok(codec.seal(&mut token, Lifetime::minutes(30))?)
}

/// A file with this content, for one test.
fn file(name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, std::io::Error> {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}"));
    write_private(&path, content.as_ref())?;
    Ok(path)
}

/// Writes a file that no other user can read, as the command wants files of secrets.
fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::write(path, content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn at(second: i64) -> String {
    second.to_string()
}
