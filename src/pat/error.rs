//! The errors of operations on tokens, and the reasons for which a token is refused. None holds a
//! secret.

use std::error::Error;
use std::fmt;

use crate::crypto::clock::ExpiryError;
use crate::crypto::random;
use crate::events::ErrorCode;
use crate::limits::{Exhausted, PoolError};
use crate::sealed::{PublicError, ServiceError, from_shared};
use crate::store::StoreError;

/// Why a presented token was refused. For logs, and for the token's owner; the caller gets
/// [`VerifyError::public`](VerifyError::public).
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

/// Why a token was not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not valid. [`Reason::code`] says why.
    Refused(Reason),
    /// It could not be checked.
    Failed(PatError),
}

impl VerifyError {
    /// The stable name: that of the reason, or that of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(reason) => reason.code(),
            Self::Failed(error) => error.code(),
        }
    }

    /// What the caller may learn: the same answer to every refusal.
    ///
    /// ```
    /// use sealtoken::PublicError;
    /// use sealtoken::pat::{Reason, VerifyError};
    ///
    /// for reason in [Reason::NotFound, Reason::InvalidSecret, Reason::Revoked] {
    ///     assert_eq!(VerifyError::Refused(reason).public(), PublicError::Refused);
    /// }
    /// ```
    #[must_use]
    pub const fn public(&self) -> PublicError {
        match self {
            Self::Refused(_) => PublicError::Refused,
            Self::Failed(error) => error.public(),
        }
    }

    /// Whether it counts as a failed attempt: every outcome that a guess can have, damaged records
    /// included.
    pub(super) const fn is_guess(&self) -> bool {
        matches!(
            self,
            Self::Refused(
                Reason::NotFound
                    | Reason::InvalidPhc
                    | Reason::UnsupportedAlgorithm
                    | Reason::InvalidParameters
                    | Reason::InvalidSecret
            ) | Self::Failed(PatError::Service(
                ServiceError::Tampered | ServiceError::Store(StoreError::Corrupt)
            ))
        )
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => reason.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this error's already.
            Self::Failed(error) => error.source(),
            Self::Refused(_) => None,
        }
    }
}

/// Why an operation on tokens failed. [`code`](PatError::code) is a stable name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatError {
    /// No token has this id.
    NotFound,
    /// A token has this id already; it may be revoked or expired.
    AlreadyExists,
    /// The token was revoked: restore it first.
    Revoked,
    /// The token has expired: set a new expiry first.
    Expired,
    /// An id has 21 letters and digits.
    InvalidId,
    /// A prefix begins with a lower-case letter, goes on with at most 30 of `a-z`, `0-9` and `_`,
    /// and ends with `_`.
    InvalidPrefix,
    /// An owner has 1 to 100 characters.
    InvalidOwner,
    /// A role or a scope has 1 to 100 characters.
    InvalidRole,
    /// A token has at most 50 roles and 50 scopes.
    TooManyRoles,
    /// A name has 1 to 100 characters.
    InvalidName,
    /// Metadata has at most 50 entries, keys of 1 to 100 characters, values of at most 1,000, and
    /// 8 KiB in all.
    InvalidMetadata,
    /// The token's record is longer than the store accepts.
    TooLong {
        /// The longest record, in bytes.
        limit: usize,
    },
    /// The token's last rotation replaced this secret: it cannot become current again.
    RotatedOut,
    /// No token can be verified with this hash: [`Reason::InvalidPhc`],
    /// [`Reason::UnsupportedAlgorithm`] or [`Reason::InvalidParameters`].
    Hash(Reason),
    /// An error that all services share: of the store, the keyset, a tampered record, a limit.
    Service(ServiceError),
}

impl PatError {
    /// The stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::InvalidId => "invalid_id",
            Self::InvalidPrefix => "invalid_prefix",
            Self::InvalidOwner => "invalid_owner",
            Self::InvalidRole => "invalid_role",
            Self::TooManyRoles => "too_many_roles",
            Self::InvalidName => "invalid_name",
            Self::InvalidMetadata => "invalid_metadata",
            Self::TooLong { .. } => "too_long",
            Self::RotatedOut => "rotated_out",
            Self::Hash(reason) => reason.code(),
            Self::Service(error) => error.code(),
        }
    }

    /// What the caller may learn.
    ///
    /// ```
    /// use sealtoken::PublicError;
    /// use sealtoken::pat::PatError;
    ///
    /// assert_eq!(PatError::InvalidOwner.public(), PublicError::Invalid);
    /// assert_eq!(PatError::NotFound.public(), PublicError::Refused);
    /// ```
    #[must_use]
    pub const fn public(&self) -> PublicError {
        match self {
            Self::NotFound | Self::Revoked | Self::Expired => PublicError::Refused,
            Self::AlreadyExists
            | Self::InvalidId
            | Self::InvalidPrefix
            | Self::InvalidOwner
            | Self::InvalidRole
            | Self::TooManyRoles
            | Self::InvalidName
            | Self::InvalidMetadata
            | Self::TooLong { .. }
            | Self::RotatedOut
            | Self::Hash(_) => PublicError::Invalid,
            Self::Service(error) => error.public(),
        }
    }
}

impl fmt::Display for PatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no token has this id",
            Self::AlreadyExists => "a token has this id already; it may be revoked or expired",
            Self::Revoked => "the token was revoked: restore it first",
            Self::Expired => "the token has expired: set a new expiry first",
            Self::InvalidId => "an id has 21 letters and digits",
            Self::InvalidPrefix => {
                "a prefix begins with a lower-case letter, goes on with at most 30 of a-z, 0-9 and \
                 _, and ends with _"
            }
            Self::InvalidOwner => "an owner has 1 to 100 characters",
            Self::InvalidRole => "a role or a scope has 1 to 100 characters",
            Self::TooManyRoles => "a token has at most 50 roles and 50 scopes",
            Self::InvalidName => "a name has 1 to 100 characters",
            Self::InvalidMetadata => {
                "metadata has at most 50 entries, keys of 1 to 100 characters, values of at most \
                 1000, and 8 KiB in all"
            }
            Self::TooLong { limit } => {
                return write!(
                    f,
                    "a token's record has at most {limit} bytes in this store"
                );
            }
            Self::RotatedOut => {
                "the token was rotated meanwhile, so this secret is no longer accepted"
            }
            Self::Hash(reason) => return reason.fmt(f),
            Self::Service(error) => return error.fmt(f),
        })
    }
}

impl Error for PatError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this error's already.
            Self::Service(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ServiceError> for PatError {
    fn from(error: ServiceError) -> Self {
        match error.body_limit() {
            Some(limit) => Self::TooLong { limit },
            None => Self::Service(error),
        }
    }
}

from_shared!(PatError: ExpiryError, StoreError, PoolError, random::Failed);

impl ErrorCode for PatError {
    fn code(&self) -> &'static str {
        self.code()
    }
}

impl ErrorCode for VerifyError {
    fn code(&self) -> &'static str {
        self.code()
    }
}

impl From<PatError> for VerifyError {
    fn from(error: PatError) -> Self {
        Self::Failed(error)
    }
}

impl From<Reason> for VerifyError {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<ServiceError> for VerifyError {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error.into())
    }
}

from_shared!(VerifyError: StoreError, PoolError, Exhausted);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RecordError;

    #[test]
    fn a_record_that_is_too_long_for_the_store_is_invalid_input() {
        let error: PatError = StoreError::Invalid(RecordError::BodyTooLong { limit: 9 }).into();
        assert_eq!(error, PatError::TooLong { limit: 9 });
        assert_eq!(
            (error.code(), error.public()),
            ("too_long", PublicError::Invalid)
        );
    }
}
