//! The errors that all services share.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::crypto::clock::ExpiryError;
use crate::crypto::random;
use crate::keys::KeyId;
use crate::limits::{Exhausted, PoolError};
use crate::store::{RecordError, RecordKey, StoreError};

use super::public::{PublicError, WholeSeconds};

/// An error that every service can return.
///
/// Each service has its own error type, which holds this one for the shared cases.
///
/// ```
/// use sealtoken::{PublicError, ServiceError};
///
/// let error = ServiceError::Contended;
/// assert_eq!(error.code(), "contended"); // for logs
/// assert_eq!(error.public(), PublicError::Unavailable); // for callers
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// A record in the database is damaged or was changed outside sealtoken.
    Tampered,
    /// The key with this id sealed the keyset, but the ring lacks it: add it as a retired key.
    UnknownKey(KeyId),
    /// The keyset of existing records is missing: restore its record, with this key, from a backup.
    KeysetMissing(RecordKey),
    /// The store failed.
    Store(StoreError),
    /// Others kept changing the same record. Nothing was done: try again.
    Contended,
    /// Too many attempts have failed.
    TooManyAttempts {
        /// The next attempt is allowed after this long.
        retry_after: Duration,
    },
    /// Too many slow hashes are waiting already. This does not count as a failed attempt.
    Busy {
        /// Try again after this long.
        retry_after: Duration,
    },
    /// A slow hash did not run: too little memory, no tokio runtime, or a runtime that shuts down.
    Hashing,
    /// The expiry cannot be set.
    InvalidExpiry(ExpiryError),
    /// A setting of the service is out of bounds.
    InvalidSetting(&'static str),
    /// The operating system could not provide random bytes.
    Randomness,
}

impl ServiceError {
    /// The stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Tampered => "tampered",
            Self::UnknownKey(_) => "unknown_key",
            Self::KeysetMissing(_) => "keyset_missing",
            Self::Store(StoreError::Cursor) => "invalid_cursor",
            Self::Store(_) => "unavailable",
            Self::Contended => "contended",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Busy { .. } => "busy",
            Self::Hashing => "hashing",
            Self::InvalidExpiry(_) => "invalid_expiry",
            Self::InvalidSetting(_) => "invalid_setting",
            Self::Randomness => "randomness",
        }
    }

    /// The error to show to callers.
    #[must_use]
    pub const fn public(&self) -> PublicError {
        match self {
            Self::Tampered => PublicError::Refused,
            Self::Store(StoreError::Cursor) | Self::InvalidExpiry(_) => PublicError::Invalid,
            Self::TooManyAttempts { retry_after } | Self::Busy { retry_after } => {
                PublicError::TryLater {
                    retry_after: *retry_after,
                }
            }
            Self::UnknownKey(_)
            | Self::KeysetMissing(_)
            | Self::Store(_)
            | Self::Contended
            | Self::Hashing
            | Self::InvalidSetting(_)
            | Self::Randomness => PublicError::Unavailable,
        }
    }

    /// The longest record that the store accepts, if the record was longer.
    pub(crate) const fn body_limit(&self) -> Option<usize> {
        match self {
            Self::Store(StoreError::Invalid(RecordError::BodyTooLong { limit })) => Some(*limit),
            _ => None,
        }
    }

    /// This error, after `done` items of the same work succeeded: its effect is no longer none.
    pub(crate) fn after(self, done: u64) -> Self {
        match self {
            Self::Store(error) => Self::Store(error.maybe_done(done > 0)),
            // Its message says that nothing was done.
            Self::Contended if done > 0 => Self::Store(StoreError::unknown("contention")),
            error => error,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tampered => f.write_str(
                "a record in the database is damaged or was changed outside sealtoken: restore it \
                 from a backup",
            ),
            Self::UnknownKey(id) => write!(
                f,
                "the keyset was sealed by the key {id}, which is not in the ring: add it as a \
                 retired key, and keep it there until `rewrap` has succeeded"
            ),
            Self::KeysetMissing(key) => keyset_missing(f, key),
            Self::Store(error) => error.fmt(f),
            Self::Contended => {
                f.write_str("others kept changing the same record, and nothing was done: try again")
            }
            Self::TooManyAttempts { retry_after } => write!(
                f,
                "too many failed attempts: try again in {}",
                WholeSeconds(*retry_after)
            ),
            Self::Busy { retry_after } => write!(
                f,
                "too many slow hashes are waiting: try again in {}",
                WholeSeconds(*retry_after)
            ),
            Self::Hashing => f.write_str(
                "a slow hash did not run: there is not enough memory, or no tokio runtime here",
            ),
            Self::InvalidExpiry(error) => error.fmt(f),
            Self::InvalidSetting(what) => f.write_str(what),
            Self::Randomness => f.write_str("the operating system could not provide random bytes"),
        }
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // This error prints the store's own text, so the source is the next one down.
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Randomness => Self::Randomness,
            error => Self::Store(error),
        }
    }
}

impl From<Exhausted> for ServiceError {
    fn from(exhausted: Exhausted) -> Self {
        Self::TooManyAttempts {
            retry_after: exhausted.retry_after,
        }
    }
}

impl From<PoolError> for ServiceError {
    fn from(not_run: PoolError) -> Self {
        match not_run {
            PoolError::Full { retry_after } => Self::Busy { retry_after },
            PoolError::Failed => Self::Hashing,
        }
    }
}

impl From<ExpiryError> for ServiceError {
    fn from(error: ExpiryError) -> Self {
        Self::InvalidExpiry(error)
    }
}

impl From<random::Failed> for ServiceError {
    fn from(_: random::Failed) -> Self {
        Self::Randomness
    }
}

/// Converts errors of lower layers into a service's error, by way of [`ServiceError`].
macro_rules! from_shared {
    ($service:ty: $($error:ty),+) => {$(
        impl From<$error> for $service {
            fn from(error: $error) -> Self {
                $crate::sealed::ServiceError::from(error).into()
            }
        }
    )+};
}
pub(crate) use from_shared;

fn keyset_missing(f: &mut fmt::Formatter<'_>, key: &RecordKey) -> fmt::Result {
    f.write_str(
        "the keyset of this store's records is missing, and nothing was changed: \
         restore the record ",
    )?;
    let printable = |byte: &u8| byte.is_ascii_graphic();
    match std::str::from_utf8(&key.id) {
        Ok(id) if key.id.iter().all(printable) => write!(f, "\"{id}\"")?,
        _ => key.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?,
    }
    write!(f, " of the collection {} from a backup", key.collection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Collection;

    #[test]
    fn a_corrupt_database_is_a_store_error_and_not_a_tampered_record() {
        for (error, expected) in [
            (
                StoreError::Corrupt,
                ServiceError::Store(StoreError::Corrupt),
            ),
            (StoreError::Randomness, ServiceError::Randomness),
            (StoreError::Cursor, ServiceError::Store(StoreError::Cursor)),
        ] {
            assert_eq!(ServiceError::from(error), expected);
        }
    }

    #[test]
    fn callers_learn_only_whether_to_try_again() {
        let retry_after = Duration::from_secs(7);
        let later = PublicError::TryLater { retry_after };
        for (error, code, public) in [
            (ServiceError::Tampered, "tampered", PublicError::Refused),
            (
                Exhausted::new(retry_after).into(),
                "too_many_attempts",
                later,
            ),
            (PoolError::Full { retry_after }.into(), "busy", later),
            (
                PoolError::Failed.into(),
                "hashing",
                PublicError::Unavailable,
            ),
            (
                StoreError::Corrupt.into(),
                "unavailable",
                PublicError::Unavailable,
            ),
            (
                StoreError::Cursor.into(),
                "invalid_cursor",
                PublicError::Invalid,
            ),
            (
                ExpiryError::InThePast.into(),
                "invalid_expiry",
                PublicError::Invalid,
            ),
            (
                ServiceError::Contended,
                "contended",
                PublicError::Unavailable,
            ),
            (
                ServiceError::InvalidSetting("x"),
                "invalid_setting",
                PublicError::Unavailable,
            ),
            (
                random::Failed.into(),
                "randomness",
                PublicError::Unavailable,
            ),
        ] {
            assert_eq!((error.code(), error.public()), (code, public), "{error:?}");
        }
    }

    #[test]
    fn a_missing_keyset_is_named_as_text_or_in_hexadecimal() {
        for (id, named) in [
            (&b"vault"[..], " \"vault\" of"),
            (b"a\x1b[2J", " 611b5b324a of"),
            (b"a b", " 612062 of"),
            (&[0xff, 0], " ff00 of"),
        ] {
            let key = RecordKey::new(Collection::from_static("keysets"), id);
            let message = ServiceError::KeysetMissing(key).to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn after_some_work_no_error_says_that_nothing_was_done() {
        let away = ServiceError::Store(StoreError::unavailable("away"));
        for error in [ServiceError::Contended, away] {
            assert_eq!(error.clone().after(0), error);
            let ServiceError::Store(StoreError::Unavailable { effect, .. }) = error.after(1) else {
                panic!("not an error of the store");
            };
            assert_eq!(effect, crate::store::Effect::Unknown);
        }
    }
}
