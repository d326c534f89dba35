//! The error that is safe to show to callers, the same for every service.

use std::fmt;
use std::time::Duration;

/// An error that is safe to show to callers.
///
/// It does not distinguish unknown from expired, deleted or revoked, nor from a wrong secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicError {
    /// Not found, or not permitted.
    Refused,
    /// The request cannot be valid: a wrong length, spelling or time.
    Invalid,
    /// Too many attempts, or too much work waiting: try again later.
    TryLater {
        /// How long to wait before the next try.
        retry_after: Duration,
    },
    /// The service cannot answer now, for a reason of its own.
    Unavailable,
}

impl fmt::Display for PublicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("not found or not permitted"),
            Self::Invalid => f.write_str("the request is not valid"),
            Self::TryLater { retry_after } => {
                write!(f, "try again in {}", WholeSeconds(*retry_after))
            }
            Self::Unavailable => f.write_str("not available at the moment"),
        }
    }
}

impl std::error::Error for PublicError {}

/// A wait in whole seconds, rounded up, and at least one.
pub(super) struct WholeSeconds(pub(super) Duration);

impl fmt::Display for WholeSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begun = u64::from(self.0.subsec_nanos() > 0);
        let seconds = self.0.as_secs().saturating_add(begun).max(1);
        write!(f, "{seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_wait_is_rounded_up() {
        let printed = |millis| {
            let retry_after = Duration::from_millis(millis);
            PublicError::TryLater { retry_after }.to_string()
        };
        assert_eq!(printed(0), "try again in 1 s");
        assert_eq!(printed(999), "try again in 1 s");
        assert_eq!(printed(1_500), "try again in 2 s");
        assert_eq!(printed(2_000), "try again in 2 s");
    }
}
