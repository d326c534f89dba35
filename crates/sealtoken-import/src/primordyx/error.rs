//! Why a token of that framework was not read. No variant holds any part of it.

use std::fmt;

use sealtoken::{SealError, UnixTime};

/// Why a token of Primordyx was not read.
///
/// [`code`](PrimordyxError::code) is a stable name for logs. The first two depend on public bytes
/// and on authentication alone; the others concern authentic tokens only.
///
/// ```
/// use sealtoken_import::{Primordyx, PrimordyxError};
///
/// let old = Primordyx::new("the passphrase of the PHP system");
/// let error = old.read("no token").err();
/// assert_eq!(error, Some(PrimordyxError::Malformed));
/// assert_eq!(PrimordyxError::Malformed.code(), "malformed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrimordyxError {
    /// Not hexadecimal, too short or too long. It depends on the text alone.
    Malformed,
    /// The text was changed, or made with another passphrase.
    Forged,
    /// The token is authentic, but its content is not valid, or is more than a cargo can hold.
    Payload,
    /// The lifetime is more than 253,402,300,799 seconds, which is more than a
    /// [`Lifetime`](sealtoken::Lifetime) can be.
    LifetimeOutOfRange,
    /// The token was issued before 1970 or after 9999.
    TimestampOutOfRange,
    /// The token has expired.
    Expired {
        /// When it expired; `None` if the token has no lifetime, which counts as expired.
        at: Option<UnixTime>,
    },
    /// The operating system could not provide random bytes for the token's UUID.
    Randomness,
}

impl PrimordyxError {
    /// The name of the refusal: `malformed`, `forged`, `payload`, `lifetime_out_of_range`,
    /// `timestamp_out_of_range`, `expired` or `randomness`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Payload => "payload",
            Self::LifetimeOutOfRange => "lifetime_out_of_range",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::Expired { .. } => "expired",
            Self::Randomness => "randomness",
        }
    }
}

impl fmt::Display for PrimordyxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str(
                "not a token of Primordyx: it has 58 to 65536 hexadecimal digits, and no space or \
                 line ending",
            ),
            Self::Forged => f.write_str(
                "not authentic: check the passphrase; if it is right, the text was changed",
            ),
            Self::Payload => {
                f.write_str("authentic, but its content is not that of a token: issue a new one")
            }
            Self::LifetimeOutOfRange => f.write_str(
                "its lifetime is more than 253402300799 seconds: issue a new one, with \
                 Lifetime::Forever if that is meant",
            ),
            Self::TimestampOutOfRange => {
                f.write_str("it was issued before 1970 or after 9999: issue a new one")
            }
            Self::Expired { at: Some(at) } => write!(f, "expired at {at}"),
            Self::Expired { at: None } => {
                f.write_str("it has no lifetime, which counts as expired: issue a new one")
            }
            Self::Randomness => f.write_str("the operating system could not provide random bytes"),
        }
    }
}

impl std::error::Error for PrimordyxError {}

/// Not public: the content was checked before.
pub(super) fn foreign(error: SealError) -> PrimordyxError {
    match error {
        SealError::IssuedAt => PrimordyxError::TimestampOutOfRange,
        SealError::Lifetime(_) => PrimordyxError::LifetimeOutOfRange,
        _ => PrimordyxError::Randomness,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_random_bytes_is_an_error() {
        let error = foreign(SealError::Randomness);
        assert_eq!(error, PrimordyxError::Randomness);
    }
}
