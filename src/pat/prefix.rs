//! The prefix of a token's text.

use std::fmt;
use std::str::FromStr;

use super::{PatError, PatId};

/// What the text of each token begins with. It shows people, and scanners for leaked secrets, whose
/// token it is.
///
/// A lower-case letter, then at most 30 lower-case letters, digits and `_`, then `_`. The default
/// is `pat_`.
///
/// ```
/// use sealtoken::pat::Prefix;
///
/// # fn main() -> Result<(), sealtoken::pat::PatError> {
/// let prefix: Prefix = "acme_live_".parse()?;
/// assert_eq!(prefix.pattern(), r"\bacme_live_[0-9A-Za-z]{21}_[0-9A-Za-z]{49}\b");
/// assert!("Acme-".parse::<Prefix>().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A regular expression that finds tokens in other text, in the syntax that secret scanners
    /// share (RE2, and so Rust's `regex`).
    #[must_use]
    pub fn pattern(&self) -> String {
        format!(
            r"\b{}[0-9A-Za-z]{{{}}}_[0-9A-Za-z]{{{}}}\b",
            self.0,
            PatId::LENGTH,
            super::text::SECRET + super::text::CHECK,
        )
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("pat_".into())
    }
}

impl AsRef<str> for Prefix {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for Prefix {
    type Err = PatError;

    fn from_str(text: &str) -> Result<Self, PatError> {
        let (first, rest) = text
            .as_bytes()
            .split_first()
            .ok_or(PatError::InvalidPrefix)?;
        let (last, middle) = rest.split_last().ok_or(PatError::InvalidPrefix)?;
        let inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let valid = first.is_ascii_lowercase()
            && middle.len() <= 30
            && middle.iter().all(inner)
            && *last == b'_';
        valid
            .then(|| Self(text.into()))
            .ok_or(PatError::InvalidPrefix)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_one_shape() {
        for good in [
            "pat_",
            "a_",
            "a__",
            "acme_live_",
            "a0_9_",
            &format!("a{}_", "x".repeat(30)),
        ] {
            assert!(good.parse::<Prefix>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "_",
            "a",
            "pat",
            "Pat_",
            "0a_",
            "_a_",
            "pa t_",
            "pät_",
            "pat-",
            "p.t_",
            "pat_\n",
            &format!("a{}_", "x".repeat(31)),
        ] {
            assert_eq!(bad.parse::<Prefix>(), Err(PatError::InvalidPrefix), "{bad}");
        }
    }
}
