//! Reads the input of commands: with a limit, and wiped from memory if it may be a secret.

use std::env::VarError;
use std::fs::File;
use std::io::{BufRead, IsTerminal as _, Read, Write as _, stderr, stdin};
use std::path::Path;

use sealtoken::{Cargo, KeyRing};
use zeroize::Zeroizing;

use crate::failure::{Failure, problem};

/// The maximum size of a key file or passphrase file, in bytes.
const MAX_SECRETS: usize = 64 * 1024;

/// The maximum size of a cargo's JSON, in bytes. A token holds less, but white space is not sealed.
const MAX_CARGO: usize = 1024 * 1024;

/// The maximum size of a file of declared tokens, in bytes: enough for a hundred thousand.
const MAX_DECLARED: usize = 32 * 1024 * 1024;

/// The environment variable that holds the keys.
const VARIABLE: &str = "SEALTOKEN_KEYS";

/// The keys from the file or, without one, from the environment.
pub(crate) fn keys(file: Option<&Path>) -> Result<KeyRing, Failure> {
    let text = match file {
        Some(path) => secrets(path, "read the key file")?,
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
    text.parse().map_err(problem)
}

/// The passphrase of the file, without one line ending.
pub(crate) fn passphrase(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = secrets(path, "read the passphrase file")?;
    match without_line_ending(&text) {
        // With an empty passphrase, anyone could make tokens that are read.
        "" => Err(Failure::Problem("the passphrase file is empty".into())),
        passphrase => Ok(Zeroizing::new(passphrase.into())),
    }
}

/// The token on stdin, without one line ending; nothing else is trimmed.
///
/// `max` is the limit of its reader. Longer text is cut off just beyond it, and the reader refuses
/// it.
pub(crate) fn token(max: usize) -> Result<Zeroizing<String>, Failure> {
    hint("the token", "to its end (Ctrl-D)");
    let longest = max.saturating_add("\r\n".len());
    let (bytes, _) = bounded(stdin().lock(), longest).map_err(Failure::at("read stdin"))?;
    // Tokens are ASCII. Other bytes become empty text, which the reader refuses.
    let text = str::from_utf8(&bytes).unwrap_or_default();
    Ok(Zeroizing::new(without_line_ending(text).into()))
}

/// The cargo on stdin.
pub(crate) fn cargo() -> Result<Cargo, Failure> {
    hint("the cargo, a JSON object", "to its end (Ctrl-D)");
    let (bytes, whole) = bounded(stdin().lock(), MAX_CARGO).map_err(Failure::at("read stdin"))?;
    if !whole {
        let what = format!("the cargo on stdin is longer than {MAX_CARGO} bytes");
        return Err(Failure::Problem(what));
    }
    let text = str::from_utf8(&bytes).map_err(|_| problem("the cargo on stdin is not UTF-8"))?;
    text.parse()
        .map_err(|error| Failure::Problem(format!("the cargo on stdin: {error}")))
}

/// The text of a file of secrets.
pub(crate) fn secrets(path: &Path, doing: &'static str) -> Result<Zeroizing<String>, Failure> {
    text_of(path, MAX_SECRETS, doing)
}

/// The text of a file of declared tokens.
pub(crate) fn declared(path: &Path) -> Result<Zeroizing<String>, Failure> {
    text_of(path, MAX_DECLARED, "read the file of tokens")
}

fn text_of(path: &Path, max: usize, doing: &'static str) -> Result<Zeroizing<String>, Failure> {
    // The message leaves the path out, which may be a key given by mistake.
    let (bytes, whole) = File::open(path)
        .and_then(|file| bounded(file, max))
        .map_err(Failure::at(doing))?;
    let text = str::from_utf8(&bytes).ok().filter(|_| whole);
    let text = text.ok_or_else(|| {
        Failure::Problem(format!(
            "cannot {doing}: it is not UTF-8 text of at most {max} bytes"
        ))
    })?;
    Ok(Zeroizing::new(text.into()))
}

/// Reads up to `max` bytes and one more, to tell whether that was all.
pub(crate) fn bounded(from: impl Read, max: usize) -> std::io::Result<(Zeroizing<Vec<u8>>, bool)> {
    let more = max.saturating_add(1);
    // At full capacity from the start: growing would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(more));
    from.take(more as u64).read_to_end(&mut bytes)?;
    let whole = bytes.len() <= max;
    Ok((bytes, whole))
}

/// A line with its ending, at most `max` bytes of it.
pub(crate) fn line(from: impl BufRead, max: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // At full capacity from the start: growing would leave a copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(max));
    from.take(max as u64).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// The text without one line ending.
pub(crate) fn without_line_ending(text: &str) -> &str {
    text.strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
        .unwrap_or(text)
}

/// On a terminal, shows what the command is waiting for.
pub(crate) fn hint(what: &str, how: &str) {
    if stdin().is_terminal() {
        let _ = writeln!(stderr(), "reading {what} from stdin {how}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_ending_is_dropped_and_nothing_else() {
        for (text, expected) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a\r\n\r\n", "a\r\n"),
            ("a\n\r\n", "a\n"),
            ("a\r", "a\r"),
            ("a\n\r", "a\n\r"),
            (" a \n", " a "),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(without_line_ending(text), expected, "{text:?}");
        }
    }

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
