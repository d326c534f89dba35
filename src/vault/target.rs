//! What an operation is about, and where its record is.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::sealed::ServiceError;
use crate::store::{Record, RecordKey};

use super::VaultError;
use super::names;
use super::namespace::Namespace;
use super::text::VaultToken;

/// The public id of a value, as [`ValueInfo`](super::ValueInfo) has it. It opens nothing.
///
/// It names the value wherever no secret is needed: to look it up, renew, soft-delete, restore and
/// delete it. As text it has 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

/// As text.
impl Serialize for ValueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for ValueId {
    type Err = VaultError;

    /// 64 hexadecimal digits in lower case; anything else is [`VaultError::NotFound`].
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

/// What an operation without a password is about: a token or a [`ValueId`].
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
    /// A token leads into its own namespace. An id leads into any.
    by_token: bool,
}

impl Target {
    pub(super) fn locate(&self, namespace: &Namespace) -> Location {
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
    /// The record found here, unless it belongs to another namespace. A row too broken to name a
    /// namespace is accepted in each.
    pub(super) fn accept(
        &self,
        namespace: &Namespace,
        found: Option<Record>,
    ) -> Result<Record, VaultError> {
        let is_ours = |record: &Record| {
            !namespace.is_stand_in && (self.by_token || !namespace.is_foreign(record))
        };
        found.filter(is_ours).ok_or(VaultError::NotFound)
    }
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
        token.expose().into()
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
        for invalid in [
            "",
            "a5",
            &"A5".repeat(32),
            &"a5".repeat(33),
            &"a".repeat(63),
            &"xy".repeat(32),
        ] {
            assert_eq!(invalid.parse::<ValueId>(), Err(VaultError::NotFound));
        }
    }
}
