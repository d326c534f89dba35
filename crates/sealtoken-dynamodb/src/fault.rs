//! Errors of requests, and what each says about the effect.

use std::error::Error;
use std::io;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use sealtoken_store::StoreError;

/// Why a request was not done.
///
/// The reason consists of codes and fixed words. The error of the SDK is the source, without the
/// HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// The error, as if nothing was changed.
    pub(super) error: StoreError,
}

/// What became of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It was not sent.
    Unsent,
    /// DynamoDB did nothing, because it is busy.
    Throttled,
    /// DynamoDB did nothing, because others changed the same item.
    Contended,
    /// It was sent, and no answer says whether it was done.
    Unanswered,
    /// DynamoDB refused it and did nothing.
    Refused,
}

impl Fault {
    pub(super) fn new(kind: Kind, reason: &str) -> Self {
        Self {
            kind,
            error: StoreError::unavailable(reason),
        }
    }

    /// Others changed the same items in each attempt.
    pub(super) fn contended() -> Self {
        Self::new(Kind::Contended, "others changed the same records each time")
    }

    /// The fault of a request. A condition that did not hold is handled before this.
    pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let fault = match &error {
            SdkError::ConstructionFailure(_) => {
                Self::new(Kind::Unsent, "the request cannot be built")
            }
            SdkError::TimeoutError(_) => Self::new(Kind::Unanswered, LATE),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => of_connector(error),
                None => Self::new(Kind::Unanswered, BROKEN),
            },
            SdkError::ServiceError(refusal) => {
                let status = refusal.raw().status().as_u16();
                Self::of_code(refusal.err().code(), status)
            }
            SdkError::ResponseError(answer) => Self::of_code(None, answer.raw().status().as_u16()),
            _ => Self::new(Kind::Unanswered, "an unknown error of the SDK"),
        };
        match error.into_source() {
            Ok(source) => Self {
                error: fault.error.with_source(source),
                ..fault
            },
            Err(_) => fault,
        }
    }

    /// The fault of an error code of DynamoDB, or of a reason to cancel a transaction.
    pub(super) fn of_code(code: Option<&str>, status: u16) -> Self {
        let kind = match code.unwrap_or_default() {
            "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingError"
            | "ThrottlingException" => Kind::Throttled,
            "TransactionConflictException"
            | "TransactionConflict"
            | "ReplicatedWriteConflictException" => Kind::Contended,
            // An earlier attempt with the same token is in progress.
            "TransactionInProgressException" => Kind::Unanswered,
            _ if status == 429 => Kind::Throttled,
            // A status below 400 means an answer that the SDK cannot read.
            _ if status == 408 || !(400..500).contains(&status) => Kind::Unanswered,
            _ => Kind::Refused,
        };
        let mut reason = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
        // The code comes from whoever answers at that address.
        reason.retain(|c| c.is_ascii_alphanumeric() || " ._-:,".contains(c));
        reason.truncate(100);
        Self::new(kind, &reason)
    }
}

const LATE: &str = "no answer in time";
const BROKEN: &str = "the connection failed";

/// The SDK refuses to build a request. It does so only if a part is missing, which never is.
pub(super) fn unsendable(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::unavailable("the request cannot be built").with_source(error)
}

/// The fault of a connection. What may have been sent may have been done.
fn of_connector(error: &ConnectorError) -> Fault {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_io(error);
        }
        let words = error.to_string();
        // The types of these errors are in crates that this one does not depend on.
        if words.starts_with("HTTP connect") {
            return Fault::new(Kind::Unsent, "connecting took too long");
        }
        if words == "dns error" {
            return Fault::new(Kind::Unsent, "the host was not found");
        }
        if words.contains("credential") {
            return Fault::new(Kind::Unsent, "there are no credentials");
        }
        cause = error.source();
    }
    Fault::new(
        Kind::Unanswered,
        if error.is_timeout() { LATE } else { BROKEN },
    )
}

fn of_io(error: &io::Error) -> Fault {
    let kind = match error.kind() {
        // Not "host unreachable": an open connection can end like that too.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable => Kind::Unsent,
        _ => Kind::Unanswered,
    };
    Fault::new(kind, &error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_whether_it_was_done() {
        for (code, status, kind) in [
            (Some("ThrottlingException"), 400, Kind::Throttled),
            (Some("TransactionConflict"), 400, Kind::Contended),
            (Some("AccessDeniedException"), 400, Kind::Refused),
            (Some("InternalServerError"), 500, Kind::Unanswered),
            (
                Some("TransactionInProgressException"),
                400,
                Kind::Unanswered,
            ),
            (None, 200, Kind::Unanswered),
        ] {
            assert_eq!(Fault::of_code(code, status).kind, kind, "{code:?}");
        }
        assert_eq!(
            Fault::of_code(None, 404),
            Fault::new(Kind::Refused, "HTTP 404")
        );
    }

    #[test]
    fn a_code_from_anywhere_stays_short() {
        let fault = Fault::of_code(Some(&"\u{1b}[31m\n\"x".repeat(100)), 400);
        let StoreError::Unavailable { reason, .. } = fault.error else {
            panic!("{fault:?}")
        };
        assert!(reason.len() <= 100 && !reason.contains(['\n', '\u{1b}', '"']));
    }
}
