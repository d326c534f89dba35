//! Why a request was not done, and what that says about its effect.

use std::error::Error;
use std::io;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ConnectorError, ProvideErrorMetadata, SdkError};

/// Why a request was not done. It holds codes and fixed words, nothing that DynamoDB said about data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It did not leave this process.
    Unsent(String),
    /// DynamoDB did nothing, for there is too much to do.
    Throttled(String),
    /// DynamoDB did nothing, for others were at the same item.
    Contended(String),
    /// It left, and no answer came that tells whether it was done.
    Unanswered(String),
    /// DynamoDB refused it, with this code, and did nothing.
    Refused(String),
}

impl Fault {
    /// What came of a request. A condition that did not hold is seen by who set it, before this.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ConstructionFailure(_) => Self::Unsent("it cannot be sent".to_owned()),
            SdkError::TimeoutError(_) => Self::Unanswered("no answer in time".to_owned()),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => of_connector(error),
                None => Self::Unanswered("the connection failed".to_owned()),
            },
            SdkError::ServiceError(refusal) => {
                let status = refusal.raw().status().as_u16();
                Self::of_code(refusal.err().code(), status)
            }
            SdkError::ResponseError(answer) => Self::of_code(None, answer.raw().status().as_u16()),
            _ => Self::Unanswered("of a new kind".to_owned()),
        }
    }

    /// What an error of DynamoDB means, or the reason for which it cancelled a transaction.
    pub(super) fn of_code(code: Option<&str>, status: u16) -> Self {
        let said = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
        match code.unwrap_or_default() {
            "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingError"
            | "ThrottlingException" => Self::Throttled(said),
            "TransactionConflictException"
            | "TransactionConflict"
            | "ReplicatedWriteConflictException" => Self::Contended(said),
            // An earlier attempt with the same token is under way.
            "TransactionInProgressException" => Self::Unanswered(said),
            _ if status == 429 => Self::Throttled(said),
            // Below 400 it is an answer that nobody can read.
            _ if status == 408 || !(400..500).contains(&status) => Self::Unanswered(said),
            _ => Self::Refused(said),
        }
    }

    /// What it says.
    pub(super) fn into_reason(self) -> String {
        let (Self::Unsent(mut reason)
        | Self::Throttled(mut reason)
        | Self::Contended(mut reason)
        | Self::Unanswered(mut reason)
        | Self::Refused(mut reason)) = self;
        // A code comes from whoever answers at that address.
        reason.retain(|c| c.is_ascii_alphanumeric() || " ._-:,".contains(c));
        reason.truncate(100);
        reason
    }
}

/// What the connection says. Where it may have been sent, it may have been done.
fn of_connector(error: &ConnectorError) -> Fault {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_io(error);
        }
        let words = error.to_string();
        // The types behind these are in crates that are not ours to name.
        if words.starts_with("HTTP connect") {
            return Fault::Unsent("connecting took too long".to_owned());
        }
        if words == "dns error" {
            return Fault::Unsent("the host was not found".to_owned());
        }
        if words.contains("credential") {
            return Fault::Unsent("there are no credentials".to_owned());
        }
        cause = error.source();
    }
    Fault::Unanswered(if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        "the connection failed".to_owned()
    })
}

fn of_io(error: &io::Error) -> Fault {
    let words = error.kind().to_string();
    match error.kind() {
        // A host that cannot be reached may have been reached before: an open connection ends so, too.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable => Fault::Unsent(words),
        _ => Fault::Unanswered(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_whether_it_was_done() {
        let of = |code, status| Fault::of_code(Some(code), status);
        assert!(matches!(
            of("ThrottlingException", 400),
            Fault::Throttled(_)
        ));
        assert!(matches!(
            of("TransactionConflict", 400),
            Fault::Contended(_)
        ));
        assert!(matches!(
            of("AccessDeniedException", 400),
            Fault::Refused(_)
        ));
        assert!(matches!(
            of("InternalServerError", 500),
            Fault::Unanswered(_)
        ));
        assert!(matches!(
            of("TransactionInProgressException", 400),
            Fault::Unanswered(_)
        ));
        assert!(matches!(Fault::of_code(None, 200), Fault::Unanswered(_)));
        assert_eq!(
            Fault::of_code(None, 404),
            Fault::Refused("HTTP 404".to_owned())
        );
    }

    #[test]
    fn a_code_from_anywhere_stays_short() {
        let fault = Fault::of_code(Some(&"\u{1b}[31m\n\"x".repeat(100)), 400);
        let reason = fault.into_reason();
        assert!(reason.len() <= 100 && !reason.contains(['\n', '\u{1b}', '"']));
    }
}
