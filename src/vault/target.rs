//! Tokens and public ids of values, and where their records are.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::crypto::base62;
use crate::sealed::{ServiceError, deserialize_from_text};
use crate::store::{Record, RecordKey};

use super::VaultError;
use super::names;
use super::namespace::NamespaceKeys;

const PREFIX: &str = "tk_";

/// 29 characters of 62 are 172 random bits.
const DEFAULT_LENGTH: usize = 32;
/// 22 characters of 62 are 131 random bits.
const STRONG_LENGTH: usize = 25;
const LENGTHS: std::ops::RangeInclusive<usize> = 15..=64;
const CHOSEN_LENGTHS: std::ops::RangeInclusive<usize> = 15..=200;

/// The text of a token: it finds a value, and opens it if no password protects it.
///
/// Like every bearer secret it does not print: [`expose`](VaultToken::expose) hands it out. It is
/// wiped when dropped.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// let token = vault.create("db-password").await?;
/// println!("{}", token.expose()); // hands it out
/// assert_eq!(format!("{token:?}"), "VaultToken");
/// # Ok(())
/// # }
/// ```
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

    /// Draws a token, each character evenly.
    fn draw(length: usize) -> Result<Self, VaultError> {
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(PREFIX);
        base62::draw_onto(&mut text, length.saturating_sub(PREFIX.len()))
            .map_err(|_| VaultError::Service(ServiceError::Randomness))?;
        Ok(Self(text))
    }
}

/// A text that cannot be a token becomes an empty one, which finds nothing: overlong input is never
/// copied.
impl From<&str> for VaultToken {
    fn from(text: &str) -> Self {
        Self::new(if is_valid(text) { text } else { "" })
    }
}

/// The string is wiped.
impl From<String> for VaultToken {
    fn from(text: String) -> Self {
        let text = Zeroizing::new(text);
        if is_valid(&text) {
            Self(text)
        } else {
            Self::new("")
        }
    }
}

impl From<&Zeroizing<String>> for VaultToken {
    fn from(text: &Zeroizing<String>) -> Self {
        text.as_str().into()
    }
}

/// For lists of `&str`.
impl From<&&str> for VaultToken {
    fn from(text: &&str) -> Self {
        Self::from(*text)
    }
}

impl From<&String> for VaultToken {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&Self> for VaultToken {
    fn from(token: &Self) -> Self {
        token.clone()
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
    Drawn {
        length: usize,
        weak: bool,
    },
    /// The caller's own.
    Chosen(VaultToken),
}

impl TokenSource {
    pub(super) const fn chosen(&self) -> Option<&VaultToken> {
        match self {
            Self::Chosen(token) => Some(token),
            Self::Drawn { .. } => None,
        }
    }

    pub(super) fn check(&self) -> Result<(), VaultError> {
        match self {
            Self::Drawn { length, .. } if !LENGTHS.contains(length) => {
                Err(VaultError::InvalidTokenLength)
            }
            Self::Drawn { length, weak } if *length < STRONG_LENGTH && !weak => {
                Err(VaultError::WeakToken)
            }
            Self::Chosen(token) if token.expose().is_empty() => Err(VaultError::InvalidToken),
            _ => Ok(()),
        }
    }

    pub(super) fn token(&self) -> Result<VaultToken, VaultError> {
        match self {
            Self::Drawn { length, .. } => VaultToken::draw(*length),
            Self::Chosen(token) => Ok(token.clone()),
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
    CHOSEN_LENGTHS.contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The public id of a value, from [`ValueInfo`](super::ValueInfo). It opens nothing.
///
/// It identifies the value for operations that need no secret: looking it up, renewing,
/// soft-deleting, restoring and deleting it. As text it has 64 hexadecimal digits.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// # let token = vault.create("db-password").await?;
/// let id = vault.get(&token).await?.id;
/// println!("{id}"); // safe to show
/// vault.soft_delete(id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId([u8; 32]);

impl ValueId {
    pub(super) fn of(key: &RecordKey) -> Result<Self, VaultError> {
        let id = key.id.as_slice().try_into();
        id.map(Self)
            .map_err(|_| VaultError::Service(ServiceError::Tampered))
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueId({self})")
    }
}

/// As its text.
impl Serialize for ValueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

deserialize_from_text!(ValueId, "64 hexadecimal digits in lower case");

impl FromStr for ValueId {
    type Err = VaultError;

    /// 64 hexadecimal digits in lower case; anything else is [`VaultError::NotFound`].
    fn from_str(text: &str) -> Result<Self, VaultError> {
        if text.len() != 64 {
            return Err(VaultError::NotFound);
        }
        let digits = text.bytes().map(|byte| match byte {
            b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
            b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
            _ => None,
        });
        let digits: Option<Vec<u8>> = digits.collect();
        let (pairs, rest) = digits.as_deref().unwrap_or_default().as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        match bytes.try_into() {
            Ok(bytes) if rest.is_empty() => Ok(Self(bytes)),
            _ => Err(VaultError::NotFound),
        }
    }
}

/// The value that an operation without a password acts on: by its token or its [`ValueId`].
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Target, Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// # let token = vault.create("db-password").await?;
/// async fn hide(vault: &Vault, target: impl Into<Target>) -> Result<(), VaultError> {
///     vault.soft_delete(target).await
/// }
/// hide(&vault, &token).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Target(Kind);

#[derive(Clone)]
enum Kind {
    Token(VaultToken),
    Id(ValueId),
}

/// Where the record of a target is.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) key: RecordKey,
    /// A token finds values of this namespace alone. An id may be that of any namespace.
    by_token: bool,
}

impl Target {
    pub(super) fn locate(&self, namespace: &NamespaceKeys) -> Location {
        match &self.0 {
            Kind::Token(token) => Location {
                key: namespace.value_key(token.expose()),
                by_token: true,
            },
            Kind::Id(id) => Location {
                key: RecordKey::new(names::VALUES, id.0),
                by_token: false,
            },
        }
    }
}

impl Location {
    /// The record found here, unless it belongs to another namespace. A row too damaged to name a
    /// namespace is accepted in each.
    pub(super) fn accept(
        &self,
        namespace: &NamespaceKeys,
        found: Option<Record>,
    ) -> Result<Record, VaultError> {
        let is_ours = |record: &Record| {
            !namespace.is_stand_in && (self.by_token || !namespace.is_foreign(record))
        };
        found.filter(is_ours).ok_or(VaultError::NotFound)
    }
}

impl<T: Into<VaultToken>> From<T> for Target {
    fn from(token: T) -> Self {
        Self(Kind::Token(token.into()))
    }
}

impl From<ValueId> for Target {
    fn from(id: ValueId) -> Self {
        Self(Kind::Id(id))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Token(token) => token.fmt(f),
            Kind::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_id_comes_back_from_its_text() {
        let id = ValueId([0xa5; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<ValueId>(&json).unwrap(), id);
        for invalid in [
            "",
            "a5",
            &"A5".repeat(32),
            &"a5".repeat(33),
            &"a".repeat(63),
            &"xy".repeat(32),
        ] {
            assert_eq!(invalid.parse::<ValueId>(), Err(VaultError::NotFound));
            let error = serde_json::from_str::<ValueId>(&format!("\"{invalid}\"")).unwrap_err();
            let expected = "another text, expected 64 hexadecimal digits in lower case";
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

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
            let checked = TokenSource::Chosen((&text).into()).check();
            assert_eq!(checked.is_ok(), expected, "{text:?}");
        }
    }
}
