//! Why a stored value was not read. No variant holds any part of it.

use std::fmt;

/// Why a value of vaultstore was not read.
///
/// [`code`](VaultstoreError::code) is a stable name for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultstoreError {
    /// The text is not in this reader's format, or too long. It depends on the text alone.
    Malformed,
    /// The value was changed, or stored under another password. The first format shows that only
    /// sometimes.
    Forged,
    /// Argon2id could not run: its 64 MiB of memory were not available, or the password has more
    /// than 4 GiB.
    KeyDerivation,
}

impl VaultstoreError {
    /// The name of the refusal: `malformed`, `forged` or `key_derivation`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::KeyDerivation => "key_derivation",
        }
    }
}

impl fmt::Display for VaultstoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "not a value in this format of vaultstore: it is base64url, after v2: in the \
                 second format, and has no space or line ending"
            }
            Self::Forged => {
                "not authentic: check the password; if it is right, the value was changed"
            }
            Self::KeyDerivation => {
                "Argon2id did not run: it needs 64 MiB of memory, and a password of less than 4 GiB"
            }
        })
    }
}

impl std::error::Error for VaultstoreError {}
