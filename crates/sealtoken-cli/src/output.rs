//! What the commands print.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _, stdout};

use sealtoken::{Lifetime, Token, UnixTime, Value};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::failure::{Failure, problem};

/// Prints a line. That nobody reads it any more is no failure.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    secret_line(text).map(|_| ())
}

/// Prints a line that is there this once; whether anybody reads it.
pub(crate) fn secret_line(text: &str) -> Result<bool, Failure> {
    // In one piece, which stdout writes on without keeping a copy: it may be a key.
    let mut line = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
    line.push_str(text);
    line.push('\n');
    part(line.as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn all(bytes: &[u8]) -> Result<(), Failure> {
    part(bytes).map(|_| ())
}

/// Prints bytes of which more will follow; whether anybody reads them.
pub(crate) fn part(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .map_err(Failure::at("write to stdout")),
    }
}

/// What is said where the work is done and only what it prints was lost.
pub(crate) const DONE: &str = "all else was done";

/// How a command ends after its work, with what it printed and what it found. That counts for more
/// than an error of stdout, which is said beside it, with what is to be known of the work.
pub(crate) fn ended(
    printed: Result<(), Failure>,
    work: &str,
    found: Result<(), Failure>,
) -> Result<(), Failure> {
    match (printed.map_err(|failure| failure.mended_by(work)), found) {
        (Err(failure), Err(found)) => {
            failure.report();
            Err(found)
        }
        (printed, found) => printed.and(found),
    }
}

/// Prints the JSON of `value` on a line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(&json_text(value)?)
}

/// The JSON of `value`, in which no character has an effect on a terminal: JSON itself lets most of those stand.
pub(crate) fn json_text(value: &impl Serialize) -> Result<Zeroizing<String>, Failure> {
    let text = serde_json::to_string(value).map(Zeroizing::new);
    let text = text.map_err(problem)?;
    if !text.contains(is_active) {
        return Ok(text);
    }
    let mut quiet = Zeroizing::new(String::with_capacity(text.len().saturating_mul(2)));
    for c in text.chars() {
        if is_active(c) {
            // They all have four digits at most, and stand in strings alone.
            write!(quiet, "\\u{:04x}", u32::from(c)).map_err(problem)?;
        } else {
            quiet.push(c);
        }
    }
    Ok(quiet)
}

/// Whether a terminal may take a character for a command, or for an order to turn the text around.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A text as it can be shown at a terminal: no line ending or control character in it has an effect.
pub(crate) fn printable(text: &str) -> String {
    text.escape_debug().to_string()
}

/// An end, for people.
pub(crate) fn end(at: Option<UnixTime>) -> String {
    at.map_or_else(|| "never".into(), |at| at.to_string())
}

/// A time that there may not be, for programs.
pub(crate) fn optional(at: Option<UnixTime>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}

/// What a list holds in the place of a record that could not be read.
pub(crate) fn code(code: &'static str) -> Members {
    Members(vec![("error", code.into())])
}

/// The members of an object, in the order in which they are to be printed.
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
    members.push(("custom", token.cargo().dump()));
    Members(members)
}

/// `timestamp` and `seconds_to_expire`, which is null for never.
pub(crate) fn times(token: &Token) -> Vec<(&'static str, Value)> {
    let issued = token.issued_at().map(OffsetDateTime::unix_timestamp);
    let lifetime = token.lifetime().and_then(Lifetime::as_secs);
    vec![
        ("timestamp", issued.map_or(Value::Null, Value::from)),
        (
            "seconds_to_expire",
            lifetime.map_or(Value::Null, Value::from),
        ),
    ]
}

/// A moment as RFC 3339 text.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    UnixTime::from(at).to_string()
}
