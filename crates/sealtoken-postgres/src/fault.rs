//! Errors of statements, and what each says about the effect.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use sealtoken_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why a statement was not done.
///
/// The reason consists of codes and fixed words. The driver's error is the source.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    state: Option<SqlState>,
    /// The error, as if nothing was changed.
    error: StoreError,
}

/// What became of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It was not sent, or nothing of it can last.
    Unsent,
    /// The server refused it and changed nothing.
    Refused,
    /// Nothing was changed, because others changed the same rows.
    Contended,
    /// Nothing was changed, and the connection is to blame: another one may do it.
    Stale,
    /// It was sent, and no answer says whether it was done.
    Unanswered,
    /// It was sent, and the deadline came before an answer.
    Late,
}

impl Fault {
    pub(super) fn new(kind: Kind, reason: &str) -> Self {
        Self {
            kind,
            state: None,
            error: StoreError::unavailable(reason),
        }
    }

    pub(super) fn late() -> Self {
        Self::new(Kind::Late, "no answer in time")
    }

    /// The fault of a statement that was sent.
    pub(super) fn of_sent(error: Error) -> Self {
        let kind = match error.as_db_error() {
            Some(refusal) if is_refusal(refusal) => match refusal.code().code() {
                // A serialisation failure, a deadlock.
                "40001" | "40P01" => Kind::Contended,
                // The server became a standby; a prepared statement is gone, or its plan no longer
                // fits.
                "25006" | "26000" | "0A000" => Kind::Stale,
                _ => Kind::Refused,
            },
            _ => Kind::Unanswered,
        };
        Self::of(kind, error)
    }

    /// The fault of preparing a statement.
    pub(super) fn of_unsent(error: Error) -> Self {
        Self::of_sent(error).without_effect()
    }

    /// The fault of getting a connection.
    pub(super) fn of_pool(error: PoolError) -> Self {
        let reason = match error {
            PoolError::Backend(error) => return Self::of(Kind::Unsent, error),
            PoolError::Timeout(TimeoutType::Wait) => "all connections are in use",
            PoolError::Timeout(_) => "connecting took too long",
            _ => "the pool is closed",
        };
        let fault = Self::new(Kind::Unsent, reason);
        Self {
            error: fault.error.with_source(error),
            ..fault
        }
    }

    fn of(kind: Kind, error: Error) -> Self {
        Self {
            kind,
            state: error.code().cloned(),
            error: StoreError::unavailable(reason(&error)).with_source(error),
        }
    }

    /// The fault of something that has no effect, answered or not: of a read, or inside a
    /// transaction that was not committed.
    pub(super) fn without_effect(self) -> Self {
        let kind = match self.kind {
            Kind::Unanswered => Kind::Stale,
            Kind::Late => Kind::Unsent,
            other => other,
        };
        Self { kind, ..self }
    }

    /// Whether the server refused with this SQLSTATE.
    pub(super) fn is_code(&self, code: &str) -> bool {
        matches!(self.kind, Kind::Refused | Kind::Stale)
            && self
                .state
                .as_ref()
                .is_some_and(|state| state.code() == code)
    }

    /// The error of a call that ends with this fault.
    pub(super) fn into_error(self) -> StoreError {
        let may_be_done = match self.kind {
            Kind::Unanswered | Kind::Late => true,
            Kind::Unsent | Kind::Refused | Kind::Contended | Kind::Stale => false,
        };
        self.error.maybe_done(may_be_done)
    }
}

/// Whether the server says that it changed nothing. A server that shuts down does not know what
/// will be on the disk.
fn is_refusal(error: &DbError) -> bool {
    let is_error = match error.parsed_severity() {
        Some(severity) => severity == Severity::Error,
        None => error.severity() == "ERROR",
    };
    let code = error.code().code();
    // 40003: statement completion unknown. 08: connection exception. 57P: operator intervention.
    is_error && code != "40003" && !code.starts_with("08") && !code.starts_with("57P")
}

/// An error as its code, or in a few fixed words.
fn reason(error: &Error) -> String {
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
