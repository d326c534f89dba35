//! Why what another system made was not read. No variant holds any of it.

use std::fmt;

use crate::crypto::clock::UnixTime;
use crate::crypto::random;

/// Why a token or a stored value of another system was not read.
///
/// [`code`](ImportError::code) is a stable name for logs. The first two depend on public bytes and on
/// authentication alone; the others say nothing of the text, or are told about authentic tokens only.
///
/// ```
/// use sealtoken::import::{ImportError, Primordyx};
///
/// let old = Primordyx::new("the passphrase of the PHP system");
/// let error = old.read("no token").err();
/// assert_eq!(error, Some(ImportError::Malformed));
/// assert_eq!(ImportError::Malformed.code(), "malformed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// Not in the alphabet of that system, or without its prefix, or too short, or too long. It depends on the text
    /// alone.
    Malformed,
    /// The text was changed, or made with another passphrase or password.
    Forged,
    /// Argon2id did not run: there was no memory for its 64 MiB, or the password has more than 4 GiB.
    KeyDerivation,
    /// The token is authentic, but what is inside is not what that system's tokens hold, or more than a cargo can.
    Payload,
    /// The lifetime is more than 253,402,300,799 seconds, which no token of this crate can have.
    LifetimeOutOfRange,
    /// The token was issued before 1970 or after 9999.
    TimestampOutOfRange,
    /// The token has expired.
    Expired {
        /// When its life ended; `None` where the token states no lifetime, which counts as expired.
        at: Option<UnixTime>,
    },
    /// The operating system gave no random bytes for the token's UUID.
    Randomness,
}

impl ImportError {
    /// The name of the refusal: `malformed`, `forged`, `key_derivation`, `payload`, `lifetime_out_of_range`,
    /// `timestamp_out_of_range`, `expired` or `randomness`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::KeyDerivation => "key_derivation",
            Self::Payload => "payload",
            Self::LifetimeOutOfRange => "lifetime_out_of_range",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::Expired { .. } => "expired",
            Self::Randomness => "randomness",
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str(
                "not in the format that this reads: a Primordyx token is 58 to 65536 hexadecimal digits, a vaultstore \
                 value is base64url, after v2: unless it is of the first format; neither has a space or a line ending",
            ),
            Self::Forged => f.write_str(
                "not authentic: check the passphrase or password; if it is right, the text was changed",
            ),
            Self::KeyDerivation => f.write_str(
                "Argon2id did not run: it needs 64 MiB of memory, and a password below 4 GiB",
            ),
            Self::Payload => {
                f.write_str("authentic, but its content is not that of a token: issue a new one")
            }
            Self::LifetimeOutOfRange => f.write_str(
                "its lifetime is beyond 253402300799 seconds: issue a new one with Lifetime::Forever if that is meant",
            ),
            Self::TimestampOutOfRange => {
                f.write_str("it was issued before 1970 or after 9999: issue a new one")
            }
            Self::Expired { at: Some(at) } => write!(f, "expired at {at}"),
            Self::Expired { at: None } => {
                f.write_str("it has no lifetime, which counts as expired: issue a new one")
            }
            Self::Randomness => f.write_str("the operating system gave no random bytes"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<random::Failed> for ImportError {
    fn from(_: random::Failed) -> Self {
        Self::Randomness
    }
}
