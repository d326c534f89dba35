//! Why a sealed record was not read or written.

use crate::crypto::random;
use crate::keys::KeyId;
use crate::store::StoreError;

/// Why a sealed record was not read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SealedError {
    /// The store did not do it.
    Store(StoreError),
    /// The record is not as it was written.
    Tampered,
    /// The ring has no key with the id that sealed the keyset.
    UnknownKey(KeyId),
    /// The operating system gave no random bytes.
    Randomness,
}

impl From<StoreError> for SealedError {
    fn from(error: StoreError) -> Self {
        match error {
            // What is no record of the engine's was changed by someone else.
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
