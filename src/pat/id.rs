//! The id of a token.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::base62;
use crate::crypto::random;

use super::PatError;

/// The id of a token: 21 letters and digits. It is public: part of the token's text, and safe to
/// log.
///
/// ```
/// use sealtoken::pat::PatId;
///
/// # fn main() -> Result<(), sealtoken::pat::PatError> {
/// let id: PatId = "34NwRzvnBbgI3uedkrQ3Q".parse()?;
/// assert_eq!(id.as_str(), "34NwRzvnBbgI3uedkrQ3Q");
/// assert!("no id".parse::<PatId>().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatId([u8; Self::LENGTH]);

impl PatId {
    /// How many characters an id has.
    pub const LENGTH: usize = 21;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Letters and digits: checked wherever an id is made.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Draws an id: to [issue](super::Issue::id) a token that you can look up if the reply is lost.
    ///
    /// # Errors
    ///
    /// [`PatError::Service`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, PatError> {
        let mut text = String::with_capacity(Self::LENGTH);
        base62::draw_onto(&mut text, Self::LENGTH)?;
        Ok(Self::parse(text.as_bytes()).ok_or(random::Failed)?)
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let id = <[u8; Self::LENGTH]>::try_from(text).ok()?;
        base62::is_text(&id).then_some(Self(id))
    }
}

/// As its text.
impl Serialize for PatId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PatId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = PatId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("21 letters and digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PatId, E> {
                text.parse().map_err(E::custom)
            }
        }

        from.deserialize_str(Text)
    }
}

impl AsRef<str> for PatId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for PatId {
    type Err = PatError;

    fn from_str(text: &str) -> Result<Self, PatError> {
        Self::parse(text.as_bytes()).ok_or(PatError::InvalidId)
    }
}

impl fmt::Display for PatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatId({self})")
    }
}
