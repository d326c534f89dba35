//! What is known about a token.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::crypto::clock::UnixTime;
use crate::sealed::State;

use super::{PatId, SecretHash};

/// What is known about a token. It never holds the secret, and the hash only if you asked for it.
///
/// It serializes without the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PatRecord {
    /// The token's id.
    pub id: PatId,
    /// Its owner.
    pub owner: String,
    /// Whether its owner may do everything.
    pub admin: bool,
    /// Its roles, sorted.
    pub roles: Vec<String>,
    /// Its scopes, such as `repo:read`, sorted.
    pub scopes: Vec<String>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// Metadata of the caller's own: keys and values, sorted by key. It serializes as a map.
    #[serde(serialize_with = "as_map")]
    pub metadata: Vec<(String, String)>,
    /// Where its secret was made.
    pub origin: Origin,
    /// When it was issued, here or in the system that it was imported from, or registered.
    pub created_at: UnixTime,
    /// When it was last changed. Uses, and the hash upgrades that they cause, do not count.
    pub updated_at: UnixTime,
    /// When it was last used, as far as that is recorded: see
    /// [`PatOptions::last_used_every`](super::PatOptions::last_used_every).
    pub last_used_at: Option<UnixTime>,
    /// When it expires; at that second it is expired.
    pub expires_at: Option<UnixTime>,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
    /// When it may be purged, if that was set when it was revoked.
    pub purge_at: Option<UnixTime>,
    /// When the secret before the last rotation expires or expired, if it had an overlap.
    pub previous_secret_expires_at: Option<UnixTime>,
    /// The hash of its secret, if you asked for it.
    #[serde(skip)]
    pub hash: Option<SecretHash>,
}

/// Where a token's secret was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Here: [`issue`](super::PersonalAccessTokens::issue).
    Issued,
    /// Elsewhere, and its hash was [registered](super::PersonalAccessTokens::register).
    Registered,
    /// In another system, whose records were imported.
    Imported,
}

impl Origin {
    /// The origin once the token has a secret that may have been made elsewhere.
    pub(super) fn with_other_secret(self) -> Self {
        match self {
            Self::Issued => Self::Registered,
            other => other,
        }
    }
}

/// `issued`, `registered` or `imported`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issued => "issued",
            Self::Registered => "registered",
            Self::Imported => "imported",
        })
    }
}

impl PatRecord {
    /// The record of a token that was issued here, has no role and never expires: for tests of code
    /// that takes a record.
    ///
    /// ```
    /// use sealtoken::UnixTime;
    /// use sealtoken::pat::PatRecord;
    ///
    /// # fn main() -> Result<(), sealtoken::pat::PatError> {
    /// let id = "34NwRzvnBbgI3uedkrQ3Q".parse()?;
    /// let mut record = PatRecord::new(id, "ada@example.com", UnixTime::from_secs(0));
    /// record.roles.push("reader".to_owned());
    /// assert!(record.has_role("reader") && !record.admin);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(id: PatId, owner: impl Into<String>, created_at: impl Into<UnixTime>) -> Self {
        let created_at = created_at.into();
        Self {
            id,
            owner: owner.into(),
            admin: false,
            roles: Vec::new(),
            scopes: Vec::new(),
            name: None,
            metadata: Vec::new(),
            origin: Origin::Issued,
            created_at,
            updated_at: created_at,
            last_used_at: None,
            expires_at: None,
            revoked_at: None,
            purge_at: None,
            previous_secret_expires_at: None,
            hash: None,
        }
    }

    /// Whether it has this role. An admin does not have every role: check
    /// [`admin`](PatRecord::admin), too.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has == role)
    }

    /// Whether it has this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }

    /// The value of this key in its metadata.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let entry = self.metadata.iter().find(|(has, _)| has == key);
        entry.map(|(_, value)| value.as_str())
    }

    /// Its state at this moment.
    #[must_use]
    pub fn state_at(&self, now: UnixTime) -> State {
        if self.revoked_at.is_some() {
            State::Revoked
        } else if self.expires_at.is_some_and(|expires| expires <= now) {
            State::Expired
        } else {
            State::Live
        }
    }
}

fn as_map<S: Serializer>(metadata: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(metadata.iter().map(|(key, value)| (key, value)))
}
