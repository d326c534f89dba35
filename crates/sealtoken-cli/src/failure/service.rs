//! What becomes of the errors of the services, and of their store.
//!
//! One rule gives the exit code of each: 1 where its [`PublicError`] is `Unavailable`, or where
//! the store reports it; else 2. `docs/command-line.md` lists the codes.

use std::fmt::Display;

use sealtoken::pat::{PatError, VerifyError};
use sealtoken::store::{Effect, RecordKey, StoreError};
use sealtoken::vault::VaultError;
use sealtoken::{PublicError, ServiceError};

use super::{Failure, problem};

impl Failure {
    /// The error of a service, by what a caller would learn of it.
    fn of(public: PublicError, code: &'static str, error: impl Display) -> Self {
        match public {
            PublicError::Unavailable => problem(error),
            _ => Self::refused(code, error),
        }
    }

    /// Fails if any records were tampered with. Everything else was done by then.
    pub(crate) fn of_tampered(count: u64) -> Result<(), Self> {
        let records = match count {
            0 => return Ok(()),
            1 => "1 record is damaged or was tampered with, and stays as it is".into(),
            _ => format!("{count} records are damaged or were tampered with, and stay as they are"),
        };
        let why = format!("{records}: restore the database from a backup");
        Err(Self::refused(ServiceError::Tampered.code(), why))
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Store(error) => Self::Store(error),
            ServiceError::KeysetMissing(ref key) => problem(&error).advise(&restoring(key)),
            error => Self::of(error.public(), error.code(), error),
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Service(error) => error.into(),
            VaultError::WeakToken => Self::refused(
                error.code(),
                "a token of less than 25 characters has less than 128 random bits: give --weak if \
                 you want one",
            ),
            error => Self::of(error.public(), error.code(), error),
        }
    }
}

impl From<PatError> for Failure {
    fn from(error: PatError) -> Self {
        match error {
            PatError::Service(error) => error.into(),
            error => Self::of(error.public(), error.code(), error),
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Failed(error) => error.into(),
            refusal => Self::refused(refusal.code(), refusal),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

/// Whether the store does not know if the change was made.
pub(crate) const fn is_in_doubt(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable {
            effect: Effect::Unknown,
            ..
        }
    )
}

/// The error of a store without its effect, which covers only the last call: earlier calls
/// succeeded.
pub(crate) fn in_part(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable { reason, .. } => format!("the store is not available ({reason})"),
        error => error.to_string(),
    }
}

/// How to restore keysets from a backup in SQLite. Existing ones stay as they are.
fn restoring(key: &RecordKey) -> String {
    let collection = &key.collection;
    format!(
        "with SQLite: `sqlite3 FILE \"ATTACH 'backup.db' AS backup; \
         INSERT OR IGNORE INTO sealtoken_label SELECT * FROM backup.sealtoken_label \
         WHERE collection = '{collection}' AND id NOT IN \
         (SELECT id FROM sealtoken_record WHERE collection = '{collection}'); \
         INSERT OR IGNORE INTO sealtoken_record SELECT * FROM backup.sealtoken_record \
         WHERE collection = '{collection}'\"`"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sealtoken::store::Collection;
    use sealtoken::{ExpiryError, Key};

    use super::*;

    /// Every error that the services share, with its code and the exit code of a command.
    fn shared() -> Vec<(ServiceError, &'static str, u8)> {
        let retry_after = Duration::from_secs(1);
        let keyset = RecordKey::new(Collection::from_static("keysets"), &b"vault"[..]);
        let key = Key::generate().id();
        vec![
            (ServiceError::Tampered, "tampered", 2),
            (ServiceError::UnknownKey(key), "unknown_key", 1),
            (ServiceError::KeysetMissing(keyset), "keyset_missing", 1),
            (ServiceError::Store(StoreError::Cursor), "invalid_cursor", 1),
            (
                ServiceError::Store(StoreError::unavailable("away")),
                "unavailable",
                1,
            ),
            (ServiceError::Store(StoreError::Corrupt), "unavailable", 1),
            (ServiceError::Contended, "contended", 1),
            (
                ServiceError::TooManyAttempts { retry_after },
                "too_many_attempts",
                2,
            ),
            (ServiceError::Busy { retry_after }, "busy", 2),
            (ServiceError::Hashing, "hashing", 1),
            (
                ServiceError::InvalidExpiry(ExpiryError::InThePast),
                "invalid_expiry",
                2,
            ),
            (ServiceError::InvalidSetting("x"), "invalid_setting", 1),
            (ServiceError::Randomness, "randomness", 1),
        ]
    }

    #[test]
    fn an_error_has_one_exit_status_whichever_service_reports_it() {
        for (error, code, status) in shared() {
            assert_eq!(error.code(), code);
            let failures = [
                Failure::from(error.clone()),
                VaultError::from(error.clone()).into(),
                PatError::from(error.clone()).into(),
                VerifyError::Failed(error.into()).into(),
            ];
            for failure in failures {
                assert_eq!(failure.status(), status, "{code}: {failure:?}");
                if let Failure::Refused { code: named, .. } = failure {
                    assert_eq!(named, code);
                }
            }
        }
        for (failure, status) in [
            (Failure::from(VaultError::NotFound), 2),
            (VaultError::TooManyDataKeys.into(), 1),
            (PatError::NotFound.into(), 2),
        ] {
            assert_eq!(failure.status(), status, "{failure:?}");
        }
    }
}
