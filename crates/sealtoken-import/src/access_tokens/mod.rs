//! Personal access tokens of the Node system `@access-tokens/core`, from its DynamoDB table.

mod attribute;
mod error;
mod json;
#[cfg(feature = "dynamodb")]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealtoken::UnixTime;
use sealtoken::pat::{ForeignPat, PatId};

pub use self::attribute::Attribute;
pub use self::error::ItemError;
#[cfg(feature = "dynamodb")]
pub use self::table::{Table, TableError, TablePage};

/// The names of the attributes that an item can have, in the order of the checks.
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
/// The item is checked by that system's own rules, since its updates write what its reads refuse.
/// In `revokedAt` and `expiresAt` that system takes a time of 0 as none, so it becomes `None`.
/// Unknown attributes are ignored.
///
/// [`PersonalAccessTokens::import`](sealtoken::pat::PersonalAccessTokens::import) accepts such
/// tokens directly:
///
/// ```
/// use sealtoken::pat::{PatError, PersonalAccessTokens};
/// use sealtoken_import::access_tokens::AccessToken;
///
/// # async fn example(
/// #     pats: PersonalAccessTokens,
/// #     items: Vec<AccessToken>,
/// # ) -> Result<(), PatError> {
/// let taken = pats.import(items).dry_run(true).await?;
/// # Ok(())
/// # }
/// ```
///
/// An item is read from JSON, or from typed attributes:
///
/// ```
/// use sealtoken::UnixTime;
/// use sealtoken_import::access_tokens::{AccessToken, ItemError};
///
/// # fn main() -> Result<(), ItemError> {
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
/// Nothing in that table is authenticated. An attacker with write access to it can add any token,
/// or give a token admin rights.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// The id, which the import keeps.
    pub token_id: PatId,
    /// The hash of the secret. It is not parsed here: the import checks whether it can be used.
    pub secret_phc: SecretPhc,
    /// 1 to 100 characters.
    pub owner: String,
    /// Whether the owner is an administrator; `false` if the attribute is missing.
    pub admin: bool,
    /// At most 50, of 1 to 100 characters each.
    pub roles: BTreeSet<String>,
    /// When the token was revoked. Even a time in the future means that it is revoked.
    pub revoked_at: Option<UnixTime>,
    /// When the token expires.
    pub expires_at: Option<UnixTime>,
    /// When the token was issued.
    pub created_at: UnixTime,
    /// When the token was last verified.
    pub last_used_at: Option<UnixTime>,
}

impl AccessToken {
    /// The maximum size of an item's JSON, in bytes: 1 MiB. DynamoDB limits items to 400 KB.
    pub const MAX_JSON: usize = 1 << 20;
    /// The maximum length of an owner or a role, in characters.
    pub const MAX_TEXT: usize = 100;
    /// The maximum number of roles.
    pub const MAX_ROLES: usize = 50;
    /// The maximum length of a hash, in characters.
    pub const MAX_PHC: usize = 200;

    /// Reads one item in DynamoDB's own JSON, where each value is nested under its type.
    ///
    /// The text is the item itself, as in a stream of changes, or an object with the item in its
    /// member `Item`, as in the output of `get-item` and in each line of an export to S3.
    ///
    /// # Errors
    ///
    /// - [`TooLong`](ItemError::TooLong), [`Malformed`](ItemError::Malformed),
    ///   [`Repeated`](ItemError::Repeated): it is not such JSON.
    /// - [`Ghost`](ItemError::Ghost), [`Missing`](ItemError::Missing),
    ///   [`Invalid`](ItemError::Invalid): the item is not a token.
    pub fn from_dynamodb_json(text: &str) -> Result<Self, ItemError> {
        Self::from_attributes(json::attributes(text)?)
    }

    /// Reads one item from its attributes: names and values, in any order.
    ///
    /// ```
    /// use sealtoken_import::access_tokens::{AccessToken, Attribute, ItemError};
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
    /// [`Repeated`](ItemError::Repeated), [`Ghost`](ItemError::Ghost),
    /// [`Missing`](ItemError::Missing) and [`Invalid`](ItemError::Invalid).
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

/// The hash of a token's secret, as that system stores it: 1 to 200 characters, usually of
/// `$scrypt$…`.
///
/// `Debug` prints `SecretPhc`.
///
/// ```
/// # use sealtoken_import::access_tokens::{AccessToken, SecretPhc};
/// /// The parameters alone, to see how strong the hashes of a table are.
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
    /// Keep it out of logs. It lets an attacker guess a secret that was not random.
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

impl From<AccessToken> for ForeignPat {
    fn from(token: AccessToken) -> Self {
        let SecretPhc(hash) = token.secret_phc;
        let mut pat = Self::new(token.token_id, hash, token.owner, token.created_at);
        pat.admin = token.admin;
        pat.roles = token.roles.into_iter().collect();
        pat.expires_at = token.expires_at;
        pat.revoked_at = token.revoked_at;
        pat.last_used_at = token.last_used_at;
        pat
    }
}

/// The attributes of an item read so far.
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
        // That system leaves this behind if a token is removed while it is being verified.
        if self.0.keys().eq(&["lastUsedAt", "tokenId"]) {
            return Err(ItemError::Ghost);
        }
        Ok(AccessToken {
            token_id: self.required("tokenId", |value| value.text(21)?.parse().ok())?,
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

    /// A time that may be missing, or `NULL`.
    fn time(&mut self, attribute: &'static str) -> Result<Option<UnixTime>, ItemError> {
        if self.0.get(attribute) == Some(&Attribute::Null) {
            return Ok(None);
        }
        self.optional(attribute, Attribute::time)
    }

    /// A time that the original tests for truthiness in JavaScript, so that 0 means none.
    fn end(&mut self, attribute: &'static str) -> Result<Option<UnixTime>, ItemError> {
        let time = self.time(attribute)?;
        Ok(time.filter(|time| time.as_secs() > 0))
    }
}

/// The name in [`NAMES`], if it is known.
fn known(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

fn roles(value: Attribute) -> Option<BTreeSet<String>> {
    let roles = value.texts()?;
    let fit = |role: &String| attribute::fits(role, AccessToken::MAX_TEXT);
    // Counted with duplicates, as that system does.
    (roles.len() <= AccessToken::MAX_ROLES && roles.iter().all(fit))
        .then(|| roles.into_iter().collect())
}
