//! `vault import`: lines of JSON from stdin, a few at a time, so that memory does not grow with
//! their number.

use std::io::{BufRead, BufReader, stdin};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum, ValueHint};
use sealtoken::UnixTime;
use sealtoken::events::{Event, EventSink};
use sealtoken::vault::{ForeignValue, ImportError, Vault, VaultError};
use sealtoken_import::{Vaultstore, VaultstoreError};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::{Failure, imported};
use crate::input::hint;
use crate::lines::{BATCH, Lines};
use crate::output;
use crate::progress::Progress;

use super::input;
use super::scope::{Scope, flushed};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault import --format vaultstore-v2 --password-file password.txt < values.jsonl
  sealtoken vault import --format vaultstore-v2 < values-without-a-password.jsonl
  sealtoken vault import --format vaultstore-v1 --password-file old.txt \\
    --new-password-file new.txt < values.jsonl")]
pub(crate) struct Import {
    #[command(flatten)]
    scope: Scope,
    /// The system that stored the values, and its format
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Read the password of the values from this file; one line ending after it is ignored
    ///
    /// Leave it out for values that were stored without a password. The values get the same
    /// password in this vault, or none, unless you give another or --no-password.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,
    /// Protect the values in this vault by the password in this file instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    new_password_file: Option<PathBuf>,
    /// Keep the values in this vault without a password, whatever protects them now
    #[arg(long, conflicts_with = "new_password_file")]
    no_password: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// The Go system vaultstore: values that begin with v2:
    #[value(name = "vaultstore-v2")]
    VaultstoreV2,
    /// The same system's first format, which authenticates nothing: read docs/from-vaultstore.md
    /// first
    #[value(name = "vaultstore-v1")]
    VaultstoreV1,
}

/// The maximum size of a line, in bytes: a value of 1 MiB in the first format, and some of it
/// escaped.
const MAX_LINE: usize = 8 * 1024 * 1024;

const COMMAND: &str = "vault import";

pub(super) async fn run(options: &Import) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    // A value without a password was stored under the empty one.
    let old = options.password_file.as_deref().map(input::password_of);
    let old = old.transpose()?.unwrap_or_default();
    let new = options.new_password(&old)?;
    let reader = match options.format {
        Format::VaultstoreV2 => Vaultstore::v2(old),
        Format::VaultstoreV1 => Vaultstore::v1(old),
    };
    hint("values, one a line,", "to its end (Ctrl-D)");
    let count = Arc::new(Count::default());
    let events = Vault::options().events(Arc::clone(&count));
    let vault = vault.open_with(events).await?;
    let read = |line: Line| {
        let expires_at = line.expires_at.map(UnixTime::from_secs);
        reader.value(line.token, line.value, expires_at)
    };
    let refused = flushed(&vault, import(&vault, BufReader::new(stdin()), read, &new)).await;
    let count = count.0.load(Ordering::Relaxed);
    let done = imported(count);
    let refused =
        refused.map_err(|failure| failure.after_import(done.as_deref(), COMMAND, "lines"))?;
    let printed = output::line(&count.to_string());
    let found = Failure::of_import(refused, done.as_deref(), COMMAND);
    output::ended(printed, output::DONE, found)
}

impl Import {
    /// The password that protects the values in this vault; empty for none.
    fn new_password(&self, old: &Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
        match &self.new_password_file {
            _ if self.no_password => Ok(Zeroizing::default()),
            None => Ok(old.clone()),
            Some(path) => match input::password_of(path)? {
                // Perhaps the file could not be written: that must not strip values of protection.
                new if new.is_empty() => Err(Failure::refused(
                    VaultError::EmptyPassword.code(),
                    "the new password file is empty: give a password, or --no-password for none",
                )),
                new => Ok(new),
            },
        }
    }
}

/// Counts the imported values, even if the import failed halfway.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl EventSink for Count {
    fn record(&self, event: &Event) {
        if event.operation == sealtoken::vault::operation::IMPORT {
            let count = event.count.unwrap_or_default();
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// Imports the values of all lines. Names on stderr each line that was refused, and returns their
/// number.
async fn import(
    vault: &Vault,
    from: impl BufRead + Send,
    read: impl Fn(Line) -> ForeignValue<VaultstoreError> + Sync,
    password: &Zeroizing<String>,
) -> Result<u64, Failure> {
    let progress = Progress::of("lines read")?;
    let mut lines = Lines::new(from, MAX_LINE, line);
    let mut refused = 0_u64;
    while !lines.ended {
        let before = lines.number;
        // They share the cost of hashing this vault's password.
        let values = lines.by_ref().take(BATCH).map(&read);
        let mut import = vault.import(values).progress(progress.after(before));
        if !password.is_empty() {
            import = import.password(password.clone());
        }
        let results = import.await?;
        let numbers = std::mem::take(&mut lines.good);
        let mut outcomes = std::mem::take(&mut lines.bad);
        for (number, result) in numbers.into_iter().zip(results) {
            if let Err(failure) = result {
                outcomes.push((number, reason(&failure)));
            }
        }
        outcomes.sort_unstable_by_key(|(number, _)| *number);
        for (number, reason) in outcomes {
            refused = refused.saturating_add(1);
            progress.say(&format!("line {number}: {reason}"));
        }
        if let Some(error) = lines.failed.take() {
            return Err(Failure::at("read stdin")(error));
        }
    }
    Ok(refused)
}

/// The code of a failure, and what it means.
fn reason(failure: &ImportError<VaultstoreError>) -> String {
    let code = match failure {
        ImportError::Read(error) => error.code(),
        failure => failure.code(),
    };
    format!("{code}: {failure}")
}

/// A line: each name at most once, and no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    token: String,
    value: String,
    expires_at: Option<i64>,
}

/// The message for an invalid line. It repeats nothing of the line.
const NOT_A_VALUE: &str = "malformed: not a JSON object with \"token\", \"value\" and optionally \
                           \"expires_at\" in Unix seconds";

fn line(text: &[u8]) -> Result<Line, String> {
    parse(text).ok_or_else(|| NOT_A_VALUE.into())
}

/// The value in a line: an object, and not the list that serde accepts, too.
fn parse(text: &[u8]) -> Option<Line> {
    if !text.starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use sealtoken::store::MemoryStore;
    use sealtoken::{Key, KeyRing};

    use super::*;

    fn lines(text: &str) -> (Vec<String>, Vec<u64>, Vec<u64>) {
        let mut lines = Lines::new(text.as_bytes(), MAX_LINE, line);
        let tokens = (&mut lines).map(|value| value.token).collect();
        let bad = lines.bad.iter().map(|(number, _)| *number).collect();
        (tokens, lines.good, bad)
    }

    #[test]
    fn lines_are_counted_whatever_is_in_them() {
        let text = "{\"token\":\"a\",\"value\":\"b\"}\r\n\nnonsense\n \n\
                    {\"token\":\"c\",\"value\":\"d\",\"expires_at\":5}";
        let expected = (vec!["a".into(), "c".into()], vec![1, 5], vec![3]);
        assert_eq!(lines(text), expected);
        assert_eq!(lines("\n\n"), (vec![], vec![], vec![]));
    }

    #[test]
    fn a_line_is_an_object_with_every_name_once_and_no_other() {
        for line in [
            r#"["a","b",null]"#,
            r#"{"token":"a"}"#,
            r#"{"token":"a","value":"b","value":"c"}"#,
            r#"{"token":"a","value":"b","extra":1}"#,
            r#"{"token":"a","value":"b","expires_at":1.5}"#,
            r#"{"token":"a","value":"b","expires_at":"5"}"#,
            r#"{"token":"a","value":"b","expires_at":9223372036854775808}"#,
            r#"{"token":1,"value":"b"}"#,
            r#"{"token":"a","value":"b"} x"#,
            r#"{"token":"a","value":"b"}{"token":"a","value":"b"}"#,
            "{",
            "5",
            "null",
        ] {
            assert!(parse(line.as_bytes()).is_none(), "{line}");
        }
        let value = parse(br#"{"token":"a","value":"b","expires_at":null}"#);
        assert!(value.is_some_and(|value| value.expires_at.is_none()));
        assert!(parse(b"{\"token\":\"\xff\",\"value\":\"b\"}").is_none());
    }

    #[test]
    fn a_line_beyond_the_limit_is_passed_over() {
        let long = "x".repeat(MAX_LINE + 5);
        let text = format!("{long}\n{{\"token\":\"a\",\"value\":\"b\"}}\n{long}");
        assert_eq!(lines(&text), (vec!["a".into()], vec![2], vec![1, 3]));
    }

    /// Neither a value that cannot be read nor one whose reader panics ends the import in silence.
    #[tokio::test]
    async fn a_reader_that_fails_or_panics_is_reported() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let line = |n, value: &str| {
            format!("{{\"token\":\"a-token-with-number-{n}\",\"value\":\"{value}{n}\"}}\n")
        };
        let text = |value: &str| [1, 2, 3].map(|n| line(n, value)).concat();
        let read = |line: Line| {
            ForeignValue::new(line.token, move || match &*line.value {
                "fails2" => Err(VaultstoreError::Forged),
                "panics2" => panic!("a fault of the reader"),
                _ => Ok("value"),
            })
        };
        let none = Zeroizing::default();
        let refused = import(&vault, text("fails").as_bytes(), read, &none).await;
        assert_eq!(refused.ok(), Some(1));
        assert_eq!(vault.list().count().await, Ok(2));

        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let refused = import(&vault, text("panics").as_bytes(), read, &none).await;
        assert_eq!(refused.ok(), Some(1));
        // The value after it was imported, too.
        let last = vault.read("a-token-with-number-3").await.unwrap();
        assert_eq!(last.expose(), b"value");
        assert_eq!(vault.list().count().await, Ok(2));
    }
}
