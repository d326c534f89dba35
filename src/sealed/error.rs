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
            // A single record comes as one that nothing opens. Here more than that is not as the engine left it.
            StoreError::Corrupt => Self::Tampered,
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
    write!(f, " of the collection {}, from a backup", key.collection)
}
