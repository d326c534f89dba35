//! Why a token was not read. No variant holds any part of an item.

use std::error::Error;
use std::fmt;

#[cfg(feature = "dynamodb")]
use sealtoken::store::StoreError;

/// Why an item of the table is not a token, or why the table could not be read.
///
/// [`code`](AccessTokenError::code) is a stable name for logs. Attributes have the names that they
/// have in the table.
///
/// ```
/// use sealtoken_import::access_tokens::{self, AccessTokenError};
///
/// let ghost = r#"{"tokenId": {"S": "34NwRzvnBbgI3uedkrQ3Q"}, "lastUsedAt": {"N": "1763755200"}}"#;
/// let error = access_tokens::from_dynamodb_json(ghost).err();
/// assert_eq!(error, Some(AccessTokenError::Ghost));
/// assert_eq!(AccessTokenError::Ghost.code(), "ghost");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// The text has more than 1 MiB.
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
    /// The table could not be read.
    #[cfg(feature = "dynamodb")]
    Table(StoreError),
}

impl AccessTokenError {
    /// The name of the error: `too_long`, `malformed`, `repeated`, `ghost`, `missing`, `invalid`
    /// or, for the table itself, `unavailable`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Repeated => "repeated",
            Self::Ghost => "ghost",
            Self::Missing { .. } => "missing",
            Self::Invalid { .. } => "invalid",
            #[cfg(feature = "dynamodb")]
            Self::Table(_) => "unavailable",
        }
    }
}

impl fmt::Display for AccessTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than 1 MiB, which no item of DynamoDB is"),
            Self::Malformed => f.write_str(
                "not one item in DynamoDB's JSON, where each value is nested under its type: \
                 {\"owner\": {\"S\": \"…\"}}",
            ),
            Self::Repeated => f.write_str("an attribute is repeated"),
            Self::Ghost => f.write_str(
                "only an id and the time of a use: what remains of a token that was removed while \
                 it was being verified; delete the item",
            ),
            Self::Missing { attribute } => write!(f, "the attribute {attribute} is missing"),
            Self::Invalid { attribute } => write!(f, "{attribute}: {}", problem_with(attribute)),
            #[cfg(feature = "dynamodb")]
            Self::Table(StoreError::Unavailable { reason, .. }) => write!(
                f,
                "the table cannot be read ({reason}): check its name, the region and the right to \
                 scan it"
            ),
            #[cfg(feature = "dynamodb")]
            Self::Table(error) => error.fmt(f),
        }
    }
}

impl Error for AccessTokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // This error prints the reason, so the source is the next one down.
            #[cfg(feature = "dynamodb")]
            Self::Table(error) => error.source(),
            _ => None,
        }
    }
}

/// What is wrong with the value of an attribute.
fn problem_with(attribute: &str) -> &'static str {
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
