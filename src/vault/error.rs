//! The errors of a vault. They hold no secret.

use std::error::Error;
use std::fmt;

use crate::crypto::clock::ExpiryError;
use crate::events::ErrorCode;
use crate::limits::{Exhausted, PoolError};
use crate::sealed::{PublicError, ServiceError, from_shared};
use crate::store::StoreError;

/// Why an operation of a vault failed.
///
/// [`code`](VaultError::code) is a stable name, for logs and the command line;
/// [`public`](VaultError::public) is safe to show to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultError {
    /// No such token exists in this namespace.
    NotFound,
    /// The value has expired.
    Expired,
    /// The value is soft-deleted.
    Deleted,
    /// The password is not the one that protects the value. Or none was given and the value has
    /// one, or one was given and the value has none.
    InvalidPassword,
    /// A token with this text exists already, perhaps expired or soft-deleted.
    AlreadyExists,
    /// No earlier value with this number is kept.
    NoSuchVersion,
    /// A drawn token has 15 to 64 characters.
    InvalidTokenLength,
    /// A token of this length has less than 128 random bits:
    /// [`weak_length`](super::Create::weak_length) allows it.
    WeakToken,
    /// A token of your own has 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`.
    InvalidToken,
    /// The password is empty: leave it out if you want none.
    EmptyPassword,
    /// The new password has too few characters.
    PasswordTooShort {
        /// The minimum number of characters.
        min: usize,
    },
    /// The password has more than 1,024 bytes.
    PasswordTooLong,
    /// The value is too long.
    ValueTooLong {
        /// The maximum number of bytes.
        limit: usize,
    },
    /// A label has 1 to 255 bytes.
    InvalidLabel,
    /// A namespace has 1 to 255 bytes.
    InvalidNamespace,
    /// The password was changed so often that its entry is full.
    TooManyDataKeys,
    /// An error that all services share: the store, the keyset, a tampered record, a limit.
    Service(ServiceError),
}

impl VaultError {
    /// The stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::InvalidPassword => "invalid_password",
            Self::AlreadyExists => "already_exists",
            Self::NoSuchVersion => "no_such_version",
            Self::InvalidTokenLength => "invalid_token_length",
            Self::WeakToken => "weak_token",
            Self::InvalidToken => "invalid_token",
            Self::EmptyPassword => "empty_password",
            Self::PasswordTooShort { .. } => "password_too_short",
            Self::PasswordTooLong => "password_too_long",
            Self::ValueTooLong { .. } => "value_too_long",
            Self::InvalidLabel => "invalid_label",
            Self::InvalidNamespace => "invalid_namespace",
            Self::TooManyDataKeys => "too_many_data_keys",
            Self::Service(error) => error.code(),
        }
    }

    /// Whether it counts as a failed attempt.
    ///
    /// Every error does that callers see as [`PublicError::Refused`]: otherwise the count would
    /// distinguish them. A missing version does not, since its caller has opened the current value.
    /// A damaged database does: the guess decides which record is read, and an attacker may have
    /// chosen which ones are damaged.
    pub(super) const fn is_failed_attempt(&self) -> bool {
        match self {
            Self::NoSuchVersion => false,
            Self::Service(ServiceError::Store(StoreError::Corrupt)) => true,
            error => matches!(error.public(), PublicError::Refused),
        }
    }

    /// This error, after `done` items of the same work succeeded.
    pub(super) fn after(self, done: u64) -> Self {
        match self {
            Self::Service(error) => Self::Service(error.after(done)),
            error => error,
        }
    }

    /// The error to show to callers.
    ///
    /// ```
    /// use sealtoken::PublicError;
    /// use sealtoken::vault::VaultError;
    ///
    /// assert_eq!(VaultError::NotFound.public(), PublicError::Refused);
    /// assert_eq!(VaultError::InvalidPassword.public(), PublicError::Refused);
    /// ```
    #[must_use]
    pub const fn public(&self) -> PublicError {
        match self {
            Self::NotFound
            | Self::Expired
            | Self::Deleted
            | Self::InvalidPassword
            | Self::NoSuchVersion => PublicError::Refused,
            Self::AlreadyExists
            | Self::InvalidTokenLength
            | Self::WeakToken
            | Self::InvalidToken
            | Self::EmptyPassword
            | Self::PasswordTooShort { .. }
            | Self::PasswordTooLong
            | Self::ValueTooLong { .. }
            | Self::InvalidLabel
            | Self::InvalidNamespace => PublicError::Invalid,
            Self::TooManyDataKeys => PublicError::Unavailable,
            Self::Service(error) => error.public(),
        }
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such token exists"),
            Self::Expired => f.write_str("the value has expired"),
            Self::Deleted => {
                f.write_str("the value was soft-deleted; it can be restored until it is purged")
            }
            Self::InvalidPassword => f.write_str("the password does not match this token"),
            Self::AlreadyExists => f.write_str(
                "a token with this text exists already, perhaps expired or soft-deleted: choose \
                 another",
            ),
            Self::NoSuchVersion => f.write_str("no such version is kept: list the versions"),
            Self::InvalidTokenLength => f.write_str("a drawn token has 15 to 64 characters"),
            Self::WeakToken => f.write_str(
                "a token of less than 25 characters has less than 128 random bits: if you want \
                 one, set `weak_length`",
            ),
            Self::InvalidToken => f.write_str(
                "a token of your own has 15 to 200 characters of A-Z, a-z, 0-9, - and _",
            ),
            Self::EmptyPassword => {
                f.write_str("the password is empty: leave it out if you want none")
            }
            Self::PasswordTooShort { min } => {
                write!(f, "a new password has at least {min} characters")
            }
            Self::PasswordTooLong => f.write_str("a password has at most 1024 bytes"),
            Self::ValueTooLong { limit } => write!(f, "a value has at most {limit} bytes"),
            Self::InvalidLabel => f.write_str("a label has 1 to 255 bytes"),
            Self::InvalidNamespace => f.write_str("a namespace has 1 to 255 bytes"),
            Self::TooManyDataKeys => f.write_str(
                "this password was changed too often: read its values and create them again",
            ),
            Self::Service(error) => error.fmt(f),
        }
    }
}

impl ErrorCode for VaultError {
    fn code(&self) -> &'static str {
        self.code()
    }
}

impl Error for VaultError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this error's already.
            Self::Service(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ServiceError> for VaultError {
    fn from(error: ServiceError) -> Self {
        match error.body_limit() {
            Some(limit) => Self::ValueTooLong { limit },
            None => Self::Service(error),
        }
    }
}

from_shared!(VaultError: ExpiryError, StoreError, PoolError, Exhausted);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::RecordError;

    #[test]
    fn callers_see_one_answer_to_all_that_could_be_guessed() {
        let refused = [
            VaultError::NotFound,
            VaultError::Expired,
            VaultError::Deleted,
            VaultError::InvalidPassword,
            VaultError::NoSuchVersion,
            VaultError::Service(ServiceError::Tampered),
        ];
        for error in refused {
            assert_eq!(error.public(), PublicError::Refused, "{error:?}");
            let is_guess = error != VaultError::NoSuchVersion;
            assert_eq!(error.is_failed_attempt(), is_guess, "{error:?}");
        }
        let retry_after = Duration::from_secs(7);
        for error in [
            VaultError::from(Exhausted::new(retry_after)),
            VaultError::from(PoolError::Full { retry_after }),
        ] {
            assert_eq!(error.public(), PublicError::TryLater { retry_after });
            assert!(!error.is_failed_attempt());
        }
        for error in [
            VaultError::from(PoolError::Failed),
            VaultError::from(StoreError::unknown("away")),
            VaultError::TooManyDataKeys,
            VaultError::Service(ServiceError::Randomness),
        ] {
            assert_eq!(error.public(), PublicError::Unavailable, "{error:?}");
            assert!(!error.is_failed_attempt());
        }
        let damaged = VaultError::from(StoreError::Corrupt);
        assert_eq!(damaged.public(), PublicError::Unavailable);
        assert!(damaged.is_failed_attempt());
        let cursor = VaultError::from(StoreError::Cursor);
        assert_eq!(cursor.public(), PublicError::Invalid);
        assert_eq!(cursor.code(), "invalid_cursor");
    }

    #[test]
    fn an_error_of_the_store_becomes_what_it_means_here() {
        let limit = 7;
        for (error, expected) in [
            (
                StoreError::Corrupt,
                VaultError::Service(ServiceError::Store(StoreError::Corrupt)),
            ),
            (
                StoreError::Randomness,
                VaultError::Service(ServiceError::Randomness),
            ),
            (
                StoreError::Invalid(RecordError::BodyTooLong { limit }),
                VaultError::ValueTooLong { limit },
            ),
            (
                StoreError::Replaced,
                VaultError::Service(ServiceError::Store(StoreError::Replaced)),
            ),
        ] {
            assert_eq!(VaultError::from(error), expected);
        }
    }
}
