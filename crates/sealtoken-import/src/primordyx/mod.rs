//! Tokens of the PHP framework Primordyx: AES-256-GCM under a hashed passphrase, in hexadecimal.

mod content;
mod error;
mod scalar;
mod view;

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use sealtoken::{Clock, ForeignToken, Token, UnixTime};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use self::content::Content;

pub use self::error::PrimordyxError;
pub use self::view::PrimordyxView;

const IV: usize = 12;
const TAG: usize = 16;

/// Reads the tokens that the Primordyx PHP framework made with one passphrase.
///
/// Such a token is IV, ciphertext and tag in hexadecimal, in lower, upper or mixed case. Its
/// content becomes:
///
/// | in the PHP token | in the [`Token`] |
/// |---|---|
/// | no UUID | a fresh one, drawn at every reading: the same text read twice is two tokens |
/// | `timestamp` | when it was issued; 0 if it is missing or not a number |
/// | `seconds_to_expire` above zero | its lifetime |
/// | `seconds_to_expire` of zero or less | [`Lifetime::Forever`], as that system means it |
/// | `seconds_to_expire` missing, or not a number | expired after the first second of 1970 |
/// | `custom`, a map | the entries of the cargo |
/// | `custom`, a list | entries named `"0"`, `"1"`, …: PHP has one type for both |
/// | other keys | entries as well, unless `custom` has one of that name |
///
/// A number may be written as text (`"3600"`), and its fraction is cut off, as by PHP's `(int)`. An
/// entry with its own expiry stays a map with `__cargo_value` and `__cargo_expires`, as in the
/// JSON.
///
/// PHP also writes an empty map as `[]`.
///
/// [`Lifetime::Forever`]: sealtoken::Lifetime::Forever
///
/// The token is clean and valid and [needs a re-seal](Token::needs_reseal).
/// [`Codec::reseal`](sealtoken::Codec::reseal) seals it with the same expiry. That may need a
/// higher [`max_len`](sealtoken::Codec::with_max_len): texts of up to 65,536 characters are read.
///
/// ```
/// use sealtoken::{Key, KeyRing, ManualClock, UnixTime};
/// use sealtoken_import::Primordyx;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
/// # let text = concat!(
/// #     "2fd8811b74d9ad0ff598c73cf36cd180492083561d453da61706a7c3ed43a2b71676e525a6a806e2",
/// #     "73c21dcf49b5e5eb5c7f0207a152ff2eb2dec3ceca3c21d879744854feaff9112d817cc7227e1526",
/// #     "539c55ad962c42858a34f44031106b1027833b499b32515b83d90d8fa2c893727feca4037200970a",
/// #     "99f5f16971365dc27ba8e0a645117c1d7f343c3bfeb5b483dd02c8ad"
/// # );
/// let old = Primordyx::new("correct horse battery staple");
/// # let old = old.with_clock(clock.clone());
/// let mut token = old.read(text)?;
/// let user: u64 = token.cargo().require("user_id")?;
/// assert!(user == 123 && token.needs_reseal());
///
/// let codec = KeyRing::new(Key::generate()).codec("session")?;
/// # let codec = codec.with_clock(clock);
/// let text = codec.reseal(&mut token)?;         // st1_…, the same cargo, the same expiry
/// assert!(!token.needs_reseal());
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// The key is one SHA-256 of the passphrase: an attacker who has a token can try billions of
/// passphrases, and can make tokens with the right one. That system did not bind its tokens to a
/// purpose either: anything else that it encrypted with the passphrase and that looks like a token
/// is read as one. Use this reader only until the last of the old tokens has expired.
#[derive(Clone)]
pub struct Primordyx {
    /// On the heap, so that moving the reader leaves no copy behind.
    key: Box<Zeroizing<[u8; 32]>>,
    clock: SharedClock,
}

/// The system's clock, unless it holds another.
#[derive(Clone)]
struct SharedClock(Option<Arc<dyn Clock>>);

impl Clock for SharedClock {
    fn now(&self) -> UnixTime {
        self.0
            .as_ref()
            .map_or_else(UnixTime::now, |clock| clock.now())
    }
}

impl Primordyx {
    /// The maximum length of a token, in characters.
    pub const MAX_LEN: usize = 65_536;

    /// A reader for tokens made with this passphrase: the text that `Crypto::key()` was given.
    #[must_use]
    pub fn new(passphrase: impl AsRef<[u8]>) -> Self {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        Sha256::new_with_prefix(passphrase).finalize_into((&mut **key).into());
        Self {
            key,
            clock: SharedClock(None),
        }
    }

    /// The clock of this reader and of the tokens that it reads. Default: the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock(Some(Arc::new(clock)));
        self
    }

    /// Reads a token: authentic, and not expired.
    ///
    /// As in that system, a token from the future is read.
    /// [`Codec::reseal`](sealtoken::Codec::reseal) refuses one that is ahead by more than the
    /// codec's [`future_skew`](sealtoken::Codec::with_future_skew), by default 60 seconds:
    /// [`FromTheFuture`](sealtoken::SealError::FromTheFuture).
    ///
    /// # Errors
    ///
    /// [`PrimordyxError`]. A token without a lifetime counts as
    /// [`Expired`](PrimordyxError::Expired).
    pub fn read(&self, text: &str) -> Result<Token, PrimordyxError> {
        let content = self.content(text)?;
        if !content.has_lifetime {
            return Err(PrimordyxError::Expired { at: None });
        }
        match content.expires_at().filter(|at| *at <= self.clock.now()) {
            Some(at) => Err(PrimordyxError::Expired { at: Some(at) }),
            None => self.token(content),
        }
    }

    /// Reads a token even if it has expired.
    ///
    /// # Errors
    ///
    /// [`PrimordyxError`], but not [`Expired`](PrimordyxError::Expired).
    ///
    /// # Security
    ///
    /// For tools, and for pages that say more than "expired". Never grant access by it: that is for
    /// [`read`](Primordyx::read).
    ///
    /// ```
    /// use sealtoken_import::{Primordyx, PrimordyxError};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let text = concat!(
    /// #     "2fd8811b74d9ad0ff598c73cf36cd180492083561d453da61706a7c3ed43a2b71676e525a6a806e2",
    /// #     "73c21dcf49b5e5eb5c7f0207a152ff2eb2dec3ceca3c21d879744854feaff9112d817cc7227e1526",
    /// #     "539c55ad962c42858a34f44031106b1027833b499b32515b83d90d8fa2c893727feca4037200970a",
    /// #     "99f5f16971365dc27ba8e0a645117c1d7f343c3bfeb5b483dd02c8ad"
    /// # );
    /// let old = Primordyx::new("correct horse battery staple");
    /// if let Err(PrimordyxError::Expired { at: Some(at) }) = old.read(text) {
    ///     let token = old.inspect(text)?;
    ///     println!("{} expired at {at}", token.uuid());
    /// #   assert!(token.is_expired());
    /// # } else {
    /// #   unreachable!("it expired in 2025");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn inspect(&self, text: &str) -> Result<Token, PrimordyxError> {
        self.token(self.content(text)?)
    }

    fn token(&self, content: Content) -> Result<Token, PrimordyxError> {
        let (issued_at, lifetime) = (content.issued_at(), content.lifetime());
        ForeignToken::new(content.cargo, issued_at, lifetime)
            .clock(self.clock.clone())
            .into_token()
            .map_err(error::foreign)
    }

    /// Checks the limits first, then the hexadecimal, then the cipher, then the JSON.
    fn content(&self, text: &str) -> Result<Content, PrimordyxError> {
        if text.len() > Self::MAX_LEN {
            return Err(PrimordyxError::Malformed);
        }
        let mut bytes = Zeroizing::new(vec![0; text.len() / 2]);
        base16ct::mixed::decode(text, &mut bytes).map_err(|_| PrimordyxError::Malformed)?;
        let (iv, message, tag) = split(&mut bytes).ok_or(PrimordyxError::Malformed)?;

        Aes256Gcm::new((&**self.key).into())
            .decrypt_inout_detached(&iv, &[], (&mut *message).into(), &tag)
            .map_err(|_| PrimordyxError::Forged)?;
        let plaintext = str::from_utf8(message).map_err(|_| PrimordyxError::Payload)?;
        content::read(plaintext)
    }
}

/// Splits a token into nonce, ciphertext and tag, if it has any ciphertext.
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
    use super::*;

    #[test]
    fn a_reader_prints_its_name_only() {
        assert_eq!(format!("{:?}", Primordyx::new("secret")), "Primordyx");
    }

    #[test]
    fn the_key_is_the_hash_of_the_passphrase() {
        // NIST's vector for the SHA-256 of "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let key = Primordyx::new("abc").key;
        assert_eq!(base16ct::lower::encode_string(&**key), expected);
    }
}
