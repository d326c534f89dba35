//! Purposes and their keys.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::kdf;
use crate::crypto::secret::Secret;
use crate::crypto::st1::KID;

use super::error::KeyError;
use super::id::KeyId;
use super::text;

const PREFIX: &str = "stpurpose1_";

/// Key id, key, and a purpose of 1 to 255 bytes.
const LENGTHS: RangeInclusive<usize> = KID + 32 + 1..=KID + 32 + 255;

/// The purpose of tokens: 1 to 255 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose(Arc<str>);

impl Purpose {
    pub(crate) fn new(name: &str) -> Result<Self, KeyError> {
        if name.is_empty() || name.len() > 255 {
            return Err(KeyError::Purpose);
        }
        Ok(Self(name.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of one purpose: it seals and opens tokens for that purpose and no other.
///
/// Made by [`Key::for_purpose`](crate::Key::for_purpose). Like a [`Key`](crate::Key) it does not
/// print, serialise or compare, and is wiped when dropped.
#[derive(Clone)]
pub struct PurposeKey {
    id: KeyId,
    key: Secret<32>,
    purpose: Purpose,
}

impl PurposeKey {
    pub(super) fn new(id: KeyId, key: Secret<32>, purpose: Purpose) -> Self {
        Self { id, key, purpose }
    }

    /// The id of the key that this one was derived from.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The purpose of the tokens of this key.
    #[must_use]
    pub fn purpose(&self) -> &str {
        self.purpose.as_str()
    }

    /// The key's text, `stpurpose1_…`: the only way out. It is wiped when dropped.
    ///
    /// # Security
    ///
    /// Anyone with the text can seal and open every token of this purpose.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let parts: [&[u8]; 3] = [
            &self.id.to_bytes(),
            self.key.expose(),
            self.purpose().as_bytes(),
        ];
        text::encode(PREFIX, &Zeroizing::new(parts.concat()))
    }

    pub(super) fn shared_purpose(&self) -> &Purpose {
        &self.purpose
    }

    pub(super) fn secret(&self) -> &Secret<32> {
        &self.key
    }

    /// The library's internal key for separating nonces.
    ///
    /// It is derived from the purpose key, not from the root, so a ring of purpose keys also has
    /// it.
    pub(super) fn nonce_key(&self) -> Secret<16> {
        kdf::derive(&self.key, &[b"sealtoken v1 internal", b"\0", b"nonce"])
    }
}

impl FromStr for PurposeKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = text::decode(PREFIX, LENGTHS, text)?;
        let (id, rest) = bytes.split_first_chunk::<KID>().ok_or(KeyError::Length)?;
        let (key, purpose) = rest.split_at_checked(32).ok_or(KeyError::Length)?;
        let purpose = str::from_utf8(purpose).map_err(|_| KeyError::Purpose)?;
        Ok(Self {
            id: KeyId::from_bytes(*id),
            key: Secret::from_slice(key).ok_or(KeyError::Length)?,
            purpose: Purpose::new(purpose)?,
        })
    }
}

impl fmt::Debug for PurposeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_that_is_no_text_or_too_long_is_named_as_what_is_wrong() {
        let key = |purpose: &[u8]| {
            let bytes = [&[1; KID][..], &[2; 32], purpose].concat();
            text::encode(PREFIX, &bytes).parse::<PurposeKey>().err()
        };
        assert_eq!(key("ü".as_bytes()), None);
        assert_eq!(key(&[b'x'; 255]), None);
        assert_eq!(key(b"\xff"), Some(KeyError::Purpose));
        assert_eq!(key(b""), Some(KeyError::Length));
        assert_eq!(key(&[b'x'; 256]), Some(KeyError::Length));
    }
}
