//! A token's record: all that is known about it, sealed, and found by owner and role.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crypto::clock::UnixTime;
use crate::sealed::{Draft, Keyset};
use crate::store::{Label, Record, RecordKey, Version};

use super::record::{Origin, PatRecord};
use super::roles::Roles;
use super::{PatError, PatId, SecretHash, names};

/// What is known about a token, as it is sealed. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    #[serde(rename = "i")]
    pub(super) id: String,
    /// The hash of the secret, as a PHC string.
    #[serde(rename = "h")]
    pub(super) hash: String,
    /// The secret before the last rotation.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Before>,
    #[serde(rename = "f")]
    pub(super) origin: Origin,
    #[serde(rename = "o")]
    pub(super) owner: String,
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) admin: bool,
    #[serde(rename = "r", default, skip_serializing_if = "Roles::is_empty")]
    pub(super) roles: Roles,
    #[serde(rename = "s", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) scopes: BTreeSet<String>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(rename = "m", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(rename = "c")]
    pub(super) created: i64,
    #[serde(rename = "u")]
    pub(super) updated: i64,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) last_used: Option<i64>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<i64>,
    /// When a revoked token may be removed.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) purge: Option<i64>,
}

/// A secret that was replaced, and until when it is good beside the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    #[serde(rename = "h")]
    pub(super) hash: String,
    #[serde(rename = "u")]
    pub(super) until: i64,
}

impl Facts {
    /// When the record may be removed: a while after its end, or when its revocation says so, whichever comes first.
    fn purge_at(&self, keep_expired: i64) -> Option<UnixTime> {
        let after_end = self.expires.map(|end| end.saturating_add(keep_expired));
        let after_revocation = self.revoked.and(self.purge);
        let first = [after_end, after_revocation].into_iter().flatten().min();
        first.map(UnixTime::from_secs)
    }

    pub(super) fn is_expired(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|end| end <= now.as_secs())
    }
}

/// A token's record, opened.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) version: Version,
    pub(super) facts: Facts,
}

impl Row {
    pub(super) fn open(keyset: &Keyset, record: &Record) -> Result<Self, PatError> {
        let opened = keyset.open(record)?;
        let facts = serde_json::from_slice(&opened.plaintext).map_err(|_| PatError::Tampered)?;
        Ok(Self {
            version: record.version,
            facts,
        })
    }

    /// What a caller sees of it.
    pub(super) fn into_record(self, with_hash: bool) -> Result<PatRecord, PatError> {
        let facts = self.facts;
        let at = |seconds: Option<i64>| seconds.map(UnixTime::from_secs);
        let mut roles = facts.roles.labelled;
        roles.extend(facts.roles.more);
        Ok(PatRecord {
            id: facts.id.parse().map_err(|_| PatError::Tampered)?,
            owner: facts.owner,
            admin: facts.admin,
            roles,
            scopes: facts.scopes,
            name: facts.name,
            metadata: facts.metadata,
            origin: facts.origin,
            created_at: UnixTime::from_secs(facts.created),
            updated_at: UnixTime::from_secs(facts.updated),
            last_used_at: at(facts.last_used),
            expires_at: at(facts.expires),
            revoked_at: at(facts.revoked),
            purge_at: at(facts.revoked.and(facts.purge)),
            previous_secret_ends_at: at(facts.before.map(|before| before.until)),
            hash: with_hash.then(|| SecretHash::stored(&facts.hash)),
        })
    }
}

/// Where a token's record is.
pub(super) fn key(keyset: &Keyset, id: &PatId) -> RecordKey {
    let id = keyset.id(&[b"token", id.as_str().as_bytes()]);
    RecordKey::new(names::TOKENS, id)
}

/// The label value by which the tokens of an owner are found.
pub(super) fn owner_label(keyset: &Keyset, owner: &str) -> Vec<u8> {
    keyset.label(&[b"owner", owner.as_bytes()])
}

/// The label value by which the tokens with a role are found.
pub(super) fn role_label(keyset: &Keyset, role: &str) -> Vec<u8> {
    keyset.label(&[b"role", role.as_bytes()])
}

/// The label value of all tokens that have more roles than labels.
pub(super) fn more_roles_label(keyset: &Keyset) -> Vec<u8> {
    keyset.label(&[b"more roles"])
}

/// Seals a token's record.
pub(super) fn seal(
    keyset: &Keyset,
    key: RecordKey,
    facts: &Facts,
    keep_expired: i64,
) -> Result<Record, PatError> {
    let mut labels = vec![Label::new(names::OWNER, owner_label(keyset, &facts.owner))];
    let role = |role: &String| Label::new(names::ROLE, role_label(keyset, role));
    labels.extend(facts.roles.labelled.iter().map(role));
    if !facts.roles.more.is_empty() {
        labels.push(Label::new(names::MORE_ROLES, more_roles_label(keyset)));
    }
    let plaintext = serde_json::to_vec(facts).map_err(|_| PatError::Tampered)?;
    let draft = Draft {
        key,
        purge_at: facts.purge_at(keep_expired),
        labels,
        plaintext: &plaintext,
        payload: &[],
    };
    Ok(keyset.seal(draft)?)
}
