//! The text of a token, and the id in it: `{prefix}{id}_{secret}{check}`, or
//! `{prefix}{id}.{secret}` in the system that tokens are imported from.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::crypto::{base62, random};

use super::{PatError, Prefix, Reason};

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
    /// What a keyed hash covers. No text is a token of both systems: only the
    /// other system's has a full stop.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes() -> Prefixes {
        Prefixes {
            own: Prefix::default(),
            others: vec!["tok-".into(), "pat_x_".into()],
        }
    }

    fn reason(text: &str) -> Option<Reason> {
        prefixes().parse(text).err()
    }

    #[test]
    fn the_check_is_that_of_zlib_in_six_digits() {
        // From Python: zlib.crc32, and its digits by divmod.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(check(b"123456789"), *b"3jZRME");
        assert_eq!(check(b""), *b"000000");
    }

    #[test]
    fn a_token_comes_back_with_its_id_and_one_spelling() {
        let id = PatId::generate().unwrap();
        let token = PatToken::draw(&Prefix::default(), id).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 4 + 21 + 1 + 43 + 6);
        let prefixes = prefixes();
        let presented = prefixes.parse(text).unwrap();
        assert_eq!((presented.id, presented.hashed), (id, token.hashed()));
        assert!(presented.foreign_secret.is_none());
        for at in 0..text.len() {
            for other in *b"0aZ_.-~\n" {
                let mut changed = text.as_bytes().to_vec();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap();
                let expected = if at < 4 {
                    Reason::InvalidPrefix
                } else {
                    Reason::InvalidFormat
                };
                assert_eq!(reason(&changed), Some(expected), "{at}");
            }
            assert!(reason(&text[..at]).is_some());
        }
        assert_eq!(reason(&format!("{text}0")), Some(Reason::InvalidFormat));
        assert_eq!(reason(&format!(" {text}")), Some(Reason::InvalidPrefix));
    }

    #[test]
    fn a_secret_of_other_characters_is_no_token_even_where_its_check_is_right() {
        let id = "34NwRzvnBbgI3uedkrQ3Q";
        let with = |letter: &str| {
            let hashed = format!("pat_{id}_{}", letter.repeat(SECRET));
            let check = check(hashed.as_bytes());
            format!("{hashed}{}", std::str::from_utf8(&check).unwrap())
        };
        assert_eq!(reason(&with("a")), None);
        for letter in ["-", "_", ".", " ", "\0"] {
            assert_eq!(reason(&with(letter)), Some(Reason::InvalidFormat));
        }
    }

    #[test]
    fn the_other_systems_tokens_have_one_spelling_too() {
        let id = "34NwRzvnBbgI3uedkrQ3Q";
        let good = format!("pat_{id}.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let prefixes = prefixes();
        let presented = prefixes.parse(&good).unwrap();
        let secret: Vec<u8> = (0..32).collect();
        assert_eq!(*presented.foreign_secret.unwrap(), secret);
        assert_eq!(presented.hashed, good.as_bytes());
        for prefix in ["tok-", "pat_x_"] {
            assert!(prefixes.parse(&good.replace("pat_", prefix)).is_ok());
        }
        let body = &good[26..69];
        for other in [
            body.to_string(),
            format!("{body}=="),
            format!("{body}= "),
            format!("{body}=x"),
            format!("{}9=", &body[..42]),
            format!("-{}=", &body[1..]),
            format!("{}.{}=", &body[..20], &body[21..]),
            format!("{}:{}=", &body[..20], &body[20..]),
            String::new(),
            "=".into(),
        ] {
            let text = format!("pat_{id}.{other}");
            assert_eq!(reason(&text), Some(Reason::InvalidFormat), "{other}");
        }
        let long = format!("pat_{id}.{}", "AAAA".repeat(60));
        assert_eq!(reason(&long), Some(Reason::InvalidFormat));
    }
}
