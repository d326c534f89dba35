//! The public bytes of a token.

use std::str::FromStr;

use crate::crypto::scratch::Scratch;
use crate::crypto::st1;
use crate::keys::KeyId;
use crate::token::error::OpenError;

/// What a token shows without a key: that it is well-formed, which key it names, and its lengths.
///
/// Nothing in it is authenticated.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, TokenHeader, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyRing::new(Key::generate());
/// let text = keys.codec("demo")?.seal(&mut Token::new(), Lifetime::hours(1))?;
/// let header: TokenHeader = text.parse()?;
/// assert_eq!(header.key_id, keys.current());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenHeader {
    /// The key that it claims to be sealed with.
    pub key_id: KeyId,
    /// The characters of its text.
    pub length: usize,
    /// The bytes inside, padding included.
    pub plaintext_len: usize,
}

impl TokenHeader {
    /// The version of the format, which is the token's prefix.
    pub const VERSION: &str = "st1";

    /// The longest text that is parsed, 1 MiB.
    pub const MAX_LEN: usize = 1 << 20;
}

impl FromStr for TokenHeader {
    type Err = OpenError;

    /// # Errors
    ///
    /// [`OpenError::Malformed`] if the text is not an st1 token, or longer than
    /// [`TokenHeader::MAX_LEN`].
    fn from_str(text: &str) -> Result<Self, OpenError> {
        let mut scratch = Scratch::take(Self::MAX_LEN);
        let outside = st1::decode(text, Self::MAX_LEN, &mut scratch)?;
        Ok(Self {
            key_id: KeyId::from_bytes(outside.kid),
            length: text.len(),
            plaintext_len: outside.plaintext_len,
        })
    }
}
