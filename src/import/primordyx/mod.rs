//! Tokens of the Primordyx PHP framework: AES-256-GCM under a hashed passphrase, in hexadecimal.

mod content;
mod scalar;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::crypto::clock::{Clock, ClockSource};
use crate::crypto::secret::Secret;
use crate::token::{Sealed, Token, random_uuid};

use super::error::ImportError;
use content::Content;

const IV: usize = 12;
const TAG: usize = 16;

/// Reads the tokens that the Primordyx PHP framework made with one passphrase.
///
/// Its text is hexadecimal (lower, upper or mixed case) of IV, ciphertext and tag. What becomes of the content:
///
/// | in the PHP token | in the [`Token`] |
/// |---|---|
/// | no UUID | a fresh one, drawn at every reading: the same text read twice is two tokens |
/// | `timestamp` | when its time began; 0 where it is missing or no number |
/// | `seconds_to_expire` above zero | its lifetime |
/// | `seconds_to_expire` of zero or less | [`Lifetime::Forever`](crate::Lifetime::Forever): what that system means by it |
/// | `seconds_to_expire` missing, or no number | expired, as if it had lived for the first second of 1970 |
/// | `custom`, a map | the entries of the cargo |
/// | `custom`, a list | entries named `"0"`, `"1"`, …: PHP has one type for both, and writes an empty map as `[]` |
/// | other keys beside these three | entries as well; where `custom` has the name, that one counts |
///
/// A number may be written as text (`"3600"`), and loses its fraction, as with PHP's `(int)`. An entry that PHP
/// gave an end of its own stays the map that it is in JSON (`__cargo_value`, `__cargo_expires`).
///
/// The token is clean and valid and [needs a re-seal](Token::needs_reseal). [`Codec::reseal`](crate::Codec::reseal)
/// makes an ordinary one of it, with the same end. It may need a higher [`max_len`](crate::Codec::with_max_len):
/// texts of up to 65,536 characters are read.
///
/// ```
/// use sealtoken::import::Primordyx;
/// use sealtoken::{Key, KeyRing, ManualClock, UnixTime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
/// # let text = concat!(
/// #     "2fd8811b74d9ad0ff598c73cf36cd180492083561d453da61706a7c3ed43a2b71676e525a6a806e273c21dcf49b5e5eb5c",
/// #     "7f0207a152ff2eb2dec3ceca3c21d879744854feaff9112d817cc7227e1526539c55ad962c42858a34f44031106b102783",
/// #     "3b499b32515b83d90d8fa2c893727feca4037200970a99f5f16971365dc27ba8e0a645117c1d7f343c3bfeb5b483dd02c8",
/// #     "ad"
/// # );
/// let old = Primordyx::new("correct horse battery staple");
/// # let old = old.with_clock(clock.clone());
/// let mut token = old.read(text)?;
/// let user: u64 = token.cargo().require("user_id")?;
/// assert!(user == 123 && token.needs_reseal());
///
/// let codec = KeyRing::new(Key::generate()).codec("session")?;
/// # let codec = codec.with_clock(clock);
/// let text = codec.reseal(&mut token)?;         // st1_…, the same cargo, the same end
/// assert!(!token.needs_reseal());
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// The key is one SHA-256 of the passphrase: who has a token can try passphrases by the billion, and who finds
/// the passphrase can make tokens. That system also bound its tokens to no purpose: whatever else it encrypted
/// with the passphrase and that has the form of a token is read as one. Read only what is left of the old
/// tokens, and drop the importer when the last of them has ended.
#[derive(Clone)]
pub struct Primordyx {
    key: Secret<32>,
    clock: ClockSource,
}

impl Primordyx {
    /// The most characters that a token may have.
    pub const MAX_LEN: usize = 65_536;

    /// The reader for tokens made with this passphrase: the text that `Crypto::key()` was given, as it is.
    #[must_use]
    pub fn new(passphrase: impl AsRef<[u8]>) -> Self {
        let mut key = Secret::<32>::zeroed();
        Sha256::new_with_prefix(passphrase).finalize_into(key.expose_mut().into());
        Self {
            key,
            clock: ClockSource::System,
        }
    }

    /// The clock of this reader, and of the tokens that it reads. By default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = ClockSource::Injected(Arc::new(clock));
        self
    }

    /// Reads a token: authentic, and not expired.
    ///
    /// As in the system that made it, a token from the future is read. [`Codec::reseal`](crate::Codec::reseal) refuses one that
    /// is ahead by more than the codec's [`future_skew`](crate::Codec::with_future_skew), 60 seconds unless set:
    /// [`FromTheFuture`](crate::SealError::FromTheFuture).
    ///
    /// # Errors
    ///
    /// [`ImportError`].
    pub fn read(&self, text: &str) -> Result<Token, ImportError> {
        let content = self.content(text)?;
        if !content.has_lifetime {
            return Err(ImportError::Expired { at: None });
        }
        match content.times.ended(self.clock.now(), Duration::ZERO) {
            Some(at) => Err(ImportError::Expired { at: Some(at) }),
            None => self.token(content),
        }
    }

    /// Reads a token whatever the time: also one that has expired.
    ///
    /// # Errors
    ///
    /// [`ImportError`], but not [`Expired`](ImportError::Expired).
    ///
    /// # Security
    ///
    /// For tools, and for pages that say more than "expired". Never let in whom [`read`](Primordyx::read) would refuse.
    pub fn inspect(&self, text: &str) -> Result<Token, ImportError> {
        self.token(self.content(text)?)
    }

    fn token(&self, content: Content) -> Result<Token, ImportError> {
        let mut cargo = content.cargo;
        cargo.now_sealed(self.clock.now(), &self.clock);
        let sealed = Sealed {
            length: 0,
            text: None,
            times: content.times,
            mark: cargo.mark(),
            ends: Vec::new(),
            needs_reseal: true,
            clock: self.clock.clone(),
            leeway: Duration::ZERO,
        };
        let uuid = random_uuid(self.clock.read().nanos)?;
        Ok(Token::restored(uuid, cargo, sealed))
    }

    /// Limits before hexadecimal, hexadecimal before the cipher, the cipher before JSON.
    fn content(&self, text: &str) -> Result<Content, ImportError> {
        if text.len() > Self::MAX_LEN {
            return Err(ImportError::Malformed);
        }
        let mut bytes = Zeroizing::new(vec![0; text.len() / 2]);
        base16ct::mixed::decode(text, &mut bytes).map_err(|_| ImportError::Malformed)?;
        let (iv, message, tag) = split(&mut bytes).ok_or(ImportError::Malformed)?;

        Aes256Gcm::new(self.key.expose().into())
            .decrypt_inout_detached(&iv, &[], (&mut *message).into(), &tag)
            .map_err(|_| ImportError::Forged)?;
        let plaintext = str::from_utf8(message).map_err(|_| ImportError::Payload)?;
        content::read(plaintext)
    }
}

/// The parts of a token, if there is any ciphertext.
fn split(bytes: &mut [u8]) -> Option<(Nonce<aes_gcm::aead::consts::U12>, &mut [u8], Tag)> {
    let (iv, rest) = bytes.split_first_chunk_mut::<IV>()?;
    let (message, tag) = rest.split_last_chunk_mut::<TAG>()?;
    (!message.is_empty()).then(|| ((*iv).into(), message, (*tag).into()))
}

impl fmt::Debug for Primordyx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Primordyx")
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::random::{Failed, with_source};
    use crate::token::{Cargo, Times};

    use super::*;

    #[test]
    fn a_reader_prints_its_name_only() {
        assert_eq!(format!("{:?}", Primordyx::new("secret")), "Primordyx");
    }

    #[test]
    fn a_system_without_random_bytes_is_an_error() {
        let content = Content {
            times: Times {
                begun: 0,
                lifetime: None,
                not_before: None,
                origin: None,
            },
            has_lifetime: true,
            cargo: Cargo::new(),
        };
        let token = || Primordyx::new("secret").token(content).map(|_| ());
        let read = with_source(|_| Err(Failed), token);
        assert_eq!(read, Err(ImportError::Randomness));
    }

    #[test]
    fn the_key_is_the_hash_of_the_passphrase() {
        // NIST's vector for the SHA-256 of "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let key = Primordyx::new("abc").key;
        assert_eq!(base16ct::lower::encode_string(key.expose()), expected);
    }
}
