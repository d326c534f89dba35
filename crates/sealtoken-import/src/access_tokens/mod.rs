//! Personal access tokens of the Node system `@access-tokens/core`, from its DynamoDB table.
//!
//! Each item of that table becomes a [`ForeignPat`], which
//! [`PersonalAccessTokens::import`](sealtoken::pat::PersonalAccessTokens::import) takes. An item is
//! checked by that system's own rules, because its updates write what its reads refuse:
//!
//! | attribute | in the [`ForeignPat`] | accepted |
//! |---|---|---|
//! | `tokenId` | `id` | 21 letters and digits |
//! | `secretPhc` | `hash` | 1 to 200 characters; the import checks whether it can be verified |
//! | `owner` | `owner` | 1 to 100 characters |
//! | `isAdmin` | `admin` | `false` if it is missing |
//! | `roles` | `roles` | at most 50 of 1 to 100 characters |
//! | `createdAt` | `created_at` | whole seconds up to the end of the year 9999 |
//! | `lastUsedAt` | `last_used_at` | the same, or `NULL` |
//! | `revokedAt`, `expiresAt` | `revoked_at`, `expires_at` | the same; 0 means none, as there |
//!
//! Unknown attributes are ignored.
//!
//! ```
//! use sealtoken::pat::{PatError, PersonalAccessTokens};
//! use sealtoken_import::access_tokens;
//!
//! # async fn example(pats: PersonalAccessTokens, export: &str) -> Result<(), PatError> {
//! // An export to S3 has one item a line.
//! let tokens = export.lines().filter_map(|line| access_tokens::from_dynamodb_json(line).ok());
//! let imported = pats.import(tokens).dry_run(true).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! Nothing in that table is authenticated. An attacker with write access to it can add any token,
//! or give a token admin rights.

mod attribute;
mod error;
mod json;
#[cfg(feature = "dynamodb")]
mod table;

use std::collections::BTreeMap;

use sealtoken::UnixTime;
use sealtoken::pat::{ForeignPat, PatId};

use self::attribute::Attribute;

pub use self::error::AccessTokenError;
#[cfg(feature = "dynamodb")]
pub use self::table::{Table, from_item};

/// The length of an id.
const ID_LENGTH: usize = 21;
/// The maximum length of an owner or a role, in characters.
const MAX_TEXT: usize = 100;
/// The maximum number of roles.
const MAX_ROLES: usize = 50;
/// The maximum length of a hash, in characters.
const MAX_HASH: usize = 200;

/// The attributes that an item can have, in the order of the checks.
const NAMES: [&str; 9] = [
    "tokenId",
    "secretPhc",
    "owner",
    "isAdmin",
    "roles",
    "createdAt",
    "lastUsedAt",
    "revokedAt",
    "expiresAt",
];

/// Reads one item in DynamoDB's own JSON, where each value is nested under its type.
///
/// The text is the item itself, as in a stream of changes, or an object with the item in its member
/// `Item`, as in the output of `get-item` and in each line of an export to S3. It has at most 1
/// MiB; DynamoDB limits items to 400 KB.
///
/// ```
/// use sealtoken::UnixTime;
/// use sealtoken_import::access_tokens::{self, AccessTokenError};
///
/// # fn main() -> Result<(), AccessTokenError> {
/// let item = r#"{
///     "tokenId": {"S": "34NwRzvnBbgI3uedkrQ3Q"},
///     "secretPhc": {"S":
///     "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
///     "owner": {"S": "ada@example.com"},
///     "isAdmin": {"BOOL": false},
///     "roles": {"SS": ["reader", "writer"]},
///     "createdAt": {"N": "1763755200"},
///     "expiresAt": {"NULL": true}
/// }"#;
/// let token = access_tokens::from_dynamodb_json(item)?;
/// assert_eq!(token.owner, "ada@example.com");
/// assert!(token.roles.iter().any(|role| role == "reader") && !token.admin);
/// assert_eq!(token.created_at, UnixTime::from_secs(1_763_755_200));
/// assert_eq!(token.expires_at, None);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Every [`AccessTokenError`] but [`Table`](AccessTokenError::Table).
pub fn from_dynamodb_json(text: &str) -> Result<ForeignPat, AccessTokenError> {
    token(json::attributes(text)?)
}

/// Reads one item from its attributes, in any order.
fn token(
    attributes: impl IntoIterator<Item = (String, Attribute)>,
) -> Result<ForeignPat, AccessTokenError> {
    let mut item = Item::default();
    for (name, attribute) in attributes {
        item.put(&name, attribute)?;
    }
    item.token()
}

/// The attributes of an item read so far.
#[derive(Default)]
struct Item(BTreeMap<&'static str, Attribute>);

impl Item {
    fn put(&mut self, name: &str, attribute: Attribute) -> Result<(), AccessTokenError> {
        let Some(name) = known(name) else {
            return Ok(());
        };
        match self.0.insert(name, attribute) {
            None => Ok(()),
            Some(_) => Err(AccessTokenError::Repeated),
        }
    }

    fn token(mut self) -> Result<ForeignPat, AccessTokenError> {
        // That system leaves this behind if a token is removed while it is being verified.
        if self.0.keys().eq(&["lastUsedAt", "tokenId"]) {
            return Err(AccessTokenError::Ghost);
        }
        let id = |value: Attribute| value.text(ID_LENGTH)?.parse().ok();
        let id: PatId = self.required("tokenId", id)?;
        let hash = self.required("secretPhc", |value| value.text(MAX_HASH))?;
        let owner = self.required("owner", |value| value.text(MAX_TEXT))?;
        let admin = self.optional("isAdmin", Attribute::bool)?;
        let roles = self.optional("roles", roles)?;
        let created_at = self.required("createdAt", Attribute::time)?;

        let mut token = ForeignPat::new(id, hash, owner, created_at);
        token.admin = admin.unwrap_or(false);
        token.roles = roles.unwrap_or_default().into_iter().collect();
        token.last_used_at = self.time("lastUsedAt")?;
        token.revoked_at = self.expiry("revokedAt")?;
        token.expires_at = self.expiry("expiresAt")?;
        Ok(token)
    }

    fn optional<T>(
        &mut self,
        attribute: &'static str,
        read: impl FnOnce(Attribute) -> Option<T>,
    ) -> Result<Option<T>, AccessTokenError> {
        let Some(value) = self.0.remove(attribute) else {
            return Ok(None);
        };
        match read(value) {
            None => Err(AccessTokenError::Invalid { attribute }),
            read => Ok(read),
        }
    }

    fn required<T>(
        &mut self,
        attribute: &'static str,
        read: impl FnOnce(Attribute) -> Option<T>,
    ) -> Result<T, AccessTokenError> {
        self.optional(attribute, read)?
            .ok_or(AccessTokenError::Missing { attribute })
    }

    /// A time that may be missing, or `NULL`.
    fn time(&mut self, attribute: &'static str) -> Result<Option<UnixTime>, AccessTokenError> {
        if matches!(self.0.get(attribute), Some(Attribute::Null)) {
            return Ok(None);
        }
        self.optional(attribute, Attribute::time)
    }

    /// A time that the original tests for truthiness in JavaScript, so that 0 means none.
    fn expiry(&mut self, attribute: &'static str) -> Result<Option<UnixTime>, AccessTokenError> {
        let time = self.time(attribute)?;
        Ok(time.filter(|time| time.as_secs() > 0))
    }
}

/// The name in [`NAMES`], if it is known.
fn known(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

/// The roles in order, each once.
fn roles(value: Attribute) -> Option<Vec<String>> {
    let mut roles = value.texts()?;
    let is_valid = |role: &String| attribute::has_length(role, MAX_TEXT);
    // Counted with duplicates, as that system does.
    if roles.len() > MAX_ROLES || !roles.iter().all(is_valid) {
        return None;
    }
    roles.sort_unstable();
    roles.dedup();
    Some(roles)
}
