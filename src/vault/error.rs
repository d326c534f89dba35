//! Why the vault did not do it, with nothing secret inside.

use std::fmt;
use std::time::Duration;

use crate::keys::KeyId;
use crate::limits::{Exhausted, NotRun};
use crate::sealed::{EndError, PublicError, SealedError, keyset_gone};
use crate::store::{RecordError, RecordKey, StoreError};
use crate::token::LifetimeError;

/// Why the vault did not do what it was asked.
///
/// [`code`](VaultError::code) is a stable name, for logs and for the command line. What a stranger may be told is
/// [`public`](VaultError::public).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no such token in this namespace.
    NotFound,
    /// Its end has come.
    Expired,
    /// It was soft-deleted, and not restored.
    Deleted,
    /// The password is not the one that protects the value; or none was given and one does; or one was given and none does.
    InvalidPassword,
    /// A token with this text is there already, perhaps expired or soft-deleted.
    AlreadyExists,
    /// There is no such earlier value.
    NoSuchVersion,
    /// A record in the database is not as it was written.
    Tampered,
    /// Too many attempts have failed.
    TooManyAttempts {
        /// After this long there is another one.
        retry_after: Duration,
    },
    /// A length of 15 to 64 characters was expected.
    InvalidTokenLength,
    /// A token of this length has less than 128 random bits: [`weak_length`](super::Create::weak_length) allows it.
    WeakToken,
    /// A token of one's own has 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`.
    InvalidToken,
    /// The password is empty: leave it out if there is to be none.
    EmptyPassword,
    /// The new password has too few characters.
    PasswordTooShort {
        /// The least.
        min: usize,
    },
    /// The password has more than 1,024 bytes.
    PasswordTooLong,
    /// The value is longer than the vault takes.
    ValueTooLong {
        /// The most bytes.
        limit: usize,
    },
    /// A label has 1 to 255 bytes.
    InvalidLabel,
    /// A namespace has 1 to 255 bytes.
    InvalidNamespace,
    /// The lifetime is zero, or too long.
    Lifetime(LifetimeError),
    /// The end lies in the past, or after the year 9999.
    InvalidEnd,
    /// A setting of the vault is out of its bounds.
    InvalidSetting(&'static str),
    /// The password was changed so often that its entry is full.
    TooManyDataKeys,
    /// The ring has no key with the id that sealed the keyset: add the key to the ring, as a retired one.
    UnknownKey(KeyId),
    /// There are values, but no keyset that opens them: restore this record from a backup.
    KeysetGone(RecordKey),
    /// The store did not do it.
    Store(StoreError),
    /// Too many passwords wait to be hashed, in this namespace or in all together. It is no failed attempt.
    Busy {
        /// Try again after this long.
        retry_after: Duration,
    },
    /// There is not enough memory for Argon2id, or no tokio runtime to run it on, or it is ending.
    Hashing,
    /// The operating system gave no random bytes.
    Randomness,
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
            Self::Tampered => "tampered",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::InvalidTokenLength => "invalid_token_length",
            Self::WeakToken => "weak_token",
            Self::InvalidToken => "invalid_token",
            Self::EmptyPassword => "empty_password",
            Self::PasswordTooShort { .. } => "password_too_short",
            Self::PasswordTooLong => "password_too_long",
            Self::ValueTooLong { .. } => "value_too_long",
            Self::InvalidLabel => "invalid_label",
            Self::InvalidNamespace => "invalid_namespace",
            Self::Lifetime(_) => "invalid_lifetime",
            Self::InvalidEnd => "invalid_end",
            Self::InvalidSetting(_) => "invalid_setting",
            Self::TooManyDataKeys => "too_many_data_keys",
            Self::UnknownKey(_) => "unknown_key",
            Self::KeysetGone(_) => "keyset_gone",
            Self::Store(StoreError::Cursor) => "invalid_cursor",
            Self::Store(_) => "unavailable",
            Self::Busy { .. } => "busy",
            Self::Hashing => "hashing",
            Self::Randomness => "randomness",
        }
    }

    /// Whether it counts as a failed attempt: whatever a stranger is told as [`PublicError::Refused`], or the count itself would tell more. Who asks
    /// for a version that there is not has opened the present value.
    ///
    /// So does a damaged database: a guess decides which part of it is read, and who prepared the file chose what is damaged there.
    pub(super) const fn is_failed_attempt(&self) -> bool {
        match self {
            Self::NoSuchVersion => false,
            Self::Store(StoreError::Corrupt) => true,
            error => matches!(error.public(), PublicError::Refused),
        }
    }

    /// The error of work of which so much was done before.
    pub(super) fn after(self, done: u64) -> Self {
        match self {
            Self::Store(error) if done > 0 => Self::Store(error.after_some()),
            error => error,
        }
    }

    /// What a stranger may be told of it.
    ///
    /// ```
    /// use sealtoken::vault::{PublicError, VaultError};
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
            | Self::NoSuchVersion
            | Self::Tampered => PublicError::Refused,
            Self::TooManyAttempts { retry_after } | Self::Busy { retry_after } => {
                PublicError::TryLater {
                    retry_after: *retry_after,
                }
            }
            Self::AlreadyExists
            | Self::InvalidTokenLength
            | Self::WeakToken
            | Self::InvalidToken
            | Self::EmptyPassword
            | Self::PasswordTooShort { .. }
            | Self::PasswordTooLong
            | Self::ValueTooLong { .. }
            | Self::InvalidLabel
            | Self::InvalidNamespace
            | Self::Lifetime(_)
            | Self::InvalidEnd
            | Self::Store(StoreError::Cursor) => PublicError::Invalid,
            Self::InvalidSetting(_)
            | Self::TooManyDataKeys
            | Self::UnknownKey(_)
            | Self::KeysetGone(_)
            | Self::Store(_)
            | Self::Hashing
            | Self::Randomness => PublicError::Unavailable,
        }
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such token"),
            Self::Expired => f.write_str("the token has expired"),
            Self::Deleted => f.write_str("the token was deleted; it can be restored until it is purged"),
            Self::InvalidPassword => f.write_str("the password does not fit this token"),
            Self::AlreadyExists => f.write_str("a token with this text exists already, perhaps expired or deleted: choose another"),
            Self::NoSuchVersion => f.write_str("there is no such earlier value: list the versions that are kept"),
            Self::Tampered => f.write_str("a record in the database was changed from outside: restore it from a backup"),
            Self::TooManyAttempts { retry_after } => {
                write!(f, "too many failed attempts: try again in {} s", retry_after.as_secs().saturating_add(1))
            }
            Self::InvalidTokenLength => f.write_str("a token has 15 to 64 characters"),
            Self::WeakToken => f.write_str("a token of less than 25 characters has less than 128 random bits: ask for it by weak_length if that is meant"),
            Self::InvalidToken => f.write_str("a token of your own has 15 to 200 characters of A-Z, a-z, 0-9, - and _"),
            Self::EmptyPassword => f.write_str("the password is empty: leave it out if there is to be none"),
            Self::PasswordTooShort { min } => write!(f, "a new password has at least {min} characters"),
            Self::PasswordTooLong => f.write_str("a password has at most 1024 bytes"),
            Self::ValueTooLong { limit } => write!(f, "a value has at most {limit} bytes"),
            Self::InvalidLabel => f.write_str("a label has 1 to 255 bytes"),
            Self::InvalidNamespace => f.write_str("a namespace has 1 to 255 bytes"),
            Self::Lifetime(error) => error.fmt(f),
            Self::InvalidEnd => f.write_str("the end lies in the past, or after the year 9999"),
            Self::InvalidSetting(what) => f.write_str(what),
            Self::TooManyDataKeys => f.write_str("this password was changed too often: read the values and create them anew"),
            Self::UnknownKey(id) => write!(f, "the vault was sealed by the key {id}, which is not in the ring: add it as a retired key, and keep it there until `sealtoken vault rewrap` has succeeded"),
            Self::KeysetGone(key) => keyset_gone(f, key),
            Self::Store(error) => error.fmt(f),
            Self::Busy { .. } => f.write_str("too many slow hashes are waiting: try again in a second"),
            Self::Hashing => f.write_str("the password could not be hashed: there is not enough memory, or no tokio runtime here"),
            Self::Randomness => f.write_str("the operating system gave no random bytes"),
        }
    }
}

impl std::error::Error for VaultError {}

impl From<SealedError> for VaultError {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Store(StoreError::Invalid(RecordError::BodyTooLong { limit })) => {
                Self::ValueTooLong { limit }
            }
            SealedError::Store(error) => Self::Store(error),
            SealedError::Tampered => Self::Tampered,
            SealedError::UnknownKey(id) => Self::UnknownKey(id),
            SealedError::KeysetGone(key) => Self::KeysetGone(key),
            SealedError::Randomness => Self::Randomness,
        }
    }
}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        SealedError::from(error).into()
    }
}

impl From<EndError> for VaultError {
    fn from(error: EndError) -> Self {
        match error {
            EndError::Lifetime(error) => Self::Lifetime(error),
            EndError::OutOfReach => Self::InvalidEnd,
        }
    }
}

impl From<NotRun> for VaultError {
    fn from(not_run: NotRun) -> Self {
        match not_run {
            NotRun::Full { retry_after } => Self::Busy { retry_after },
            NotRun::Failed => Self::Hashing,
        }
    }
}

impl From<LifetimeError> for VaultError {
    fn from(error: LifetimeError) -> Self {
        Self::Lifetime(error)
    }
}

impl From<Exhausted> for VaultError {
    fn from(Exhausted { retry_after }: Exhausted) -> Self {
        Self::TooManyAttempts { retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_one_thing_of_all_that_could_be_guessed() {
        let refused = [
            VaultError::NotFound,
            VaultError::Expired,
            VaultError::Deleted,
            VaultError::InvalidPassword,
            VaultError::NoSuchVersion,
            VaultError::Tampered,
        ];
        for error in refused {
            assert_eq!(error.public(), PublicError::Refused, "{error:?}");
            let is_guess = error != VaultError::NoSuchVersion;
            assert_eq!(error.is_failed_attempt(), is_guess, "{error:?}");
        }
        let retry_after = Duration::from_secs(7);
        for error in [
            VaultError::from(Exhausted { retry_after }),
            VaultError::from(NotRun::Full { retry_after }),
        ] {
            assert_eq!(error.public(), PublicError::TryLater { retry_after });
            assert!(!error.is_failed_attempt());
        }
        for error in [
            VaultError::from(NotRun::Failed),
            VaultError::from(StoreError::unknown("away")),
            VaultError::TooManyDataKeys,
            VaultError::Randomness,
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
    fn an_error_of_the_store_is_told_by_what_it_means_here() {
        let limit = 7;
        for (error, expected) in [
            (StoreError::Corrupt, VaultError::Store(StoreError::Corrupt)),
            (StoreError::Randomness, VaultError::Randomness),
            (
                StoreError::Invalid(RecordError::BodyTooLong { limit }),
                VaultError::ValueTooLong { limit },
            ),
            (
                StoreError::Replaced,
                VaultError::Store(StoreError::Replaced),
            ),
        ] {
            assert_eq!(VaultError::from(error), expected);
        }
    }
}
