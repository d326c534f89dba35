//! The ring key: 32 random bytes, its id, and its text.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::crypto::kdf;
use crate::crypto::secret::Secret;

use super::error::KeyError;
use super::id::KeyId;
use super::purpose::{Purpose, PurposeKey};
use super::text;

const PREFIX: &str = "stkey1_";

/// 32 uniformly random bytes, from which everything else is derived. Never a password.
///
/// It does not print, serialise or compare with `==`, and is wiped when dropped. The only way out
/// is [`expose`](Key::expose).
///
/// ```
/// use sealtoken::{Key, KeyError};
///
/// # fn main() -> Result<(), KeyError> {
/// let key = Key::generate();
/// let text = key.expose();                      // for your secret store
/// let again: Key = text.parse()?;
/// assert_eq!(again.id(), key.id());
/// assert_eq!(format!("{key:?}"), "Key");        // nothing of it reaches a log
/// # Ok(())
/// # }
/// ```
///
/// Printing a key does not compile:
///
/// ```compile_fail
/// let key = sealtoken::Key::generate();
/// println!("{key}");
/// ```
#[derive(Clone)]
pub struct Key {
    root: Secret<32>,
    id: KeyId,
}

impl Key {
    /// Draws a key from the operating system.
    ///
    /// # Panics
    ///
    /// If the operating system cannot provide random bytes; [`try_generate`](Key::try_generate)
    /// returns that as an error.
    #[must_use]
    #[expect(clippy::expect_used, reason = "documented, with a fallible twin")]
    pub fn generate() -> Self {
        Self::try_generate().expect("the operating system could not provide random bytes")
    }

    /// Draws a key from the operating system.
    ///
    /// # Errors
    ///
    /// [`KeyError::Randomness`] if the operating system cannot provide random bytes.
    pub fn try_generate() -> Result<Self, KeyError> {
        Ok(Self::from_root(Secret::from_system()?))
    }

    /// The key with these bytes, for keys that a key management service keeps.
    ///
    /// # Security
    ///
    /// The bytes must be uniformly random. Never use a password or its hash: anyone with a token
    /// could try passwords against it at the speed of SHA-256.
    ///
    /// ```
    /// # let from_your_kms = [7; 32];
    /// let key = sealtoken::Key::from_bytes(from_your_kms);
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::from_root(Secret::from(bytes))
    }

    fn from_root(root: Secret<32>) -> Self {
        let id = KeyId::from_bytes(*kdf::derive(&root, &[b"sealtoken v1 key id"]).expose());
        Self { root, id }
    }

    /// The public name of the key: four bytes derived from it. Tokens carry it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key's text, `stkey1_…`: the only way out. It is wiped when dropped.
    ///
    /// # Security
    ///
    /// Anyone with the text can seal and open everything. Keep it in a secret store, never in a
    /// log, an argument or a repository.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        text::encode(PREFIX, self.root.expose())
    }

    /// The key of one purpose, for a service that may seal and open only for that purpose.
    ///
    /// # Errors
    ///
    /// [`KeyError::Purpose`] unless the purpose has 1 to 255 bytes.
    ///
    /// # Security
    ///
    /// The holder can also *seal* for that purpose: symmetric encryption has no key that only
    /// opens.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sealtoken::{Key, KeyRing, Lifetime, PurposeKey, Ring, Token};
    ///
    /// let key = Key::generate();
    /// let exported = key.for_purpose("session")?.expose();          // stpurpose1_…
    ///
    /// // elsewhere
    /// let sessions = Ring::new(exported.parse::<PurposeKey>()?).codec();
    /// let text = KeyRing::new(key).codec("session")?.seal(&mut Token::new(), Lifetime::hours(8))?;
    /// assert!(sessions.open(&text).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn for_purpose(&self, purpose: &str) -> Result<PurposeKey, KeyError> {
        Ok(self.derive(&Purpose::new(purpose)?))
    }

    pub(super) fn derive(&self, purpose: &Purpose) -> PurposeKey {
        let info: [&[u8]; 3] = [b"sealtoken v1 purpose", b"\0", purpose.as_str().as_bytes()];
        PurposeKey::new(self.id, kdf::derive(&self.root, &info), purpose.clone())
    }

    /// A key for the library's own use. `docs/format.md` lists its name, which no purpose can
    /// collide with.
    #[cfg(any(feature = "pat", feature = "vault"))]
    pub(super) fn internal(&self, name: &str) -> Secret<32> {
        let info: [&[u8]; 3] = [b"sealtoken v1 internal", b"\0", name.as_bytes()];
        kdf::derive(&self.root, &info)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = text::decode(PREFIX, 32..=32, text)?;
        let root = Secret::from_slice(&bytes).ok_or(KeyError::Length)?;
        Ok(Self::from_root(root))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
