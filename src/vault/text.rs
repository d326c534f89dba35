//! The text of vault tokens.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::base62;
use crate::sealed::ServiceError;

use super::VaultError;

const PREFIX: &str = "tk_";

/// 29 characters of 62 are 172 random bits.
const DEFAULT_LENGTH: usize = 32;
/// 22 characters of 62 are 131 random bits.
const STRONG_LENGTH: usize = 25;
const LENGTHS: std::ops::RangeInclusive<usize> = 15..=64;
const CUSTOM_LENGTHS: std::ops::RangeInclusive<usize> = 15..=200;

/// The text of a token: it finds a value, and opens it where no password protects it.
///
/// Like every bearer secret it does not print: [`expose`](VaultToken::expose) hands it out. It is
/// wiped when dropped.
#[derive(Clone)]
pub struct VaultToken(Zeroizing<String>);

impl VaultToken {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A caller's text. Text that cannot be a token becomes empty and matches nothing, so overlong
    /// input is never copied.
    pub(super) fn presented(text: &str) -> Self {
        Self::new(if is_valid(text) { text } else { "" })
    }

    /// Draws a token, each character evenly.
    fn draw(length: usize) -> Result<Self, VaultError> {
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(PREFIX);
        base62::draw_onto(&mut text, length.saturating_sub(PREFIX.len()))
            .map_err(|_| VaultError::Service(ServiceError::Randomness))?;
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

/// Where a new token's text comes from.
#[derive(Debug, Clone)]
pub(super) enum TokenSource {
    Drawn { length: usize, weak: bool },
    Custom(VaultToken),
}

impl TokenSource {
    /// A token of the caller's own.
    pub(super) fn custom(text: &str) -> Self {
        Self::Custom(VaultToken::presented(text))
    }

    pub(super) const fn is_custom(&self) -> bool {
        matches!(self, Self::Custom(_))
    }

    pub(super) fn check(&self) -> Result<(), VaultError> {
        match self {
            Self::Drawn { length, .. } if !LENGTHS.contains(length) => {
                Err(VaultError::InvalidTokenLength)
            }
            Self::Drawn { length, weak } if *length < STRONG_LENGTH && !weak => {
                Err(VaultError::WeakToken)
            }
            Self::Custom(token) if token.expose().is_empty() => Err(VaultError::InvalidToken),
            _ => Ok(()),
        }
    }

    pub(super) fn token(&self) -> Result<VaultToken, VaultError> {
        match self {
            Self::Drawn { length, .. } => VaultToken::draw(*length),
            Self::Custom(token) => Ok(token.clone()),
        }
    }
}

impl Default for TokenSource {
    fn default() -> Self {
        let (length, weak) = (DEFAULT_LENGTH, false);
        Self::Drawn { length, weak }
    }
}

/// Whether a text can be a token at all: 15 to 200 URL-safe characters.
fn is_valid(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    CUSTOM_LENGTHS.contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_drawn_in_any_length() {
        for length in LENGTHS {
            let token = VaultToken::draw(length).unwrap();
            assert!(token.expose().len() == length && is_valid(token.expose()));
        }
    }

    #[test]
    fn lengths_and_spellings_are_checked() {
        let drawn = |length, weak| TokenSource::Drawn { length, weak }.check();
        assert_eq!(drawn(14, true), Err(VaultError::InvalidTokenLength));
        assert_eq!(drawn(65, true), Err(VaultError::InvalidTokenLength));
        assert_eq!(drawn(24, false), Err(VaultError::WeakToken));
        assert_eq!(
            (drawn(15, true), drawn(25, false), drawn(64, false)),
            (Ok(()), Ok(()), Ok(()))
        );
        for (text, expected) in [
            ("a".repeat(14), false),
            ("a".repeat(15), true),
            ("-_AZaz09-_AZaz0".into(), true),
            ("a".repeat(200), true),
            ("a".repeat(201), false),
            ("a b".repeat(5), false),
            ("äääääääääääääää".into(), false),
            ("a\n".repeat(8), false),
        ] {
            assert_eq!(is_valid(&text), expected, "{text:?}");
            let checked = TokenSource::custom(&text).check();
            assert_eq!(checked.is_ok(), expected, "{text:?}");
        }
    }
}
