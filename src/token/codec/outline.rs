//! What a token shows to anyone.

use std::str::FromStr;

use crate::crypto::scratch::Scratch;
use crate::crypto::st1;
use crate::keys::KeyId;
use crate::token::error::OpenError;

/// What can be known of a token without any key: that it has the form of one, which key it names, and how long it is.
///
/// Nothing of it is authenticated.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, Outline, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyRing::new(Key::generate());
/// let text = keys.codec("demo")?.seal(&mut Token::new(), Lifetime::hours(1))?;
/// let outline: Outline = text.parse()?;
/// assert_eq!(outline.key_id, keys.current());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// The key that it says it was sealed with.
    pub key_id: KeyId,
    /// The characters of its text.
    pub length: usize,
    /// The bytes inside, padding included.
    pub plaintext_len: usize,
}

impl Outline {
    /// The version of the format, which is the token's prefix.
    pub const VERSION: &str = "st1";

    /// The longest text that is looked at, 1 MiB.
    pub const MAX_LEN: usize = 1 << 20;
}

impl FromStr for Outline {
    type Err = OpenError;

    /// # Errors
    ///
    /// [`OpenError::Malformed`] when the text is not an st1 token, or longer than [`Outline::MAX_LEN`].
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
