//! How commands fail. Messages never contain a key, token or passphrase.

mod advice;
mod paths;
mod secrets;
mod service;

use std::fmt::Display;
use std::io::{Write as _, stderr};
use std::process::ExitCode;

use sealtoken::OpenError;
use sealtoken::store::StoreError;
use sealtoken_import::PrimordyxError;

use secrets::{NOT_AN_ARGUMENT, shows_a_secret};

pub(crate) use advice::{OPENING, again, again_until, imported, look_first};
pub(crate) use paths::{not_a_dash, shown};
pub(crate) use secrets::{has_password, has_secret};
pub(crate) use service::{in_part, is_in_doubt};

/// Why a command failed. The exit code is 2 if something was refused, and 1 for any other reason.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The token, or what was asked for, was refused: exit code 2.
    Refused { code: &'static str, why: String },
    /// Anything else: exit code 1.
    Problem(String),
    /// The store failed, perhaps after the change was made: exit code 1.
    Store(StoreError),
    /// Something was refused and already reported on stderr: exit code 2.
    Reported,
    /// The output of clap: an error in the arguments, the help or the version.
    Arguments(clap::Error),
}

impl Failure {
    pub(crate) fn refused(code: &'static str, why: impl Display) -> Self {
        Self::Refused {
            code,
            why: why.to_string(),
        }
    }

    /// Turns an I/O error into a failure; `doing` says what was attempted.
    pub(crate) fn at(doing: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |error| Self::Problem(format!("cannot {doing}: {error}"))
    }

    /// Adds advice on how to go on.
    pub(crate) fn advise(self, what: &str) -> Self {
        match self {
            Self::Problem(problem) => Self::Problem(format!("{problem}; {what}")),
            Self::Store(error) => Self::Problem(format!("{error}; {what}")),
            Self::Refused { code, why } => Self::refused(code, format!("{why}; {what}")),
            other => other,
        }
    }

    /// Whether the change may have been made despite the error.
    pub(crate) const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Store(error) if is_in_doubt(error))
    }

    /// Adds advice if the outcome is unknown: how to find out, or how to retry.
    pub(crate) fn in_doubt(self, what: &str) -> Self {
        if self.is_in_doubt() {
            self.advise(what)
        } else {
            self
        }
    }

    /// Reports the failure on stderr and returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let status = self.status();
        // Errors of stderr are ignored: there is nowhere left to report them.
        let _ = match self {
            Self::Reported => Ok(()),
            Self::Refused { code, why } => writeln!(stderr(), "{code}: {why}"),
            Self::Store(error) => writeln!(stderr(), "error: {error}"),
            Self::Problem(what) => writeln!(stderr(), "error: {what}"),
            Self::Arguments(error) if shows_a_secret(&error) => {
                writeln!(stderr(), "error: {NOT_AN_ARGUMENT}")
            }
            Self::Arguments(error) => error.print(),
        };
        ExitCode::from(status)
    }

    /// The exit code.
    fn status(&self) -> u8 {
        match self {
            Self::Problem(_) | Self::Store(_) => 1,
            Self::Refused { .. } | Self::Reported => 2,
            // Help and version are no errors.
            Self::Arguments(error) => u8::from(error.use_stderr()),
        }
    }
}

/// Turns any error into a [`Failure::Problem`].
pub(crate) fn problem(error: impl Display) -> Failure {
    Failure::Problem(error.to_string())
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::refused(error.code(), error)
    }
}

impl From<PrimordyxError> for Failure {
    fn from(error: PrimordyxError) -> Self {
        match error {
            PrimordyxError::Randomness => problem(error),
            refusal => Self::refused(refusal.code(), refusal),
        }
    }
}
