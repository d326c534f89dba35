//! What a token is to be.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::clock::UnixTime;
use crate::sealed::End;
use crate::token::Lifetime;

use super::record::Origin;
use super::roles::{Roles, check_scopes, has_characters};
use super::row::Facts;
use super::{PatError, PatId, SecretHash};

/// What a token is to be: whose, what it may do, and until when.
///
/// ```
/// use sealtoken::Lifetime;
/// use sealtoken::pat::NewPat;
///
/// let new = NewPat::for_owner("ada@example.com")
///     .name("laptop")
///     .role("reader")
///     .scope("repo:read")
///     .metadata("ticket", "OPS-12")
///     .expires_in(Lifetime::days(90));
/// ```
#[derive(Debug, Clone)]
#[must_use = "this describes a token; `issue` makes it"]
pub struct NewPat {
    owner: String,
    admin: bool,
    roles: BTreeSet<String>,
    scopes: BTreeSet<String>,
    name: Option<String>,
    metadata: BTreeMap<String, String>,
    end: Option<End>,
}

impl NewPat {
    /// A token of this owner, of 1 to 100 characters: without roles, and without an end unless one is set.
    pub fn for_owner(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            admin: false,
            roles: BTreeSet::new(),
            scopes: BTreeSet::new(),
            name: None,
            metadata: BTreeMap::new(),
            end: None,
        }
    }

    /// Whether it may do everything; not unless set.
    pub fn admin(mut self, admin: bool) -> Self {
        self.admin = admin;
        self
    }

    /// One more role: at most 50, of 1 to 100 characters each.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.insert(role.into());
        self
    }

    /// More roles.
    pub fn roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// One more scope: at most 50, of 1 to 100 characters each.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.insert(scope.into());
        self
    }

    /// More scopes.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// What its owner calls it: 1 to 100 characters.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Something else to be known about it: at most 50 entries, values of at most 1,000 characters, 8 KiB in all.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Lets it end so long after it is issued.
    pub fn expires_in(mut self, lifetime: Lifetime) -> Self {
        self.end = Some(End::In(lifetime));
        self
    }

    /// Lets it end at this moment.
    pub fn expires_at(mut self, at: impl Into<UnixTime>) -> Self {
        self.end = Some(End::At(at.into()));
        self
    }

    /// Lets it end when it did elsewhere: perhaps in the past.
    #[cfg(feature = "import")]
    pub(super) fn expired_at(mut self, at: UnixTime) -> Self {
        self.end = Some(End::Was(at));
        self
    }

    /// Checks it, and gives the facts of a token with this id and hash.
    pub(super) fn facts(
        self,
        (id, hash, origin): (&PatId, SecretHash, Origin),
        now: UnixTime,
    ) -> Result<Facts, PatError> {
        check_owner(&self.owner)?;
        check_scopes(&self.scopes)?;
        self.name.as_deref().map_or(Ok(()), check_name)?;
        check_metadata(&self.metadata)?;
        Ok(Facts {
            id: *id,
            hash,
            before: None,
            origin,
            roles: Roles::new(&self.roles)?,
            owner: self.owner,
            admin: self.admin,
            scopes: self.scopes,
            name: self.name,
            metadata: self.metadata,
            created: now.as_secs(),
            updated: now.as_secs(),
            last_used: None,
            expires: self.end.map(|end| end.seconds(now)).transpose()?.flatten(),
            revoked: None,
            purge: None,
        })
    }
}

pub(super) fn check_owner(owner: &str) -> Result<(), PatError> {
    let fits = has_characters(owner, 1..=100);
    fits.then_some(()).ok_or(PatError::InvalidOwner)
}

pub(super) fn check_name(name: &str) -> Result<(), PatError> {
    let fits = has_characters(name, 1..=100);
    fits.then_some(()).ok_or(PatError::InvalidName)
}

pub(super) fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), PatError> {
    let each = metadata
        .iter()
        .all(|(key, value)| has_characters(key, 1..=100) && has_characters(value, 0..=1000));
    let bytes = metadata
        .iter()
        .map(|(key, value)| key.len().saturating_add(value.len()));
    let fits = metadata.len() <= 50 && each && bytes.fold(0, usize::saturating_add) <= 8192;
    fits.then_some(()).ok_or(PatError::InvalidMetadata)
}
