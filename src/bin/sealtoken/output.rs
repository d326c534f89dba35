//! What the commands print.

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

/// Prints the JSON of `value` on a line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map(Zeroizing::new);
    line(&text.map_err(problem)?)
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
