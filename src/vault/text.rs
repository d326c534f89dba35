//! The text of vault tokens.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::base62;

use super::VaultError;

const PREFIX: &str = "tk_";

/// Unless another length is asked for: 172 random bits.
pub(super) const DEFAULT_LENGTH: usize = 32;
/// 22 characters of 62 are 131 random bits.
const STRONG_LENGTH: usize = 25;
const LENGTHS: std::ops::RangeInclusive<usize> = 15..=64;
const CUSTOM_LENGTHS: std::ops::RangeInclusive<usize> = 15..=200;

/// The text of a token: what finds a value, and opens it where no password protects it.
///
/// Like every bearer secret it does not print: hand it out by [`expose`](VaultToken::expose). It is wiped when dropped.
#[derive(Clone)]
pub struct VaultToken(Zeroizing<String>);

impl VaultToken {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A text that a caller presents. What can be no token becomes the empty text, which leads nowhere: what is longer than any is not copied.
    pub(super) fn presented(text: &str) -> Self {
        Self::new(if is_custom(text) { text } else { "" })
    }

    /// Draws a token, each character evenly.
    pub(super) fn draw(length: usize) -> Result<Self, VaultError> {
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(PREFIX);
        base62::draw_onto(&mut text, length.saturating_sub(PREFIX.len()))
            .map_err(|_| VaultError::Randomness)?;
        Ok(Self(text))
    }
}

impl AsRef<str> for VaultToken {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for VaultToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultToken")
    }
}

/// How a new token gets its text.
#[derive(Debug, Clone)]
pub(super) enum Choice {
    Drawn { length: usize, weak: bool },
    Custom(VaultToken),
}

impl Choice {
    pub(super) fn check(&self) -> Result<(), VaultError> {
        match self {
            Self::Drawn { length, .. } if !LENGTHS.contains(length) => {
                Err(VaultError::InvalidTokenLength)
            }
            Self::Drawn {
                length,
                weak: false,
            } if *length < STRONG_LENGTH => Err(VaultError::WeakToken),
            Self::Custom(token) if !is_custom(token.expose()) => Err(VaultError::InvalidToken),
            _ => Ok(()),
        }
    }
}

/// Whether a text can be a token at all: 15 to 200 URL-safe characters.
fn is_custom(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    CUSTOM_LENGTHS.contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_drawn_in_any_length() {
        for length in LENGTHS {
            let token = VaultToken::draw(length).unwrap();
            assert!(token.expose().len() == length && is_custom(token.expose()));
        }
    }

    #[test]
    fn lengths_and_spellings_are_checked() {
        let drawn = |length, weak| Choice::Drawn { length, weak }.check();
        assert_eq!(drawn(14, true), Err(VaultError::InvalidTokenLength));
        assert_eq!(drawn(65, true), Err(VaultError::InvalidTokenLength));
        assert_eq!(drawn(24, false), Err(VaultError::WeakToken));
        assert_eq!(
            (drawn(15, true), drawn(25, false), drawn(64, false)),
            (Ok(()), Ok(()), Ok(()))
        );
        for (text, fits) in [
            ("a".repeat(14), false),
            ("a".repeat(15), true),
            ("-_AZaz09-_AZaz0".into(), true),
            ("a".repeat(200), true),
            ("a".repeat(201), false),
            ("a b".repeat(5), false),
            ("äääääääääääääää".into(), false),
            ("a\n".repeat(8), false),
        ] {
            assert_eq!(is_custom(&text), fits, "{text:?}");
        }
    }
}
