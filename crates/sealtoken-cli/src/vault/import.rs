//! `vault import`: lines of JSON from stdin, a few at a time, so that memory does not grow with
//! their number.

use std::io::{BufReader, Stdin, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealtoken::UnixTime;
use sealtoken::events::{Event, EventSink};
use sealtoken::vault::{ImportFailure, Vault, VaultToken};
use sealtoken_import::{StoredValue, Vaultstore, VaultstoreError};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::{Failure, taken_in};
use crate::input::hint;
use crate::lines::{self, AT_ONCE, Lines};
use crate::output;
use crate::progress::Progress;

use super::args::{Format, Import};
use super::input;
use super::place::flushed;

/// The most bytes of a line: a value of 1 MiB in the first format, and some of it escaped.
const MAX_LINE: usize = 8 * 1024 * 1024;

pub(super) async fn import(options: &Import) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let old = input::password_of(&options.password_file)?;
    let new = match options.new_password_file.as_deref() {
        Some(path) => input::password_of(path)?,
        None => old.clone(),
    };
    let reader = match options.format {
        Format::VaultstoreV2 => Vaultstore::v2(old),
        Format::VaultstoreV1 => Vaultstore::v1(old),
    };
    hint("a value a line", "to its end (Ctrl-D)");
    let taken = Arc::new(Count::default());
    let events = Vault::options().events(Arc::clone(&taken));
    let vault = vault.open_with(events).await?;
    let refused = flushed(&vault, all(&vault, &reader, &new)).await;
    let taken = taken.0.load(Ordering::Relaxed);
    let done = taken_in(taken);
    let refused = refused
        .map_err(|failure| failure.after_taking_in(done.as_deref(), "vault import", "lines"))?;
    let printed = output::line(&taken.to_string());
    let found = lines::refused(refused, done.as_deref(), "vault import");
    output::ended(printed, output::DONE, found)
}

/// Counts the values taken in, also by an import that failed half way.
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

/// Takes in the values of all lines, and returns how many were refused.
async fn all(vault: &Vault, reader: &Vaultstore, new: &Zeroizing<String>) -> Result<u64, Failure> {
    let progress = Progress::of("lines read")?;
    let mut lines = Lines::new(BufReader::new(stdin()), MAX_LINE, value);
    let mut refused = 0_u64;
    while !lines.ended {
        let before = lines.number;
        let results = some(vault, reader, new, &mut lines, progress.after(before)).await?;
        let numbers = std::mem::take(&mut lines.good);
        let mut outcomes = std::mem::take(&mut lines.bad);
        for (number, result) in numbers.into_iter().zip(results) {
            if let Err(failure) = result {
                outcomes.push((number, why(&failure)));
            }
        }
        outcomes.sort_unstable_by_key(|(number, _)| *number);
        for (number, why) in outcomes {
            refused = refused.saturating_add(1);
            progress.say(&format!("line {number}: {why}"));
        }
        if let Some(error) = lines.failed.take() {
            return Err(Failure::at("read stdin")(error));
        }
    }
    Ok(refused)
}

/// The outcome for each value.
type Taken = Vec<Result<VaultToken, ImportFailure<VaultstoreError>>>;

/// Takes in the values of the next lines.
async fn some(
    vault: &Vault,
    reader: &Vaultstore,
    password: &Zeroizing<String>,
    lines: &mut Lines<BufReader<Stdin>, StoredValue>,
    progress: impl FnMut(u64) + Send,
) -> Result<Taken, Failure> {
    // They share the cost of hashing this vault's password.
    let values = lines.take(AT_ONCE).map(|row| reader.value(row));
    let mut import = vault.import(values).progress(progress);
    if !password.is_empty() {
        import = import.password(password.clone());
    }
    Ok(import.await?)
}

/// The code of a failure, and what it means.
fn why(failure: &ImportFailure<VaultstoreError>) -> String {
    format!("{}: {failure}", failure.code())
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
const NO_VALUE: &str = "malformed: not a JSON object of \"token\", \"value\" and perhaps \
                        \"expires_at\", a number of seconds";

fn value(line: &[u8]) -> Result<StoredValue, String> {
    parse(line).ok_or_else(|| NO_VALUE.into())
}

/// The value in a line: an object, and not the list that serde accepts, too.
fn parse(text: &[u8]) -> Option<StoredValue> {
    let Line {
        token,
        value,
        expires_at,
    } = text
        .starts_with(b"{")
        .then(|| serde_json::from_slice(text).ok())??;
    Some(StoredValue {
        token,
        stored: value,
        expires_at: expires_at.map(UnixTime::from_secs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<String>, Vec<u64>, Vec<u64>) {
        let mut lines = Lines::new(text.as_bytes(), MAX_LINE, value);
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
}
