//! Values and passwords: wiped, never printed.

use std::fmt;
use std::str::Utf8Error;

use zeroize::Zeroizing;

use super::VaultError;

/// The bytes of a value: wiped when dropped, never printed.
/// [`expose`](SecretBytes::expose) hands them out.
///
/// ```
/// use sealtoken::vault::SecretBytes;
///
/// let secret = SecretBytes::from("db-password");
/// assert_eq!(secret.expose(), b"db-password");
/// assert_eq!(format!("{secret:?}"), "SecretBytes");
/// ```
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if they are not UTF-8.
    pub fn expose_str(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(&self.0)
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBytes {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&String> for SecretBytes {
    fn from(text: &String) -> Self {
        text.as_bytes().into()
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for SecretBytes {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<&str> for SecretBytes {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

/// A password as it was typed: wiped when dropped, never printed.
///
/// It is hashed in Unicode's normal form NFC, so two encodings of the same characters are one
/// password.
///
/// ```
/// use sealtoken::vault::Password;
///
/// let password = Password::from("correct horse");
/// assert_eq!(format!("{password:?}"), "Password");
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The maximum number of bytes, before it is normalised.
    const MAX_BYTES: usize = 1024;

    /// The bytes that are hashed. The limit comes before the work.
    pub(super) fn normalised(&self) -> Result<Normalised, VaultError> {
        use unicode_normalization::UnicodeNormalization as _;

        if self.0.is_empty() {
            return Err(VaultError::EmptyPassword);
        }
        if self.0.len() > Self::MAX_BYTES {
            return Err(VaultError::PasswordTooLong);
        }
        // NFC at most triples the bytes of a character: the buffer never grows, and leaves no copy.
        let mut text = Zeroizing::new(String::with_capacity(self.0.len().saturating_mul(3)));
        text.extend(self.0.nfc());
        Ok(Normalised(text))
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&String> for Password {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Zeroizing<String>> for Password {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// A password that can be hashed.
#[derive(Clone)]
pub(super) struct Normalised(Zeroizing<String>);

impl Normalised {
    /// Whether it is long enough for a new one.
    pub(super) fn check_new(&self, min: usize) -> Result<(), VaultError> {
        if self.0.chars().count() < min {
            return Err(VaultError::PasswordTooShort { min });
        }
        Ok(())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_password_are_one() {
        let composed = Password::from("pässword").normalised().unwrap();
        let decomposed = Password::from("pa\u{308}ssword").normalised().unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
    }

    #[test]
    fn lengths_are_counted_in_characters_and_bounded_in_bytes() {
        let eight = Password::from("ääääääää").normalised().unwrap();
        assert_eq!(eight.check_new(8), Ok(()));
        let min = 9;
        assert_eq!(
            eight.check_new(9),
            Err(VaultError::PasswordTooShort { min })
        );
        assert_eq!(
            Password::from("").normalised().err(),
            Some(VaultError::EmptyPassword)
        );
        assert!(Password::from("a".repeat(1024)).normalised().is_ok());
        let long = Password::from("a".repeat(1025)).normalised();
        assert_eq!(long.err(), Some(VaultError::PasswordTooLong));
    }

    #[test]
    fn normalising_does_not_outgrow_its_buffer() {
        // U+1D160 decomposes into three characters of four bytes, and is never composed again.
        let worst = Password::from("\u{1d160}".repeat(256))
            .normalised()
            .unwrap();
        assert!(worst.0.len() <= 3 * 1024, "{}", worst.0.len());
    }
}
