//! What an operation is about.

use std::fmt;
use std::str::FromStr;

use crate::store::{Record, RecordKey};

use super::VaultError;
use super::names;
use super::namespace::Namespace;
use super::text::VaultToken;

/// The public name of a value: [`Info`](super::Info) has it, and a list shows it. Nothing can be read with it.
///
/// It names the value for what needs no secret: to look at it, to renew, hide, restore and remove it. As text it has 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueId([u8; 32]);

impl ValueId {
    pub(super) fn of(key: &RecordKey) -> Result<Self, VaultError> {
        let id = key.id.as_slice().try_into();
        id.map(Self).map_err(|_| VaultError::Tampered)
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

impl FromStr for ValueId {
    type Err = VaultError;

    /// 64 hexadecimal digits in lower case; anything else names nothing, [`VaultError::NotFound`].
    fn from_str(text: &str) -> Result<Self, VaultError> {
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

/// What an operation without a password is about: a token, or the [`ValueId`] from a list.
#[derive(Clone)]
pub struct Target(Kind);

#[derive(Clone)]
enum Kind {
    Token(VaultToken),
    Id(ValueId),
}

/// Where the value of a target is.
#[derive(Debug)]
pub(super) struct Whereabouts {
    pub(super) key: RecordKey,
    /// A token leads into its own namespace. An id leads anywhere.
    by_token: bool,
}

impl Target {
    pub(super) fn find(&self, namespace: &Namespace) -> Whereabouts {
        match &self.0 {
            Kind::Token(token) => Whereabouts {
                key: token_key(namespace, token.expose()),
                by_token: true,
            },
            Kind::Id(id) => Whereabouts {
                key: RecordKey::new(names::VALUES, id.0),
                by_token: false,
            },
        }
    }
}

impl Whereabouts {
    /// What was found here, unless it is nothing to this namespace. A row that is so broken that it
    /// names none is to each what it is: broken.
    pub(super) fn ours(
        &self,
        namespace: &Namespace,
        found: Option<Record>,
    ) -> Result<Record, VaultError> {
        let is_ours = |record: &Record| {
            !namespace.is_phantom && (self.by_token || !namespace.is_named_otherwise(record))
        };
        found.filter(is_ours).ok_or(VaultError::NotFound)
    }
}

/// Where the value of a token is. A text that can be no token leads to where none is, at the same cost.
pub(super) fn token_key(namespace: &Namespace, text: &str) -> RecordKey {
    namespace.value_key(VaultToken::presented(text).expose())
}

impl From<&str> for Target {
    fn from(token: &str) -> Self {
        Self(Kind::Token(VaultToken::presented(token)))
    }
}

impl From<&String> for Target {
    fn from(token: &String) -> Self {
        token.as_str().into()
    }
}

impl From<&VaultToken> for Target {
    fn from(token: &VaultToken) -> Self {
        Self(Kind::Token(token.clone()))
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
        for strange in [
            "",
            "a5",
            &"A5".repeat(32),
            &"a5".repeat(33),
            &"a".repeat(63),
            &"xy".repeat(32),
        ] {
            assert_eq!(strange.parse::<ValueId>(), Err(VaultError::NotFound));
        }
    }
}
