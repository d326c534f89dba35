//! Reads a token from stdin or from the environment: never from an argument.

use std::env::VarError;
use std::io::stdin;

use zeroize::Zeroizing;

use crate::failure::{Failure, problem};
use crate::input::{hint, line, without_line_ending};

/// The maximum number of bytes read: the longest token, its line ending, and one more that shows
/// that it is longer.
const MAX_LINE: usize = 203;

/// The environment variable with the token of whoever runs the command.
const VARIABLE: &str = "SEALTOKEN_PAT";

/// The token on the first line of stdin.
pub(super) fn on_stdin() -> Result<Zeroizing<String>, Failure> {
    hint("the token", "to the end of the line");
    let line = line(stdin().lock(), MAX_LINE).map_err(Failure::at("read stdin"))?;
    // Tokens are ASCII. Anything else becomes the empty text, which is refused.
    let text = str::from_utf8(&line).unwrap_or_default();
    Ok(Zeroizing::new(without_line_ending(text).into()))
}

/// The token in the environment, if there is one.
pub(super) fn in_environment() -> Result<Option<Zeroizing<String>>, Failure> {
    match std::env::var(VARIABLE).map(Zeroizing::new) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(Zeroizing::new(without_line_ending(&text).into()))),
        Err(VarError::NotPresent) => Ok(None),
        // If it were ignored, the token would not be protected.
        Err(VarError::NotUnicode(_)) => Err(problem(format!("{VARIABLE} is not UTF-8"))),
    }
}
