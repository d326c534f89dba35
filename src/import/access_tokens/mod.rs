//! Personal access tokens of the Node system `@access-tokens/core`, as its table in DynamoDB has them.

mod attribute;
mod error;
mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::crypto::clock::UnixTime;

pub use attribute::Attribute;
pub use error::ItemError;

/// The attributes that an item can have, as they are named there, in the order in which they are checked.
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

/// A token of the Node system `@access-tokens/core`: one item of its table in DynamoDB.
///
/// What that system takes for valid is checked here once more, since its updates write what its reads refuse. A time
/// of 0 in `revokedAt` or `expiresAt` counts as none there, and becomes none. Attributes that it does not know are left
/// out.
///
/// ```
/// use sealtoken::UnixTime;
/// use sealtoken::import::access_tokens::{AccessToken, ItemError};
///
/// # fn main() -> Result<(), ItemError> {
/// let item = r#"{
///     "tokenId": {"S": "34NwRzvnBbgI3uedkrQ3Q"},
///     "secretPhc": {"S": "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
///     "owner": {"S": "ada@example.com"},
///     "isAdmin": {"BOOL": false},
///     "roles": {"SS": ["reader", "writer"]},
///     "createdAt": {"N": "1763755200"},
///     "expiresAt": {"NULL": true}
/// }"#;
/// let token = AccessToken::from_dynamodb_json(item)?;
/// assert_eq!(token.owner, "ada@example.com");
/// assert!(token.roles.contains("reader") && !token.admin);
/// assert_eq!(token.created_at, UnixTime::from_secs(1_763_755_200));
/// assert_eq!(token.expires_at, None);
/// assert_eq!(format!("{:?}", token.secret_phc), "SecretPhc");
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Nothing in that table is authenticated. Who can write to it can make any token, or make one an administrator's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// 21 letters and digits.
    pub token_id: String,
    /// The hash of the secret. It is not parsed: one that cannot be used is for the verification to find.
    pub secret_phc: SecretPhc,
    /// 1 to 100 characters.
    pub owner: String,
    /// Whether the owner is an administrator; not, where the item does not say.
    pub admin: bool,
    /// At most 50 of 1 to 100 characters.
    pub roles: BTreeSet<String>,
    /// Since when the token is revoked. One in the future counts, too.
    pub revoked_at: Option<UnixTime>,
    /// From when on the token is expired.
    pub expires_at: Option<UnixTime>,
    /// When the token was issued.
    pub created_at: UnixTime,
    /// When the token was last good.
    pub last_used_at: Option<UnixTime>,
}

impl AccessToken {
    /// The most bytes that the JSON of an item may have: 1 MiB. DynamoDB keeps items of 400 KB at most.
    pub const MAX_JSON: usize = 1 << 20;
    /// The most characters of an owner, and of a role.
    pub const MAX_TEXT: usize = 100;
    /// The most roles.
    pub const MAX_ROLES: usize = 50;
    /// The most characters of a hash.
    pub const MAX_PHC: usize = 200;

    /// Reads one item in DynamoDB's own JSON, where each value stands under its type.
    ///
    /// The item can be the text itself, as a stream of changes has it, or stand in a member `Item`, as in what `get-item`
    /// prints and in each line of an export to S3.
    ///
    /// # Errors
    ///
    /// - [`TooLong`](ItemError::TooLong), [`Malformed`](ItemError::Malformed), [`Repeated`](ItemError::Repeated): it is not
    ///   such JSON.
    /// - [`Ghost`](ItemError::Ghost), [`Missing`](ItemError::Missing), [`Invalid`](ItemError::Invalid): the item is none of a
    ///   token.
    pub fn from_dynamodb_json(text: &str) -> Result<Self, ItemError> {
        Self::from_attributes(json::attributes(text)?)
    }

    /// Reads one item that was taken apart already: names and values, in any order.
    ///
    /// ```
    /// use sealtoken::import::access_tokens::{AccessToken, Attribute, ItemError};
    ///
    /// let item = [
    ///     ("tokenId", Attribute::Text("34NwRzvnBbgI3uedkrQ3Q".to_owned())),
    ///     ("secretPhc", Attribute::Text("$scrypt$".to_owned())),
    ///     ("createdAt", Attribute::Number("1763755200".to_owned())),
    /// ];
    /// let item = item.map(|(name, value)| (name.to_owned(), value));
    /// let token = AccessToken::from_attributes(item);
    /// assert_eq!(token.err(), Some(ItemError::Missing { attribute: "owner" }));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Repeated`](ItemError::Repeated), [`Ghost`](ItemError::Ghost), [`Missing`](ItemError::Missing) and
    /// [`Invalid`](ItemError::Invalid).
    pub fn from_attributes(
        attributes: impl IntoIterator<Item = (String, Attribute)>,
    ) -> Result<Self, ItemError> {
        let mut item = Item::default();
        for (name, attribute) in attributes {
            item.put(&name, attribute)?;
        }
        item.token()
    }
}

/// The hash of a token's secret, as that system stores it: a text that begins with `$scrypt$`, or whatever was put in.
///
/// It has 1 to 200 characters, and prints as `SecretPhc`.
///
/// ```
/// # use sealtoken::import::access_tokens::{AccessToken, SecretPhc};
/// /// The parameters alone, for a look at how strong the hashes of a table are.
/// fn parameters(phc: &SecretPhc) -> Option<&str> {
///     phc.expose().split('$').nth(2)
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SecretPhc(String);

impl SecretPhc {
    /// The text of the hash.
    ///
    /// # Security
    ///
    /// Keep it out of logs. Where the secret was not random, it is enough to search for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretPhc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretPhc")
    }
}

/// What is known of an item so far.
#[derive(Default)]
struct Item(BTreeMap<&'static str, Attribute>);

impl Item {
    fn put(&mut self, name: &str, attribute: Attribute) -> Result<(), ItemError> {
        let Some(name) = known(name) else {
            return Ok(());
        };
        match self.0.insert(name, attribute) {
            None => Ok(()),
            Some(_) => Err(ItemError::Repeated),
        }
    }

    fn token(mut self) -> Result<AccessToken, ItemError> {
        // What that system leaves where a token vanished while it was verified.
        if self.0.keys().eq(&["lastUsedAt", "tokenId"]) {
            return Err(ItemError::Ghost);
        }
        Ok(AccessToken {
            token_id: self.required("tokenId", |value| value.text(21).filter(|id| is_id(id)))?,
            secret_phc: self.required("secretPhc", |value| {
                value.text(AccessToken::MAX_PHC).map(SecretPhc)
            })?,
            owner: self.required("owner", |value| value.text(AccessToken::MAX_TEXT))?,
            admin: self.optional("isAdmin", Attribute::bool)?.unwrap_or(false),
            roles: self.optional("roles", roles)?.unwrap_or_default(),
            created_at: self.required("createdAt", Attribute::time)?,
            last_used_at: self.time("lastUsedAt")?,
            revoked_at: self.end("revokedAt")?,
            expires_at: self.end("expiresAt")?,
        })
    }

    fn optional<T>(
        &mut self,
        attribute: &'static str,
        read: impl FnOnce(Attribute) -> Option<T>,
    ) -> Result<Option<T>, ItemError> {
        let Some(value) = self.0.remove(attribute) else {
            return Ok(None);
        };
        match read(value) {
            None => Err(ItemError::Invalid { attribute }),
            read => Ok(read),
        }
    }

    fn required<T>(
        &mut self,
        attribute: &'static str,
        read: impl FnOnce(Attribute) -> Option<T>,
    ) -> Result<T, ItemError> {
        self.optional(attribute, read)?
            .ok_or(ItemError::Missing { attribute })
    }

    /// A time that may be missing, or stand as `NULL`.
    fn time(&mut self, attribute: &'static str) -> Result<Option<UnixTime>, ItemError> {
        if self.0.get(attribute) == Some(&Attribute::Null) {
            return Ok(None);
        }
        self.optional(attribute, Attribute::time)
    }

    /// A time that is looked at for its truth there, so that 0 is none.
    fn end(&mut self, attribute: &'static str) -> Result<Option<UnixTime>, ItemError> {
        let time = self.time(attribute)?;
        Ok(time.filter(|time| time.as_secs() > 0))
    }
}

/// The name as it stands in [`NAMES`], if it does.
fn known(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

/// Not only those that the system draws, whose first digit is at most 7: it takes what callers bring, too.
fn is_id(text: &str) -> bool {
    text.len() == 21 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn roles(value: Attribute) -> Option<BTreeSet<String>> {
    let roles = value.texts()?;
    let fit = |role: &String| attribute::fits(role, AccessToken::MAX_TEXT);
    // Counted as they are given, doubles too, as that system does.
    (roles.len() <= AccessToken::MAX_ROLES && roles.iter().all(fit))
        .then(|| roles.into_iter().collect())
}
