//! Why a statement was not done, and what that says about its effect.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity};

use crate::store::error::StoreError;

/// Why a statement was not done. It holds codes and fixed words, nothing that the server said about data.
#[derive(Debug)]
pub(super) enum Fault {
    /// It did not leave this process, or nothing of it can last.
    Unsent(String),
    /// The server refused it, with this SQLSTATE, and changed nothing.
    Refused(String),
    /// It left, and no answer came that tells whether it was done.
    Unanswered(String),
    /// It left, and there was no answer in time.
    Late,
}

impl Fault {
    /// What came of a statement that was sent.
    pub(super) fn of_sent(error: &Error) -> Self {
        match error.as_db_error() {
            Some(error) if is_refusal(error) => Self::Refused(error.code().code().to_owned()),
            _ => Self::Unanswered(words(error)),
        }
    }

    /// What came of a statement that was being prepared.
    pub(super) fn of_unsent(error: &Error) -> Self {
        match Self::of_sent(error) {
            Self::Unanswered(reason) => Self::Unsent(reason),
            other => other,
        }
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

    /// What is inside a transaction that was not committed has no effect, answered or not.
    pub(super) fn before_commit(self) -> Self {
        match self {
            Self::Unanswered(reason) => Self::Unsent(reason),
            Self::Late => Self::Unsent(LATE.to_owned()),
            other => other,
        }
    }

    /// Whether the connection died under it.
    pub(super) fn is_dead_connection(&self) -> bool {
        matches!(self, Self::Unanswered(_))
    }

    /// Whether it failed for what others did at the same time: 40001 is a serialisation failure, 40P01 a deadlock.
    pub(super) fn is_contention(&self) -> bool {
        self.is_code("40001") || self.is_code("40P01")
    }

    pub(super) fn is_code(&self, code: &str) -> bool {
        matches!(self, Self::Refused(state) if state == code)
    }

    /// The error of a read, which changes nothing.
    pub(super) fn of_read(self) -> StoreError {
        self.before_commit().of_write()
    }

    /// The error of a write.
    pub(super) fn of_write(self) -> StoreError {
        match self {
            Self::Unsent(reason) => StoreError::unavailable(reason),
            Self::Unanswered(reason) => StoreError::unknown(reason),
            // A label of a record that is not there stands in the index.
            Self::Refused(code) if code == "23505" => StoreError::Corrupt,
            Self::Refused(code) => StoreError::unavailable(format!("SQLSTATE {code}")),
            Self::Late => StoreError::unknown(LATE),
        }
    }

    /// The error of a write of which a part was done.
    pub(super) fn after_some(self) -> StoreError {
        match self.of_write() {
            StoreError::Unavailable { reason, .. } => StoreError::unknown(reason),
            other => other,
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
