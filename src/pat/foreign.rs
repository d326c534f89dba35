//! A token of another system, as it is described to an import.

use std::fmt;

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::sealed::NewExpiry;

use super::hash::Kind;
use super::new::NewPat;
use super::record::Origin;
use super::roles::has_characters;
use super::row::Meta;
use super::{PatError, PatId, Reason, SecretHash};

/// A token that another system issued, for
/// [`PersonalAccessTokens::import`](super::PersonalAccessTokens::import).
///
/// ```
/// use sealtoken::UnixTime;
/// use sealtoken::pat::{ForeignPat, PatId};
///
/// # fn example(id: PatId, hash: &str, issued: UnixTime, expiry: UnixTime) -> ForeignPat {
/// let mut pat = ForeignPat::new(id, hash, "ada@example.com", issued);
/// pat.roles.push("reader".to_owned());
/// pat.expires_at = Some(expiry);
/// # pat
/// # }
/// ```
///
/// # Security
///
/// Nothing is verified here. Whoever can write to the other system's database can add a token, or
/// make one an admin's.
#[derive(Clone)]
#[non_exhaustive]
pub struct ForeignPat {
    /// Its id, which it keeps.
    pub id: PatId,
    /// The stored hash of its secret: a PHC string of 1 to 200 characters, such as `$scrypt$…`. A
    /// hash that cannot be verified is kept as it is: see
    /// [`Imported::unusable`](super::Imported::unusable).
    pub hash: String,
    /// Its owner.
    pub owner: String,
    /// Whether its owner may do everything.
    pub admin: bool,
    /// Its roles, in any order.
    pub roles: Vec<String>,
    /// Its scopes, in any order.
    pub scopes: Vec<String>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// Metadata of the caller's own: keys and values. If a key is repeated, the last one counts.
    pub metadata: Vec<(String, String)>,
    /// When it was issued.
    pub created_at: UnixTime,
    /// When it was last used.
    pub last_used_at: Option<UnixTime>,
    /// When it expires or expired.
    pub expires_at: Option<UnixTime>,
    /// When it was revoked. A moment in the future counts, too.
    pub revoked_at: Option<UnixTime>,
}

impl ForeignPat {
    /// A token that has no roles, was never used, never expires and was not revoked.
    ///
    /// Moments before 1970 become its first second, those after 9999 the last of 9999; only an
    /// expiry after 9999 is an error.
    pub fn new(
        id: PatId,
        hash: impl Into<String>,
        owner: impl Into<String>,
        created_at: impl Into<UnixTime>,
    ) -> Self {
        Self {
            id,
            hash: hash.into(),
            owner: owner.into(),
            admin: false,
            roles: Vec::new(),
            scopes: Vec::new(),
            name: None,
            metadata: Vec::new(),
            created_at: created_at.into(),
            last_used_at: None,
            expires_at: None,
            revoked_at: None,
        }
    }
}

impl ForeignPat {
    /// Checks it and converts it to a record's metadata.
    pub(super) fn meta(self, now: UnixTime) -> Result<Meta, PatError> {
        if !has_characters(&self.hash, 1..=200) {
            return Err(PatError::Hash(Reason::InvalidPhc));
        }
        let hash = SecretHash::stored(&self.hash);
        // A keyed hash is made here only: accepting one would let its maker plant a token.
        if matches!(hash.kind(), Kind::Keyed(_)) {
            return Err(PatError::Hash(Reason::UnsupportedAlgorithm));
        }
        let clamped = |at: UnixTime| at.as_secs().clamp(0, MAX_SECONDS);
        let created_at = UnixTime::from_secs(clamped(self.created_at));
        let pat = NewPat {
            owner: self.owner,
            admin: self.admin,
            roles: self.roles,
            scopes: self.scopes,
            name: self.name,
            metadata: self.metadata,
            expiry: self.expires_at.map(NewExpiry::Imported),
        };
        let mut meta = pat.meta((self.id, hash, Origin::Imported), created_at)?;
        meta.last_used = self.last_used_at.map(clamped);
        meta.revoked = self.revoked_at.map(clamped);
        meta.updated = now.as_secs();
        Ok(meta)
    }
}

/// The id alone: whoever sees a hash can guess secrets.
impl fmt::Debug for ForeignPat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignPat")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
