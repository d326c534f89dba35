//! What a stranger may be told, whatever service was asked.

use std::fmt;
use std::time::Duration;

/// What a stranger may be told of an error.
///
/// Whether something is unknown, expired, ended or under another secret makes no difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicError {
    /// Not found, or not permitted.
    Refused,
    /// What was sent could not be right: a length, a spelling, a time.
    Invalid,
    /// Too many attempts: try later.
    TryLater {
        /// After this long.
        retry_after: Duration,
    },
    /// Something is wrong on this side.
    Unavailable,
}

impl fmt::Display for PublicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("not found or not permitted"),
            Self::Invalid => f.write_str("the request is not valid"),
            Self::TryLater { retry_after } => {
                write!(
                    f,
                    "try again in {} s",
                    retry_after.as_secs().saturating_add(1)
                )
            }
            Self::Unavailable => f.write_str("not available at the moment"),
        }
    }
}

impl std::error::Error for PublicError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_as_long_as_is_said_does_not_come_too_early() {
        let said = |millis| {
            let retry_after = Duration::from_millis(millis);
            PublicError::TryLater { retry_after }.to_string()
        };
        assert_eq!(said(0), "try again in 1 s");
        assert_eq!(said(999), "try again in 1 s");
        assert_eq!(said(1_500), "try again in 2 s");
    }
}
