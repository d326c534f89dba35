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

mod pat;
mod pat_import;
#[cfg(feature = "dynamodb")]
mod pat_import_table;
mod pat_list;
mod pat_sync;
#[cfg(target_os = "linux")]
mod unknown;
mod vault;
mod vault_import;
mod vault_many;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use sealtoken::{Cargo, Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
use serde_json::{Value, json};

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

/// A test's own folder, in which the program runs the commands of one group and keeps its data.
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
        fs::write(self.folder.join(name), content)
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

    /// What a command printed on a line, which it must.
    fn line(&self, line: &str, stdin: impl AsRef<[u8]>) -> Result<String, Box<dyn Error>> {
        let done = self.run(line, stdin)?;
        assert!(
            done.status == Some(0) && done.stderr.is_empty(),
            "{line}: {done:?}"
        );
        assert_eq!(done.stdout.matches('\n').count(), 1, "{done:?}");
        Ok(done.stdout.strip_suffix('\n').ok_or("no line")?.to_owned())
    }

    /// A command of which no output can be written: the disk is full.
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

    /// Sees to it that the one record of a collection cannot be removed once it is there again; it
    /// goes with this.
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

    /// Brings back the keysets of a collection by the command that an error names.
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

    /// A command that does what it is told and says nothing.
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
        // A program that needs no more may have ended by now.
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
    fs::write(&path, content)?;
    Ok(path)
}

fn at(second: i64) -> String {
    second.to_string()
}

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

    // The file counts where both are there.
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
fn what_is_sealed_opens_with_its_cargo_and_times() -> Outcome {
    let (program, _) = Program::new();
    let cargo = r#" {"user_id":123, "ratio":1.0,"big":18446744073709551615,"ü":["\n",null,{}]} "#;
    for (expires_in, seconds) in [
        ("90s", json!(90)),
        ("30m", json!(1800)),
        ("8h", json!(28_800)),
        ("1d", json!(86_400)),
        ("2w", json!(1_209_600)),
        ("forever", Value::Null),
    ] {
        let seal = ["seal", "--purpose", "reset", "--expires-in", expires_in];
        let sealed = program.run(&seal, cargo)?;
        assert!(
            sealed.status == Some(0) && sealed.stderr.is_empty(),
            "{sealed:?}"
        );
        assert!(sealed.stdout.starts_with("st1_") && sealed.stdout.ends_with('\n'));

        let opened = program.run(&["open", "--purpose", "reset"], &sealed.stdout)?;
        let value = opened.json()?;
        assert_eq!(
            value.get("seconds_to_expire"),
            Some(&seconds),
            "{expires_in}"
        );
        let custom = value.get("custom").map(Value::to_string);
        let custom: Cargo = custom.ok_or("custom")?.parse()?;
        assert_eq!(custom, cargo.parse()?);
    }
    Ok(())
}

#[test]
fn open_prints_its_four_members_in_order() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let open = ["open", "--purpose", "reset", "--at", &at(NOW)];
    let done = program.run(&open, format!("{text}\n"))?;
    let uuid = KeyRing::new(key).codec("reset")?.inspect(&text)?.uuid();
    let expected = format!(
        "{{\"uuid\":\"{uuid}\",\"timestamp\":{NOW},\"seconds_to_expire\":1800,\
         \"custom\":{{\"user_id\":123}}}}"
    );
    assert_eq!(done.stdout, expected + "\n");
    Ok(())
}

#[test]
fn a_context_and_a_purpose_are_part_of_what_a_token_is() -> Outcome {
    let (program, _) = Program::new();
    let seal = [
        "seal",
        "--purpose",
        "p",
        "--context",
        "user:42",
        "--expires-in",
        "1h",
    ];
    let text = program.run(&seal, "{}")?.stdout;
    let open = |rest: &[&str]| program.run(&[&["open", "--purpose"], rest].concat(), &text);
    assert_eq!(open(&["p", "--context", "user:42"])?.status, Some(0));
    open(&["p"])?.refused("forged");
    open(&["p", "--context", "user:43"])?.refused("forged");
    open(&["q", "--context", "user:42"])?.refused("forged");
    Ok(())
}

#[test]
fn padding_hides_the_length_of_the_cargo() -> Outcome {
    let (program, _) = Program::new();
    let length = |cargo: &str, pad: &str| -> Result<usize, Box<dyn Error>> {
        let seal = ["seal", "--purpose", "p", "--expires-in", "1h", "--pad", pad];
        Ok(program.run(&seal, cargo)?.stdout.len())
    };
    assert_eq!(
        length(r#"{"a":1}"#, "256")?,
        length(r#"{"a":"abcdefghijklmnop"}"#, "256")?
    );
    assert_ne!(
        length(r#"{"a":1}"#, "1")?,
        length(r#"{"a":"abcdefghijklmnop"}"#, "1")?
    );
    Ok(())
}

#[test]
fn every_refusal_has_its_code_exit_status_2_and_nothing_on_stdout() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let open = |second: i64, text: &str| {
        program.run(&["open", "--purpose", "reset", "--at", &at(second)], text)
    };
    assert_eq!(open(NOW + 1799, &text)?.status, Some(0));
    open(NOW + 1800, &text)?.refused("expired");
    open(i64::MAX, &text)?.refused("expired");
    open(NOW - 61, &text)?.refused("not_yet_valid");
    open(-1, &text)?.refused("not_yet_valid");
    open(NOW, "")?.refused("malformed");
    open(NOW, &text.replacen("st1_", "st2_", 1))?.refused("malformed");
    let stranger = token(&Key::generate())?;
    open(NOW, &stranger)?.refused("unknown_key");
    let list = KeyRing::new(key)
        .codec("reset")?
        .seal_value(&[1], Lifetime::Forever)?;
    program
        .run(&["open", "--purpose", "reset"], list)?
        .refused("payload");
    Ok(())
}

#[test]
fn one_line_ending_is_dropped_and_the_library_refuses_everything_else() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let open = |input: &[u8]| program.run(&["open", "--purpose", "reset", "--at", &at(NOW)], input);
    for ending in ["", "\n", "\r\n"] {
        let done = open(format!("{text}{ending}").as_bytes())?;
        assert_eq!(done.status, Some(0), "{ending:?}");
    }
    for ending in [
        "\n\n", "\r\n\n", "\r\n\r\n", "\n\r\n", "\r", "\n\r", " ", " \n", "\0", "\nx",
    ] {
        open(format!("{text}{ending}").as_bytes())?.refused("malformed");
    }
    for start in ["\n", " ", "\u{feff}"] {
        open(format!("{start}{text}\n").as_bytes())?.refused("malformed");
    }
    open(b"st1_\xff\xfe")?.refused("malformed");
    Ok(())
}

#[test]
fn the_longest_token_is_read_and_no_more_of_stdin_than_that() -> Outcome {
    let (program, key) = Program::new();
    // As long as earlier versions sealed.
    let codec = KeyRing::new(key).codec("p")?.with_max_len(4096);
    let sealed = |length: usize| -> Result<String, Box<dyn Error>> {
        Ok(codec.seal_value(&json!({ "fill": "x".repeat(length) }), Lifetime::hours(1))?)
    };
    let short = sealed(0)?.len();
    // Three bytes make four characters; the envelope's own length does not change.
    let room = (4096 - short) * 3 / 4;
    let longest = sealed(room)?;
    assert_eq!(longest.len(), 4096);
    let open = ["open", "--purpose", "p"];
    assert_eq!(
        program.run(&open, format!("{longest}\r\n"))?.status,
        Some(0)
    );
    program
        .run(&open, format!("{longest}\r\n\n"))?
        .refused("malformed");

    let huge = "A".repeat(32 * 1024 * 1024);
    program
        .run(&open, format!("st1_{huge}"))?
        .refused("malformed");
    program
        .run(&["inspect"], format!("st1_{huge}"))?
        .refused("malformed");
    let seal = ["seal", "--purpose", "p", "--expires-in", "1h"];
    program
        .run(&seal, format!(r#"{{"a":"{huge}"}}"#))?
        .failed("longer than");
    Ok(())
}

#[test]
fn a_cargo_that_cannot_be_sealed_is_an_error_and_not_a_refusal() -> Outcome {
    let (program, _) = Program::new();
    let seal = |cargo: &[u8]| program.run(&["seal", "--purpose", "p", "--expires-in", "1h"], cargo);
    for cargo in [
        "",
        "{",
        "[]",
        "5",
        "null",
        r#"{"a":1,"a":2}"#,
        r#"{"a":NaN}"#,
        "{} x",
    ] {
        let done = seal(cargo.as_bytes())?;
        done.failed("the cargo on stdin");
        done.one_line("error: ");
    }
    seal(b"{\"a\":\"\xff\"}")?.failed("UTF-8");
    let long = seal(format!(r#"{{"a":"{}"}}"#, "x".repeat(5000)).as_bytes())?;
    long.failed("4000 are allowed");
    long.one_line("error: ");
    Ok(())
}

#[test]
fn inspect_tells_what_is_public_without_a_key() -> Outcome {
    let key = Key::generate();
    let text = token(&key)?;
    let program = Program::without_keys();
    let outline = json!({
        "version": "st1",
        "key_id": key.id().to_string(),
        "length": text.len(),
        "plaintext_length": (text.len() - 4) * 3 / 4 - 44,
    });
    let done = program.run(&["inspect", "--json"], format!("{text}\n"))?;
    assert_eq!(done.json()?, outline);

    let done = program.run(&["inspect"], &text)?;
    for part in ["st1", &key.id().to_string(), &text.len().to_string()] {
        assert!(done.stdout.contains(part), "{done:?}");
    }
    program
        .run(&["inspect"], format!("{text}="))?
        .refused("malformed");
    Ok(())
}

#[test]
fn inspect_tells_the_state_whatever_it_is_and_the_cargo_only_when_asked() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    for (second, state, code) in [
        (NOW, "valid", "valid"),
        (NOW + 1800, "expired", "expired"),
        (NOW - 61, "not yet valid", "not_yet_valid"),
    ] {
        let second = at(second);
        let inspect = ["inspect", "--purpose", "reset", "--at", &second];
        let done = program.run(&inspect, &text)?;
        assert_eq!(done.status, Some(0), "{done:?}");
        for line in [
            "issued        2025-11-21T20:00:00Z",
            "expires       2025-11-21T20:30:00Z",
            &format!("state         {state}"),
            "needs reseal  no",
        ] {
            assert!(
                done.stdout.lines().any(|found| found == line),
                "{line}: {done:?}"
            );
        }
        assert!(!done.stdout.contains("user_id"));
        let revealed = program.run(&[&inspect[..], &["--reveal"]].concat(), &text)?;
        assert!(
            revealed.stdout.contains(r#"cargo         {"user_id":123}"#),
            "{revealed:?}"
        );

        let value = program
            .run(&[&inspect[..], &["--json"]].concat(), &text)?
            .json()?;
        assert_eq!(value.get("state"), Some(&json!(code)));
        assert_eq!(value.get("timestamp"), Some(&json!(NOW)));
        assert_eq!(value.get("seconds_to_expire"), Some(&json!(1800)));
        assert_eq!(
            value.get("expires_at"),
            Some(&json!("2025-11-21T20:30:00Z"))
        );
        assert_eq!(value.get("custom"), None);
        let value = program
            .run(&[&inspect[..], &["--json", "--reveal"]].concat(), &text)?
            .json()?;
        assert_eq!(value.get("custom"), Some(&json!({"user_id": 123})));
    }
    program
        .run(&["inspect", "--purpose", "other"], &text)?
        .refused("forged");
    Ok(())
}

#[test]
fn inspect_tells_never_and_renewals_and_what_needs_a_reseal() -> Outcome {
    let (old, new) = (Key::generate(), Key::generate());
    let clock = ManualClock::at(UnixTime::from_secs(NOW));
    let codec = KeyRing::new(old.clone())
        .codec("p")?
        .with_clock(clock.clone());
    let mut token = Token::new();
    token.set_not_before(Some(UnixTime::from_secs(NOW + 20)));
    codec.seal(&mut token, Lifetime::Forever)?;
    clock.advance(10);
    let text = codec.renew(&mut token, Lifetime::Forever)?;

    let program = Program::with_keys(&format!("{} {}", *new.expose(), *old.expose()));
    let inspect = ["inspect", "--purpose", "p"];
    let done = program.run(&inspect, &text)?;
    for line in [
        "first issued  2025-11-21T20:00:00Z",
        "issued        2025-11-21T20:00:10Z",
        "not before    2025-11-21T20:00:20Z",
        "expires       never",
        "needs reseal  yes",
    ] {
        assert!(
            done.stdout.lines().any(|found| found == line),
            "{line}: {done:?}"
        );
    }
    let value = program
        .run(&[&inspect[..], &["--json"]].concat(), &text)?
        .json()?;
    assert_eq!(value.get("expires_at"), Some(&Value::Null));
    assert_eq!(value.get("needs_reseal"), Some(&json!(true)));
    assert_eq!(
        value.get("first_issued_at"),
        Some(&json!("2025-11-21T20:00:00Z"))
    );
    assert_eq!(
        value.get("not_before"),
        Some(&json!("2025-11-21T20:00:20Z"))
    );
    Ok(())
}

#[test]
fn a_token_of_the_php_system_is_printed_as_open_prints_one() -> Outcome {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/primordyx.json"))?;
    let vectors = vectors
        .get("vectors")
        .and_then(Value::as_array)
        .ok_or("vectors")?;
    let vector = |name: &str| -> Result<String, Box<dyn Error>> {
        let found = vectors.iter().find(|v| v.get("name") == Some(&json!(name)));
        let text = found.and_then(|v| v.get("token")?.as_str());
        Ok(text.ok_or_else(|| name.to_owned())?.to_owned())
    };
    let path = file("passphrase", "correct horse battery staple\r\n")?;
    let path = path.to_str().ok_or("path")?;
    let program = Program::without_keys();
    let import = |second: i64, text: &str| {
        let second = at(second);
        let options = [
            "--from",
            "primordyx",
            "--passphrase-file",
            path,
            "--at",
            &second,
        ];
        program.run(&[&["import"], &options[..]].concat(), format!("{text}\n"))
    };

    let plain = vector("plain")?;
    let done = import(NOW, &plain)?;
    let (start, rest) = done.stdout.split_at(r#"{"uuid":""#.len() + 36);
    assert!(start.starts_with(r#"{"uuid":""#), "{done:?}");
    let expected = format!(
        "\",\"timestamp\":{NOW},\"seconds_to_expire\":3600,\
         \"custom\":{{\"action\":\"password_reset\",\"user_id\":123}}}}"
    );
    assert_eq!(rest, expected + "\n");

    let list = import(NOW, &vector("custom of numbered keys")?)?.json()?;
    assert_eq!(list.get("custom"), Some(&json!({"0": "a", "1": "b"})));
    let endless = import(NOW, &vector("lifetime 0")?)?.json()?;
    assert_eq!(endless.get("seconds_to_expire"), Some(&Value::Null));
    assert_eq!(
        import(NOW, &vector("64 KiB, the longest")?)?.status,
        Some(0)
    );

    import(NOW + 3600, &plain)?.refused("expired");
    import(NOW, &vector("lifetime missing")?)?.refused("expired");
    import(NOW, &vector("lifetime PHP_INT_MAX")?)?.refused("lifetime_out_of_range");
    import(NOW, &vector("k missing")?)?.refused("payload");
    import(NOW, &vector("wrong passphrase")?.replacen('2', "3", 1))?.refused("forged");
    import(NOW, &format!("{plain}\n"))?.refused("malformed");
    import(NOW, &"0".repeat(1024 * 1024))?.refused("malformed");
    Ok(())
}

#[test]
fn a_passphrase_file_loses_one_line_ending_and_is_not_empty() -> Outcome {
    let program = Program::without_keys();
    let import = |name: &str, content: &[u8]| -> Result<Done, Box<dyn Error>> {
        let path = file(name, content)?;
        let path = path.to_str().ok_or("path")?;
        program.run(
            &["import", "--from", "primordyx", "--passphrase-file", path],
            "00".repeat(29),
        )
    };
    import("empty", b"")?.failed("empty");
    import("line", b"\n")?.failed("empty");
    import("bytes", b"\xff")?.failed("UTF-8");
    import("long", &vec![b'x'; 100_000])?.failed("at most 65536 bytes");
    import("good", b"passphrase")?.refused("forged");
    Ok(())
}

#[test]
fn keys_that_are_missing_or_wrong_are_errors_that_do_not_show_them() -> Outcome {
    let open = ["open", "--purpose", "p"];
    Program::without_keys()
        .run(&open, "")?
        .failed("SEALTOKEN_KEYS");
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
        // Nothing that stands in a key stands in the message.
        assert!(!done.stderr.contains("nonsense") && !done.stderr.contains(&key[8..20]));
    }
    // A key in the place of its file's name.
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
        done.failed("never arguments");
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
            vec!["vault", "list", "--only-expired", "--with-expired"],
            "--only-expired",
        ),
        (vec!["vault", "list", "--count", "--json"], "--count"),
        (vec!["vault", "import", "--password-file", "x"], "--format"),
        (
            vec!["vault", "import", "--format", "vaultstore-v2"],
            "--password-file",
        ),
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
    let done = program.run(&["--version"], "")?;
    assert_eq!(
        done.stdout,
        concat!("sealtoken ", env!("CARGO_PKG_VERSION"), "\n")
    );
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
