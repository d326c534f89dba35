//! The reasons for which a token is refused.

use std::fmt;

/// Why a presented token was refused. For logs, and for the token's owner; the caller gets
/// [`VerifyError::public`](super::VerifyError::public).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It does not begin with the prefix of this service.
    InvalidPrefix,
    /// It is not a token: a length, a character or the check at its end is wrong. Nothing was
    /// looked up.
    InvalidFormat,
    /// No token has this id.
    NotFound,
    /// The stored hash is not a PHC string, or its salt or hash is too short or too long.
    InvalidPhc,
    /// The algorithm of the stored hash is not supported.
    UnsupportedAlgorithm,
    /// The parameters of the stored hash are missing or out of bounds, or it was made under the
    /// keys of another store.
    InvalidParameters,
    /// The secret does not match the stored hash.
    InvalidSecret,
    /// The secret is correct, but the token was revoked.
    Revoked,
    /// The secret is correct, but the token has expired, or the overlap after a rotation has.
    Expired,
}

impl Reason {
    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidPrefix => "invalid_prefix",
            Self::InvalidFormat => "invalid_format",
            Self::NotFound => "not_found",
            Self::InvalidPhc => "invalid_phc",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::InvalidParameters => "invalid_parameters",
            Self::InvalidSecret => "invalid_secret",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidPrefix => "the token does not begin with the prefix of this service",
            Self::InvalidFormat => "the text is not a token: it was mistyped or cut off",
            Self::NotFound => "no token has this id",
            Self::InvalidPhc => {
                "the hash is not a PHC string, or its salt or hash is too short or too long: give \
                 the token a new secret"
            }
            Self::UnsupportedAlgorithm => {
                "the algorithm of the hash is not supported: give the token a new secret"
            }
            Self::InvalidParameters => {
                "the parameters of the hash are out of bounds, or it was made under the keys of \
                 another store: give the token a new secret"
            }
            Self::InvalidSecret => "the secret is not the one of this token",
            Self::Revoked => "the token was revoked",
            Self::Expired => "the token has expired",
        })
    }
}
