//! How a command ends when it does not succeed. No key, token or passphrase is ever in a message.

use std::fmt::Display;
use std::io::{Write as _, stderr};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use sealtoken::OpenError;
use sealtoken::import::ImportError;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The token was refused: exit status 2.
    Refused { code: &'static str, why: String },
    /// Anything else: exit status 1.
    Problem(String),
    /// What clap says of the arguments, help and version among it.
    Arguments(clap::Error),
}

impl Failure {
    /// Something went wrong while `doing`.
    pub(crate) fn at(doing: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |error| Self::Problem(format!("cannot {doing}: {error}"))
    }

    /// Says what is wrong, and with which status the process ends.
    pub(crate) fn report(self) -> ExitCode {
        // Where stderr is gone there is nobody left to tell.
        match self {
            Self::Refused { code, why } => {
                let _ = writeln!(stderr(), "{code}: {why}");
                ExitCode::from(2)
            }
            Self::Problem(what) => {
                let _ = writeln!(stderr(), "error: {what}");
                ExitCode::from(1)
            }
            Self::Arguments(error) if shows_a_secret(&error) => {
                Self::Problem(NOT_AN_ARGUMENT.into()).report()
            }
            Self::Arguments(error) => {
                let _ = error.print();
                ExitCode::from(u8::from(error.use_stderr()))
            }
        }
    }
}

const NOT_AN_ARGUMENT: &str = "keys, tokens and passphrases are never arguments, which every user of the machine can \
see: a token comes from stdin, keys from --key-file or SEALTOKEN_KEYS (see --help)";

/// Whether clap would print an argument that is a secret, or may be one.
fn shows_a_secret(error: &clap::Error) -> bool {
    // Nothing is taken without an option's name before it, so what was given there is likely a token.
    let stray = error.kind() == ErrorKind::UnknownArgument
        && matches!(
            error.get(ContextKind::InvalidArg),
            Some(ContextValue::String(text)) if !text.starts_with('-')
        );
    let mut arguments = std::env::args_os();
    error.use_stderr() && (stray || arguments.any(|word| is_secret(&word.to_string_lossy())))
}

/// Whether a word has the form of a key, or of a token of this crate or of one that it imports.
fn is_secret(word: &str) -> bool {
    let prefix = ["st1_", "stkey1_", "stpurpose1_"];
    let is_hex = word.len() >= 58 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Wherever it stands: behind a quote, in a path, in a list.
    let begins = |part: &str| prefix.iter().any(|prefix| part.starts_with(prefix));
    let outside = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    is_hex || word.split(outside).any(begins)
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Refused {
            code: error.code(),
            why: error.to_string(),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Randomness => problem(error),
            refusal => Self::Refused {
                code: refusal.code(),
                why: refusal.to_string(),
            },
        }
    }
}

/// What is wrong with keys, or with what is to be sealed.
pub(crate) fn problem(error: impl Display) -> Failure {
    Failure::Problem(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_form_of_a_key_or_a_token_is_taken_for_one() {
        assert!(is_secret("st1_AAAA") && is_secret("+stkey1_AAAA") && is_secret("--x=stpurpose1_"));
        assert!(is_secret("\"stkey1_A") && is_secret("/reset/st1_A") && is_secret("a:st1_A"));
        assert!(is_secret(&"0aF".repeat(20)));
        assert!(
            !is_secret("--purpose")
                && !is_secret("test1_session")
                && !is_secret("first1")
                && !is_secret(&"0".repeat(57))
        );
    }
}
