//! Why a token was refused, and why an operation was not done. Nothing secret stands in an error.

use std::fmt;
use std::time::Duration;

use crate::keys::KeyId;
use crate::limits::{Exhausted, NotRun};
use crate::sealed::{EndError, PublicError, SealedError, keyset_gone};
use crate::store::{RecordError, RecordKey, StoreError};
use crate::token::LifetimeError;

/// Why a presented token was refused. For logs and for the token's owner; a stranger is told [`VerifyError::public`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It does not begin with the prefix of this service.
    InvalidPrefix,
    /// It is no token: a length, a character or the check at its end is wrong. Nothing was looked up.
    InvalidFormat,
    /// There is no token with this id.
    NotFound,
    /// The stored hash is no PHC string, or its salt or hash is too short or too long.
    InvalidPhc,
    /// The stored hash is of an algorithm that is not known here.
    UnsupportedAlgorithm,
    /// The parameters of the stored hash are missing or out of bounds, or it was made under the keys of another store.
    InvalidParameters,
    /// The secret does not fit the stored hash.
    InvalidSecret,
    /// The secret is right, and the token was revoked.
    Revoked,
    /// The secret is right, and its end has come: the token's own, or that of the overlap after a rotation.
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
            Self::InvalidFormat => "the text is no token: it was mistyped or cut off",
            Self::NotFound => "there is no token with this id",
            Self::InvalidPhc => "the hash is no PHC string, or its salt or hash is too short or too long: give the token a new one",
            Self::UnsupportedAlgorithm => "the hash is of an unknown algorithm: give the token a new one",
            Self::InvalidParameters => "the parameters of the hash are out of bounds, or it was made under the keys of another store: give the token a new one",
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
    /// The token is not good. [`Reason::code`] says why.
    Refused(Reason),
    /// Too many attempts have failed.
    TooManyAttempts {
        /// After this long there is another one.
        retry_after: Duration,
    },
    /// It could not be found out.
    Failed(PatError),
}

impl VerifyError {
    /// The stable name: that of the reason, or that of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(reason) => reason.code(),
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Failed(error) => error.code(),
        }
    }

    /// What a stranger may be told: one answer to every refusal.
    ///
    /// ```
    /// use sealtoken::pat::{PublicError, Reason, VerifyError};
    ///
    /// for reason in [Reason::NotFound, Reason::InvalidSecret, Reason::Revoked] {
    ///     assert_eq!(VerifyError::Refused(reason).public(), PublicError::Refused);
    /// }
    /// ```
    #[must_use]
    pub const fn public(&self) -> PublicError {
        match self {
            Self::Refused(_) => PublicError::Refused,
            Self::TooManyAttempts { retry_after } => PublicError::TryLater {
                retry_after: *retry_after,
            },
            Self::Failed(error) => error.public(),
        }
    }

    /// Whether it counts as a failed attempt: whatever a guess can run into, also what is damaged where it leads.
    pub(super) const fn is_guess(&self) -> bool {
        matches!(
            self,
            Self::Refused(
                Reason::NotFound
                    | Reason::InvalidPhc
                    | Reason::UnsupportedAlgorithm
                    | Reason::InvalidParameters
                    | Reason::InvalidSecret
            ) | Self::Failed(PatError::Tampered | PatError::Store(StoreError::Corrupt))
        )
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => reason.fmt(f),
            Self::TooManyAttempts { retry_after } => write!(
                f,
                "too many failed attempts: try again in {} s",
                retry_after.as_secs().saturating_add(1)
            ),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VerifyError {}

/// Why an operation on tokens was not done. [`code`](PatError::code) is a stable name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatError {
    /// There is no token with this id.
    NotFound,
    /// There is a token with this id already, perhaps revoked or expired.
    AlreadyExists,
    /// The token was revoked: restore it first.
    Revoked,
    /// The token has expired: give it another end first.
    Expired,
    /// An id has 21 letters and digits.
    InvalidId,
    /// A prefix is a lower-case letter, at most 30 of `a-z`, `0-9`, `_`, and `_`.
    InvalidPrefix,
    /// An owner has 1 to 100 characters.
    InvalidOwner,
    /// A role or a scope has 1 to 100 characters.
    InvalidRole,
    /// A token has at most 50 roles and 50 scopes.
    TooManyRoles,
    /// A name has 1 to 100 characters.
    InvalidName,
    /// Metadata has at most 50 entries, names of 1 to 100 characters, values of at most 1,000, and 8 KiB in all.
    InvalidMetadata,
    /// What is kept about the token is longer than the store takes.
    TooLong {
        /// The most bytes.
        limit: usize,
    },
    /// The lifetime is zero, or too long.
    Lifetime(LifetimeError),
    /// The end lies in the past, or after the year 9999.
    InvalidEnd,
    /// The secret is the one that the token's last rotation took out: it does not become the
    /// present one again.
    RotatedOut,
    /// The hash is none that a token could be verified with: [`Reason::InvalidPhc`], [`Reason::UnsupportedAlgorithm`] or [`Reason::InvalidParameters`].
    Hash(Reason),
    /// A record in the database is not as it was written.
    Tampered,
    /// A setting is out of its bounds.
    InvalidSetting(&'static str),
    /// The ring has no key with the id that sealed the keyset: add the key to the ring, as a retired one.
    UnknownKey(KeyId),
    /// There are tokens, but no keyset that opens them: restore this record from a backup.
    KeysetGone(RecordKey),
    /// The store did not do it.
    Store(StoreError),
    /// Too many hashes wait for scrypt: of this token, of its owner's, or of all together. It is no failed attempt.
    Busy {
        /// Try again after this long.
        retry_after: Duration,
    },
    /// There is no tokio runtime to run scrypt on, or it is ending.
    Hashing,
    /// The operating system gave no random bytes.
    Randomness,
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
            Self::Lifetime(_) => "invalid_lifetime",
            Self::InvalidEnd => "invalid_end",
            Self::RotatedOut => "rotated_out",
            Self::Hash(reason) => reason.code(),
            Self::Tampered => "tampered",
            Self::InvalidSetting(_) => "invalid_setting",
            Self::UnknownKey(_) => "unknown_key",
            Self::KeysetGone(_) => "keyset_gone",
            Self::Store(StoreError::Cursor) => "invalid_cursor",
            Self::Store(_) => "unavailable",
            Self::Busy { .. } => "busy",
            Self::Hashing => "hashing",
            Self::Randomness => "randomness",
        }
    }
}

impl PatError {
    /// What a stranger may be told of it.
    ///
    /// ```
    /// use sealtoken::pat::{PatError, PublicError};
    ///
    /// assert_eq!(PatError::InvalidOwner.public(), PublicError::Invalid);
    /// assert_eq!(PatError::NotFound.public(), PublicError::Refused);
    /// ```
    #[must_use]
    pub const fn public(&self) -> PublicError {
        match self {
            Self::NotFound | Self::Revoked | Self::Expired | Self::Tampered => PublicError::Refused,
            Self::AlreadyExists
            | Self::InvalidId
            | Self::InvalidPrefix
            | Self::InvalidOwner
            | Self::InvalidRole
            | Self::TooManyRoles
            | Self::InvalidName
            | Self::InvalidMetadata
            | Self::TooLong { .. }
            | Self::Lifetime(_)
            | Self::InvalidEnd
            | Self::RotatedOut
            | Self::Hash(_)
            | Self::Store(StoreError::Cursor) => PublicError::Invalid,
            Self::Busy { retry_after } => PublicError::TryLater {
                retry_after: *retry_after,
            },
            Self::InvalidSetting(_)
            | Self::UnknownKey(_)
            | Self::KeysetGone(_)
            | Self::Store(_)
            | Self::Hashing
            | Self::Randomness => PublicError::Unavailable,
        }
    }
}

impl fmt::Display for PatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no token with this id"),
            Self::AlreadyExists => f.write_str("there is a token with this id already, perhaps revoked or expired"),
            Self::Revoked => f.write_str("the token was revoked: restore it first"),
            Self::Expired => f.write_str("the token has expired: give it another end first"),
            Self::InvalidId => f.write_str("an id has 21 letters and digits"),
            Self::InvalidPrefix => f.write_str("a prefix is a lower-case letter, at most 30 of a-z, 0-9, _, and _ at its end"),
            Self::InvalidOwner => f.write_str("an owner has 1 to 100 characters"),
            Self::InvalidRole => f.write_str("a role or a scope has 1 to 100 characters"),
            Self::TooManyRoles => f.write_str("a token has at most 50 roles and 50 scopes"),
            Self::InvalidName => f.write_str("a name has 1 to 100 characters"),
            Self::InvalidMetadata => f.write_str("metadata has at most 50 entries, names of 1 to 100 characters, values of at most 1000, and 8 KiB in all"),
            Self::TooLong { limit } => write!(f, "what is kept about a token has at most {limit} bytes in this store"),
            Self::Lifetime(error) => error.fmt(f),
            Self::InvalidEnd => f.write_str("the end lies in the past, or after the year 9999"),
            Self::RotatedOut => f.write_str("the token was rotated since: this secret stays out"),
            Self::Hash(reason) => reason.fmt(f),
            Self::Tampered => f.write_str("a record in the database was changed from outside: restore it from a backup, or delete the token"),
            Self::InvalidSetting(what) => f.write_str(what),
            Self::UnknownKey(id) => write!(f, "the tokens were sealed by the key {id}, which is not in the ring: add it as a retired key, and keep it there until `sealtoken pat rewrap` has succeeded"),
            Self::KeysetGone(key) => keyset_gone(f, key),
            Self::Store(error) => error.fmt(f),
            Self::Busy { .. } => f.write_str("too many slow hashes are waiting: try again in a second"),
            Self::Hashing => f.write_str("the hash could not be checked: there is no tokio runtime here"),
            Self::Randomness => f.write_str("the operating system gave no random bytes"),
        }
    }
}

impl std::error::Error for PatError {}

impl From<SealedError> for PatError {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Store(StoreError::Invalid(RecordError::BodyTooLong { limit })) => {
                Self::TooLong { limit }
            }
            SealedError::Store(error) => Self::Store(error),
            SealedError::Tampered => Self::Tampered,
            SealedError::UnknownKey(id) => Self::UnknownKey(id),
            SealedError::KeysetGone(key) => Self::KeysetGone(key),
            SealedError::Randomness => Self::Randomness,
        }
    }
}

impl From<StoreError> for PatError {
    fn from(error: StoreError) -> Self {
        SealedError::from(error).into()
    }
}

impl From<EndError> for PatError {
    fn from(error: EndError) -> Self {
        match error {
            EndError::Lifetime(error) => Self::Lifetime(error),
            EndError::OutOfReach => Self::InvalidEnd,
        }
    }
}

impl From<crate::crypto::random::Failed> for PatError {
    fn from(_: crate::crypto::random::Failed) -> Self {
        Self::Randomness
    }
}

impl From<NotRun> for PatError {
    fn from(not_run: NotRun) -> Self {
        match not_run {
            NotRun::Full { retry_after } => Self::Busy { retry_after },
            NotRun::Failed => Self::Hashing,
        }
    }
}

impl<E: Into<PatError>> From<E> for VerifyError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Reason> for VerifyError {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<Exhausted> for VerifyError {
    fn from(Exhausted { retry_after }: Exhausted) -> Self {
        Self::TooManyAttempts { retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_layers_below_say_keeps_its_meaning() {
        let retry_after = Duration::from_secs(7);
        let later = PublicError::TryLater { retry_after };
        let too_long = RecordError::BodyTooLong { limit: 9 };
        for (error, code, public) in [
            (NotRun::Full { retry_after }.into(), "busy", later),
            (NotRun::Failed.into(), "hashing", PublicError::Unavailable),
            (
                StoreError::Corrupt.into(),
                "unavailable",
                PublicError::Unavailable,
            ),
            (
                StoreError::Invalid(too_long).into(),
                "too_long",
                PublicError::Invalid,
            ),
            (
                SealedError::Tampered.into(),
                "tampered",
                PublicError::Refused,
            ),
            (
                EndError::OutOfReach.into(),
                "invalid_end",
                PublicError::Invalid,
            ),
        ] {
            let error: PatError = error;
            assert_eq!((error.code(), error.public()), (code, public), "{error:?}");
        }
    }
}
