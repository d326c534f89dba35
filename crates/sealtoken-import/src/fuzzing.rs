//! Lets `fuzz/` skip Argon2id, which is too slow for a fuzzer. Only under `cfg(fuzzing)`.

use zeroize::Zeroizing;

use crate::VaultstoreError;
use crate::vaultstore::v2::Sealed;

/// The result of [`Vaultstore::read`](crate::Vaultstore::read) for a value of the second format if
/// Argon2id returned this key.
///
/// # Errors
///
/// As for [`Vaultstore::read`](crate::Vaultstore::read).
pub fn read_vaultstore(stored: &str, key: [u8; 32]) -> Result<Zeroizing<Vec<u8>>, VaultstoreError> {
    Sealed::parse(stored)?.open(&key)
}
