//! Why a statement was not done, and what that says about its effect.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use sealtoken_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity};

/// Why a statement was not done. It holds codes and fixed words, nothing that the server said about data.
#[derive(Debug)]
pub(super) enum Fault {
    /// It did not leave this process, or nothing of it can last.
    Unsent(String),
    /// The server refused it, with this SQLSTATE, and changed nothing.
    Refused(String),
    /// Nothing was done, for others were at the same rows.
    Contended(String),
    /// Nothing was done, and the connection is why: another one may do it.
    Stale(String),
    /// It left, and no answer came that tells whether it was done.
    Unanswered(String),
    /// It left, and there was no answer in time.
    Late,
}

impl Fault {
    /// What came of a statement that was sent.
    pub(super) fn of_sent(error: &Error) -> Self {
        match error.as_db_error() {
            Some(refusal) if is_refusal(refusal) => match refusal.code().code() {
                // A serialisation failure, a deadlock.
                "40001" | "40P01" => Self::Contended(words(error)),
                // What was a primary is a standby; a prepared statement is not there, or its plan no longer fits.
                "25006" | "26000" | "0A000" => Self::Stale(words(error)),
                code => Self::Refused(code.to_owned()),
            },
            _ => Self::Unanswered(words(error)),
        }
    }

    /// What came of a statement that was being prepared.
    pub(super) fn of_unsent(error: &Error) -> Self {
        Self::of_sent(error).without_effect()
    }

    /// What came of asking for a connection.
    pub(super) fn of_pool(error: &PoolError) -> Self {
        Self::Unsent(match error {
            PoolError::Timeout(TimeoutType::Wait) => "all connections are in use".to_owned(),
            PoolError::Timeout(_) => "connecting took too long".to_owned(),
            PoolError::Backend(error) => words(error),
            _ => "the pool is closed".to_owned(),
        })
    }

    /// The fault of what has no effect, answered or not: a read, or what is inside a transaction that was not committed.
    pub(super) fn without_effect(self) -> Self {
        match self {
            Self::Unanswered(reason) => Self::Stale(reason),
            Self::Late => Self::Unsent(LATE.to_owned()),
            other => other,
        }
    }

    pub(super) fn is_code(&self, code: &str) -> bool {
        match self {
            Self::Refused(state) => state == code,
            Self::Stale(reason) => reason.strip_prefix("SQLSTATE ") == Some(code),
            _ => false,
        }
    }

    /// The error of a call that ends with it.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Unsent(reason) | Self::Contended(reason) | Self::Stale(reason) => {
                StoreError::unavailable(reason)
            }
            Self::Unanswered(reason) => StoreError::unknown(reason),
            Self::Refused(code) => StoreError::unavailable(format!("SQLSTATE {code}")),
            Self::Late => StoreError::unknown(LATE),
        }
    }
}

const LATE: &str = "no answer in time";

/// Whether the server says that it did nothing. One that goes away does not know what the disk will have.
fn is_refusal(error: &DbError) -> bool {
    let is_error = match error.parsed_severity() {
        Some(severity) => severity == Severity::Error,
        None => error.severity() == "ERROR",
    };
    let code = error.code().code();
    // 40003: the completion is unknown. 08: the connection. 57P: the operator intervenes.
    is_error && code != "40003" && !code.starts_with("08") && !code.starts_with("57P")
}

/// An error in a few fixed words, or as its code.
fn words(error: &Error) -> String {
    if let Some(code) = error.code() {
        return format!("SQLSTATE {}", code.code());
    }
    let Some(cause) = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
    else {
        return error.to_string();
    };
    let certificate = cause
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match certificate {
        Some(tls) => format!("{error}: {tls}"),
        None => format!("{error}: {}", cause.kind()),
    }
}
