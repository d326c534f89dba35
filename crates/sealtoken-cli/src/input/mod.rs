//! Reads the input of commands: with a limit, and wiped from memory if it may be a secret.

mod file;
mod json;
mod stdin;
mod text;

use std::env::VarError;
use std::io::Read;
use std::path::Path;

use sealtoken::{Cargo, CargoError, KeyRing};
use zeroize::Zeroizing;

use crate::failure::{Failure, problem};

pub(crate) use file::{declared, open, private, secrets};
pub(crate) use stdin::{Stdin, all, hint};
pub(crate) use text::{Given, Kind, MARK, without_line_ending, without_mark};

use text::{QUOTES, utf8};

/// The maximum size of a cargo's JSON, in bytes. A token holds less, but white space is not sealed.
const MAX_CARGO: usize = 1024 * 1024;

/// How many bytes may stand around a token: a byte order mark, blanks and line endings.
pub(crate) const AROUND: usize = 64;

/// The environment variable that holds the keys.
const VARIABLE: &str = "SEALTOKEN_KEYS";

/// The keys from the file or, without one, from the environment.
pub(crate) fn keys(file: Option<&Path>) -> Result<KeyRing, Failure> {
    let text = match file {
        Some(path) => private(path, "read the key file")?,
        None => std::env::var(VARIABLE)
            .map(Zeroizing::new)
            .map_err(|error| match error {
                VarError::NotPresent => problem(
                    "no keys were given: give --key-file, or set SEALTOKEN_KEYS \
                     (`sealtoken key generate` makes one)",
                ),
                VarError::NotUnicode(_) => problem("SEALTOKEN_KEYS is not UTF-8"),
            })?,
    };
    let text = without_mark(&text);
    if file.is_none() && text.trim().is_empty() {
        return Err(problem(
            "SEALTOKEN_KEYS is empty: put the keys into it, or give --key-file",
        ));
    }
    let mut keys = text.split(|c: char| c == ',' || c.is_whitespace());
    if keys.any(|key| key.trim_start_matches('+').starts_with(QUOTES)) {
        return Err(problem("a key is in quotes: give it without them"));
    }
    text.parse().map_err(problem)
}

/// The passphrase of the file, without one line ending.
pub(crate) fn passphrase(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = private(path, "read the passphrase file")?;
    match without_line_ending(&text) {
        // With an empty passphrase, anyone could make tokens that are read.
        "" => Err(Failure::Problem("the passphrase file is empty".into())),
        passphrase => Ok(Zeroizing::new(passphrase.into())),
    }
}

/// The token on stdin, without the blanks around it. `max` is the limit of its reader.
pub(crate) fn token(max: usize) -> Result<Given, Failure> {
    let (bytes, whole) = all("the token", max.saturating_add(AROUND))?;
    let (name, from) = ("token", "stdin");
    Ok(Given::new(&bytes, whole, Kind { name, from, max }))
}

/// The cargo on stdin.
pub(crate) fn cargo() -> Result<Cargo, Failure> {
    let (bytes, whole) = all("the cargo, a JSON object,", MAX_CARGO)?;
    if !whole {
        let what = format!("the cargo on stdin is longer than {MAX_CARGO} bytes");
        return Err(Failure::Problem(what));
    }
    let text = utf8(&bytes).map_err(|why| problem(format!("the cargo on stdin {why}")))?;
    let text = without_mark(text);
    if text.trim_ascii().is_empty() {
        let example = json::EXAMPLE;
        return Err(problem(format!(
            "the cargo on stdin is empty: give a JSON object, such as {example}"
        )));
    }
    text.parse().map_err(|error: CargoError| {
        let why = json::why(text).unwrap_or_else(|| error.to_string());
        problem(format!("the cargo on stdin: {why}"))
    })
}

/// Reads up to `max` bytes and one more, to tell whether that was all.
fn bounded(from: impl Read, max: usize) -> std::io::Result<(Zeroizing<Vec<u8>>, bool)> {
    let more = max.saturating_add(1);
    // At full capacity from the start: growing would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(more));
    from.take(more as u64).read_to_end(&mut bytes)?;
    let whole = bytes.len() <= max;
    Ok((bytes, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_and_a_byte_is_read() {
        let read = |max| {
            bounded(&b"12345"[..], max)
                .map(|(bytes, whole)| (bytes.len(), whole))
                .ok()
        };
        assert_eq!(read(5), Some((5, true)));
        assert_eq!(read(4), Some((5, false)));
        assert_eq!(read(2), Some((3, false)));
        let endless =
            bounded(std::io::repeat(0), 10).map(|(bytes, whole)| (bytes.capacity(), whole));
        assert_eq!(endless.ok(), Some((11, false)));
    }
}
