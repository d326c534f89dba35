//! Reads a token from stdin or from the environment: never from an argument.

use std::env::VarError;

use zeroize::Zeroizing;

use crate::failure::{Failure, problem};
use crate::input::{AROUND, Given, Kind, Stdin};

/// The maximum length of a token's text, in bytes.
const MAX: usize = 200;

/// The environment variable with the token of whoever runs the command.
const VARIABLE: &str = "SEALTOKEN_PAT";

/// The token on the first line of stdin.
pub(super) fn on_stdin() -> Result<Given, Failure> {
    let mut stdin = Stdin::open("the token", "to the end of the line");
    let max = MAX.saturating_add(AROUND);
    let line = stdin.line(max)?;
    let whole = line.ends_with(b"\n") || line.len() < max;
    Ok(given("stdin", &line, whole).followed(stdin.has_more()))
}

/// The token in the environment, if there is one.
pub(super) fn in_environment() -> Result<Option<Given>, Failure> {
    match std::env::var(VARIABLE).map(Zeroizing::new) {
        // The token would not be protected.
        Ok(text) if text.trim().is_empty() => Err(problem(format!(
            "{VARIABLE} is empty: put your token into it, or unset it"
        ))),
        Ok(text) => Ok(Some(given(VARIABLE, text.as_bytes(), true))),
        Err(VarError::NotPresent) => Ok(None),
        // If it were ignored, the token would not be protected.
        Err(VarError::NotUnicode(_)) => Err(problem(format!("{VARIABLE} is not UTF-8"))),
    }
}

fn given(from: &'static str, bytes: &[u8], whole: bool) -> Given {
    let (name, max) = ("token", MAX);
    Given::new(bytes, whole, Kind { name, from, max })
}
