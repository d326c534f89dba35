//! The output of commands.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _, stdout};
use std::path::Path;

use sealtoken::{Lifetime, Token, UnixTime, Value};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::failure::{Failure, not_a_dash, problem};

/// Prints a line. A closed pipe is no failure.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    secret_line(text).map(|_| ())
}

/// Prints a line that cannot be printed again. Returns whether stdout was still open.
pub(crate) fn secret_line(text: &str) -> Result<bool, Failure> {
    // In one piece, so that stdout keeps no copy in its buffer: it may be a key.
    let mut line = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
    line.push_str(text);
    line.push('\n');
    part(line.as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn all(bytes: &[u8]) -> Result<(), Failure> {
    part(bytes).map(|_| ())
}

/// Prints bytes that more will follow. Returns whether stdout was still open.
pub(crate) fn part(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .map_err(Failure::at("write to stdout")),
    }
}

/// A file that a command makes. It never overwrites one: that may be the only copy of a key.
pub(crate) struct NewFile {
    /// What it is, such as `key file`.
    pub(crate) name: &'static str,
    /// Whether only this user can read it, on Unix.
    pub(crate) is_private: bool,
}

impl NewFile {
    /// Writes a line, and waits until it is on the disk.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let doing = format!("create the {}", self.name);
        not_a_dash(&doing, path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if self.is_private {
            for_owner_alone(&mut options);
        }
        let made = options.open(path).map_err(|error| {
            let failure = Failure::file(&doing, path, &error);
            match error.kind() {
                ErrorKind::AlreadyExists => {
                    failure.advise("give another name: nothing is overwritten")
                }
                _ => failure,
            }
        });
        let mut file = made?;
        // In one piece, so that no buffer keeps a copy: it may be a key.
        let mut line = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
        line.push_str(text);
        line.push('\n');
        let written = file.write_all(line.as_bytes());
        written.and_then(|()| file.sync_all()).map_err(|error| {
            // Half of it is useless.
            let _ = std::fs::remove_file(path);
            Failure::file(&format!("write the {}", self.name), path, &error)
        })
    }
}

#[cfg(unix)]
fn for_owner_alone(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600);
}

/// The rights of a new file are those of its folder.
#[cfg(not(unix))]
const fn for_owner_alone(_: &mut OpenOptions) {}

/// Added to an error of stdout if the work itself was done.
pub(crate) const DONE: &str = "everything else was done";

/// The result of a command from that of printing and that of its work, `found`. If both failed, the
/// error of stdout is reported, and `found` is returned. `work` is added to the error of stdout and
/// says what was done.
pub(crate) fn ended(
    printed: Result<(), Failure>,
    work: &str,
    found: Result<(), Failure>,
) -> Result<(), Failure> {
    match (printed.map_err(|failure| failure.advise(work)), found) {
        (Err(failure), Err(found)) => {
            failure.report();
            Err(found)
        }
        (printed, found) => printed.and(found),
    }
}

/// Prints `value` as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(&json_text(value)?)
}

/// The JSON of `value`, with every character escaped that could affect a terminal: JSON itself
/// allows most of those.
pub(crate) fn json_text(value: &impl Serialize) -> Result<Zeroizing<String>, Failure> {
    let text = serde_json::to_string(value).map(Zeroizing::new);
    let text = text.map_err(problem)?;
    if !text.contains(is_active) {
        return Ok(text);
    }
    let mut quiet = Zeroizing::new(String::with_capacity(text.len().saturating_mul(2)));
    for c in text.chars() {
        if is_active(c) {
            // All of them have at most four digits, and occur only in strings.
            write!(quiet, "\\u{:04x}", u32::from(c)).map_err(problem)?;
        } else {
            quiet.push(c);
        }
    }
    Ok(quiet)
}

/// Whether a character may control a terminal or change the direction of text.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// Text that is safe to show on a terminal: line endings, control characters and invisible ones are
/// escaped, quotes and backslashes are not.
pub(crate) fn printable(text: &str) -> String {
    let escaped = text.escape_debug().to_string();
    // Every quote has a backslash before it by now, and every backslash a second one.
    let unquoted = escaped.replace("\\'", "'").replace("\\\"", "\"");
    unquoted.replace("\\\\", "\\")
}

/// An expiry, for people.
pub(crate) fn end(at: Option<UnixTime>) -> String {
    at.map_or_else(|| "never".into(), |at| at.to_string())
}

/// A time that may be missing, for programs.
pub(crate) fn optional(at: Option<UnixTime>) -> Value {
    or_null(at.map(|at| at.to_string()))
}

/// A value that may be missing, for programs.
pub(crate) fn or_null(value: Option<impl Into<Value>>) -> Value {
    value.map_or(Value::Null, Into::into)
}

/// Stands in a list for a record that could not be read.
pub(crate) fn code(code: &'static str) -> Members {
    Members(vec![("error", code.into())])
}

/// The members of an object, in the order of printing.
pub(crate) struct Members(pub(crate) Vec<(&'static str, Value)>);

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// What `open` and `import` print of a token.
pub(crate) fn opened(token: &Token) -> Members {
    let mut members = times(token);
    members.insert(0, ("uuid", token.uuid().to_string().into()));
    members.push(("custom", token.cargo().into()));
    Members(members)
}

/// `timestamp` and `seconds_to_expire`, which is null for never.
pub(crate) fn times(token: &Token) -> Vec<(&'static str, Value)> {
    let issued = token.issued_at().map(UnixTime::as_secs);
    let lifetime = token.lifetime().and_then(Lifetime::as_duration);
    vec![
        ("timestamp", or_null(issued)),
        (
            "seconds_to_expire",
            or_null(lifetime.map(|lifetime| lifetime.as_secs())),
        ),
    ]
}
