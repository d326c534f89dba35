//! The text of a token, its prefix and the id in it: `{prefix}{id}_{secret}{check}`, or
//! `{prefix}{id}.{secret}` in the system that tokens are imported from.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::crypto::{base62, random};
use crate::sealed::deserialize_from_text;

use super::{PatError, Reason};

/// How many characters a secret has: 43 of 62 are 256 bits.
pub(super) const SECRET: usize = 43;
/// How many digits the check has: 62^6 is more than 2^32.
pub(super) const CHECK: usize = 6;

/// Longer text is refused unread: the other system's tokens have at most this many bytes, ours
/// fewer.
const MAX_LENGTH: usize = 200;

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
    pub(super) const LENGTH: usize = 21;

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
    /// [`PatError::Service`] if the operating system cannot provide random bytes.
    pub fn generate() -> Result<Self, PatError> {
        let mut text = String::with_capacity(Self::LENGTH);
        base62::draw_onto(&mut text, Self::LENGTH)?;
        Ok(Self::parse(text.as_bytes()).ok_or(random::Failed)?)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let id = <[u8; Self::LENGTH]>::try_from(text).ok()?;
        base62::is_text(&id).then_some(Self(id))
    }
}

/// The beginning of each token's text. It shows people, and scanners for leaked secrets, whose
/// token it is.
///
/// It begins with a lower-case letter, goes on with at most 30 lower-case letters, digits and `_`,
/// and ends with `_`. The default is `pat_`.
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
            SECRET + CHECK,
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

/// The text of a token: what its owner keeps, and presents.
///
/// Whoever has it can use it, so it does not print: [`expose`](PatToken::expose) it to hand it out.
/// It is wiped when dropped.
#[derive(Clone)]
pub struct PatToken(Zeroizing<String>);

impl PatToken {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Draws a secret for this id.
    pub(super) fn draw(prefix: &Prefix, id: PatId) -> Result<Self, random::Failed> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_LENGTH));
        text.push_str(prefix.as_str());
        text.push_str(id.as_str());
        text.push('_');
        base62::draw_onto(&mut text, SECRET)?;
        let check = check(text.as_bytes());
        text.extend(check.map(char::from));
        Ok(Self(text))
    }

    /// What is hashed: everything before the check.
    pub(super) fn hashed(&self) -> &[u8] {
        let bytes = self.0.as_bytes();
        bytes
            .split_last_chunk::<CHECK>()
            .map_or(bytes, |(hashed, _)| hashed)
    }
}

impl fmt::Debug for PatToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatToken")
    }
}

/// The parts of a presented text, before any lookup.
pub(super) struct Presented<'t> {
    pub(super) id: PatId,
    /// What a keyed hash covers. No text is a token of both systems: only the other
    /// system's has a full stop.
    pub(super) hashed: &'t [u8],
    /// The secret bytes of the other system's token; `None` for our own.
    pub(super) foreign_secret: Option<Zeroizing<Vec<u8>>>,
}

/// The prefixes that a service accepts: its own, and older prefixes that are still accepted.
#[derive(Debug, Clone)]
pub(super) struct Prefixes {
    pub(super) own: Prefix,
    pub(super) others: Vec<Box<str>>,
}

impl Prefixes {
    /// Parses a text. Mistyped text is refused here, for some hundred instructions and no lookup.
    pub(super) fn parse<'t>(&self, text: &'t str) -> Result<Presented<'t>, Reason> {
        let others = self.others.iter().map(|prefix| &**prefix);
        let mut reason = Reason::InvalidPrefix;
        // A prefix may begin with another one.
        for prefix in std::iter::once(self.own.as_str()).chain(others) {
            let Some(rest) = text.strip_prefix(prefix) else {
                continue;
            };
            reason = Reason::InvalidFormat;
            if let Some(presented) = parse(text, rest) {
                return Ok(presented);
            }
        }
        Err(reason)
    }
}

/// Parses what follows a prefix.
fn parse<'t>(text: &'t str, rest: &str) -> Option<Presented<'t>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (id, rest) = rest.as_bytes().split_at_checked(PatId::LENGTH)?;
    match rest.split_first()? {
        (b'_', rest) => parse_ours(text.as_bytes(), id, rest),
        (b'.', secret) => parse_foreign(text.as_bytes(), id, secret),
        _ => None,
    }
}

fn parse_ours<'t>(text: &'t [u8], id: &[u8], rest: &[u8]) -> Option<Presented<'t>> {
    let (hashed, digits) = text.split_last_chunk::<CHECK>()?;
    let valid = rest.len() == SECRET.saturating_add(CHECK)
        && *digits == check(hashed)
        && base62::is_text(rest);
    Some(Presented {
        id: PatId::parse(id).filter(|_| valid)?,
        hashed,
        foreign_secret: None,
    })
}

/// The other system accepts one secret in several forms: without padding, in the URL-safe alphabet,
/// with foreign characters, with unused bits set. Only the form that it issues is a token here.
fn parse_foreign<'t>(text: &'t [u8], id: &[u8], secret: &[u8]) -> Option<Presented<'t>> {
    let id = PatId::parse(id)?;
    let secret = std::str::from_utf8(secret).ok()?;
    let secret = Base64::decode_vec(secret).ok().map(Zeroizing::new)?;
    Some(Presented {
        id,
        hashed: text,
        foreign_secret: (!secret.is_empty()).then_some(secret).map(Some)?,
    })
}

/// CRC-32/ISO-HDLC as six digits of base 62.
fn check(text: &[u8]) -> [u8; CHECK] {
    let mut rest = crc32fast::hash(text);
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(rest % 62).unwrap_or_default();
        *digit = base62::ALPHABET.get(index).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

/// As its text.
impl Serialize for PatId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

deserialize_from_text!(PatId, "21 letters and digits");

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
