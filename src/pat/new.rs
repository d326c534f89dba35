//! The settings of a new token.

use std::collections::BTreeMap;

use crate::crypto::clock::UnixTime;
use crate::sealed::NewExpiry;

use super::record::Origin;
use super::roles::{Roles, check_scopes, has_characters, sorted};
use super::row::Meta;
use super::{PatError, PatId, SecretHash};

/// The settings of a new token: whose it is, what it may do, and until when. Sorted and checked
/// when it becomes a [`Meta`].
#[derive(Debug, Clone)]
pub(super) struct NewPat {
    pub(super) owner: String,
    pub(super) admin: bool,
    pub(super) roles: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) expiry: Option<NewExpiry>,
}

impl NewPat {
    /// A token without roles that does not expire.
    pub(super) fn of(owner: String) -> Self {
        Self {
            owner,
            admin: false,
            roles: Vec::new(),
            scopes: Vec::new(),
            name: None,
            metadata: Vec::new(),
            expiry: None,
        }
    }

    /// Checks it. A lifetime counts from `now`.
    pub(super) fn meta(
        self,
        (id, hash, origin): (PatId, SecretHash, Origin),
        now: UnixTime,
    ) -> Result<Meta, PatError> {
        let scopes = sorted(self.scopes);
        let metadata = sorted_entries(self.metadata);
        check_owner(&self.owner)?;
        check_scopes(&scopes)?;
        self.name.as_deref().map_or(Ok(()), check_name)?;
        check_metadata(&metadata)?;
        let expires = self.expiry.map(|expiry| expiry.seconds(now)).transpose()?;
        Ok(Meta {
            id,
            hash,
            previous: None,
            origin,
            roles: Roles::new(&sorted(self.roles))?,
            owner: self.owner,
            admin: self.admin,
            scopes,
            name: self.name,
            metadata,
            created: now.as_secs(),
            updated: now.as_secs(),
            last_used: None,
            expires: expires.flatten(),
            revoked: None,
            purge: None,
        })
    }
}

pub(super) fn check_owner(owner: &str) -> Result<(), PatError> {
    let valid = has_characters(owner, 1..=100);
    valid.then_some(()).ok_or(PatError::InvalidOwner)
}

pub(super) fn check_name(name: &str) -> Result<(), PatError> {
    let valid = has_characters(name, 1..=100);
    valid.then_some(()).ok_or(PatError::InvalidName)
}

/// Entries in the order of their keys. Of those with the same key, the last one counts.
pub(super) fn sorted_entries<K: Into<String>, V: Into<String>>(
    entries: impl IntoIterator<Item = (K, V)>,
) -> Vec<(String, String)> {
    let entries = entries.into_iter();
    let entries: BTreeMap<String, String> = entries
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    entries.into_iter().collect()
}

pub(super) fn check_metadata(metadata: &[(String, String)]) -> Result<(), PatError> {
    let each = metadata
        .iter()
        .all(|(key, value)| has_characters(key, 1..=100) && has_characters(value, 0..=1000));
    let bytes = metadata
        .iter()
        .map(|(key, value)| key.len().saturating_add(value.len()));
    let valid = metadata.len() <= 50 && each && bytes.fold(0, usize::saturating_add) <= 8192;
    valid.then_some(()).ok_or(PatError::InvalidMetadata)
}
