//! Why an item was not read. No variant holds any part of it.

use std::fmt;

/// Why an item of the table is not a token.
///
/// [`code`](ItemError::code) is a stable name for logs. Attributes have the names that they have in
/// the table.
///
/// ```
/// use sealtoken_import::access_tokens::{AccessToken, ItemError};
///
/// let ghost = r#"{"tokenId": {"S": "34NwRzvnBbgI3uedkrQ3Q"}, "lastUsedAt": {"N": "1763755200"}}"#;
/// let error = AccessToken::from_dynamodb_json(ghost).err();
/// assert_eq!(error, Some(ItemError::Ghost));
/// assert_eq!(ItemError::Ghost.code(), "ghost");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemError {
    /// The text has more than [`MAX_JSON`](super::AccessToken::MAX_JSON) bytes.
    TooLong,
    /// Not an object in DynamoDB's JSON, where each value is nested under its type.
    Malformed,
    /// Two attributes have the same name.
    Repeated,
    /// Only an id and the time of a use: that system leaves this behind if it verifies a token
    /// while DynamoDB removes it. There is no token to read: delete the item.
    Ghost,
    /// An attribute that every token has is missing.
    Missing {
        /// Its name.
        attribute: &'static str,
    },
    /// The value of an attribute is of another type, too long, too large, or has wrong characters.
    /// That system does not read such an item either, except for a time after the year 9999, which
    /// only this reader refuses.
    Invalid {
        /// Its name.
        attribute: &'static str,
    },
}

impl ItemError {
    /// The name of the refusal: `too_long`, `malformed`, `repeated`, `ghost`, `missing` or
    /// `invalid`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Repeated => "repeated",
            Self::Ghost => "ghost",
            Self::Missing { .. } => "missing",
            Self::Invalid { .. } => "invalid",
        }
    }

    /// The name of the attribute that is missing or invalid.
    #[must_use]
    pub const fn attribute(&self) -> Option<&'static str> {
        match self {
            Self::Missing { attribute } | Self::Invalid { attribute } => Some(attribute),
            _ => None,
        }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than 1 MiB, which no item of DynamoDB is"),
            Self::Malformed => f.write_str(
                "not one item in DynamoDB's JSON, where each value stands under its type: \
                 {\"owner\": {\"S\": \"…\"}}",
            ),
            Self::Repeated => f.write_str("an attribute is repeated"),
            Self::Ghost => f.write_str(
                "only an id and the time of a use: the remains of a token that was removed while \
                 it was verified; delete it",
            ),
            Self::Missing { attribute } => write!(f, "the attribute {attribute} is missing"),
            Self::Invalid { attribute } => write!(f, "{attribute}: {}", expected(attribute)),
        }
    }
}

impl std::error::Error for ItemError {}

/// What the value of an attribute must be.
fn expected(attribute: &str) -> &'static str {
    match attribute {
        "tokenId" => "not 21 letters and digits",
        "secretPhc" => "not a text of 1 to 200 characters",
        "owner" => "not a text of 1 to 100 characters",
        "isAdmin" => "not true or false",
        "roles" => "not a set of at most 50 texts of 1 to 100 characters",
        _ => {
            "not whole seconds since 1970, up to the year 9999; a number a thousand times too \
             large is one of milliseconds"
        }
    }
}
