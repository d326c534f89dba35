//! Why a sealed record was not read or written.

use std::fmt;

use crate::crypto::random;
use crate::keys::KeyId;
use crate::store::{RecordKey, StoreError};

/// Why a sealed record was not read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SealedError {
    /// The store did not do it.
    Store(StoreError),
    /// The record is not as it was written.
    Tampered,
    /// The ring has no key with the id that sealed the keyset.
    UnknownKey(KeyId),
    /// The record of a keyset is not there, and what it sealed is.
    KeysetGone(RecordKey),
    /// The operating system gave no random bytes.
    Randomness,
}

impl From<StoreError> for SealedError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Randomness => Self::Randomness,
            error => Self::Store(error),
        }
    }
}

impl From<random::Failed> for SealedError {
    fn from(_: random::Failed) -> Self {
        Self::Randomness
    }
}

/// What stands in an error of a service about a keyset that is gone.
pub(crate) fn keyset_gone(f: &mut fmt::Formatter<'_>, key: &RecordKey) -> fmt::Result {
    write!(
        f,
        "the keyset that opens what is in this store is gone, and nothing was changed: restore its record, "
    )?;
    let printable = |byte: &u8| byte.is_ascii_graphic();
    match std::str::from_utf8(&key.id) {
        Ok(id) if key.id.iter().all(printable) => write!(f, "\"{id}\"")?,
        _ => key.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?,
    }
    write!(
        f,
        " of the collection {}, from a backup, as docs/vault.md says under \"Backup and restore\"",
        key.collection
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Collection;

    #[test]
    fn a_damaged_database_is_the_stores_error_and_no_record_that_was_changed() {
        for (error, expected) in [
            (StoreError::Corrupt, SealedError::Store(StoreError::Corrupt)),
            (StoreError::Randomness, SealedError::Randomness),
            (StoreError::Cursor, SealedError::Store(StoreError::Cursor)),
        ] {
            assert_eq!(SealedError::from(error), expected);
        }
    }

    #[test]
    fn a_keyset_that_is_gone_is_named_by_text_or_in_hexadecimal() {
        struct Gone<'k>(&'k RecordKey);
        impl fmt::Display for Gone<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                keyset_gone(f, self.0)
            }
        }
        for (id, named) in [
            (&b"vault"[..], ", \"vault\" of"),
            (b"a\x1b[2J", ", 611b5b324a of"),
            (b"a b", ", 612062 of"),
            (&[0xff, 0], ", ff00 of"),
        ] {
            let key = RecordKey::new(Collection::from_static("keysets"), id);
            let said = Gone(&key).to_string();
            assert!(said.contains(named), "{said}");
        }
    }
}
