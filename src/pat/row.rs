//! A token's record: all that is known about it, sealed, and found by owner and role.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crypto::clock::UnixTime;
use crate::crypto::wiped::Wiped;
use crate::sealed::{Draft, Keyset};
use crate::store::{Label, Record, RecordKey, Version};

use super::record::{Origin, PatRecord};
use super::roles::Roles;
use super::{PatError, PatId, SecretHash, names};

/// The first byte of what is sealed: the one format so far.
const FORMAT: u8 = 1;

/// What is known about a token, as it is sealed: in this order, written by postcard. Times are Unix seconds.
///
/// A member that is to come later makes a format of its own: see [`FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) id: PatId,
    #[serde(with = "super::hash::stored")]
    pub(super) hash: SecretHash,
    /// The secret before the last rotation.
    pub(super) before: Option<Before>,
    #[serde(with = "Written")]
    pub(super) origin: Origin,
    pub(super) owner: String,
    pub(super) admin: bool,
    pub(super) roles: Roles,
    pub(super) scopes: BTreeSet<String>,
    pub(super) name: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) last_used: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) revoked: Option<i64>,
    /// When a revoked token may be removed.
    pub(super) purge: Option<i64>,
}

/// An origin as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Origin")]
enum Written {
    Issued,
    Registered,
    Imported,
}

/// A secret that was replaced, and until when it is good beside the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    #[serde(with = "super::hash::stored")]
    pub(super) hash: SecretHash,
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

/// What a token's secret is judged by: the first members of [`Facts`].
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) _id: PatId,
    #[serde(with = "super::hash::stored")]
    pub(super) hash: SecretHash,
    pub(super) before: Option<Before>,
    #[serde(with = "Written")]
    pub(super) origin: Origin,
}

/// A token's record, opened, of which no more than the head has been read: the rest can be long, and belongs to those who have the secret.
pub(super) struct Opened {
    pub(super) head: Head,
    version: Version,
    plaintext: Wiped,
}

impl Opened {
    pub(super) fn open(keyset: &Keyset, record: &Record) -> Result<Self, PatError> {
        let plaintext = keyset.open(record)?.plaintext;
        let facts = of_this_format(&plaintext).ok_or(PatError::Tampered)?;
        let (head, _) = postcard::take_from_bytes(facts).map_err(|_| PatError::Tampered)?;
        Ok(Self {
            head,
            version: record.version,
            plaintext,
        })
    }

    /// Reads all of it.
    pub(super) fn read(self) -> Result<Row, PatError> {
        #[cfg(test)]
        crate::crypto::work::count(crate::crypto::work::Work::Read);
        Ok(Row {
            version: self.version,
            facts: read(&self.plaintext).ok_or(PatError::Tampered)?,
        })
    }
}

/// A token's record.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) version: Version,
    pub(super) facts: Box<Facts>,
}

impl Row {
    /// What a caller sees of it.
    pub(super) fn into_record(self, with_hash: bool) -> PatRecord {
        let facts = *self.facts;
        let at = |seconds: Option<i64>| seconds.map(UnixTime::from_secs);
        let mut roles = facts.roles.labelled;
        roles.extend(facts.roles.more);
        PatRecord {
            id: facts.id,
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
            hash: with_hash.then_some(facts.hash),
        }
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
    let plaintext = postcard::to_extend(facts, vec![FORMAT]);
    let plaintext = plaintext.map_err(|_| PatError::Tampered)?;
    let draft = Draft {
        key,
        purge_at: facts.purge_at(keep_expired),
        labels,
        plaintext: &plaintext,
        payload: &[],
    };
    Ok(keyset.seal(draft)?)
}

/// Reads what was sealed: all of it, and nothing behind it.
fn read(plaintext: &[u8]) -> Option<Box<Facts>> {
    let (facts, rest) = postcard::take_from_bytes(of_this_format(plaintext)?).ok()?;
    rest.is_empty().then(|| Box::new(facts))
}

fn of_this_format(plaintext: &[u8]) -> Option<&[u8]> {
    let (&format, facts) = plaintext.split_first()?;
    (format == FORMAT).then_some(facts)
}

#[cfg(test)]
mod tests {
    use crate::crypto::secret::Secret;
    use crate::pat::NewPat;
    use crate::pat::hash::Hasher;

    use super::*;

    /// What only a later version could have sealed, and a part of a record.
    #[test]
    fn a_record_has_the_one_format_and_nothing_behind_its_facts() {
        let keyset = Keyset::new(b"pat".to_vec(), Secret::from([7; 32]));
        let id = PatId::draw().unwrap();
        let hash = Hasher::new(&Secret::from([8; 32])).hash(b"text");
        let now = UnixTime::from_secs(1);
        let new = NewPat::for_owner("ada").role("reader").name("laptop");
        let facts = new.facts((&id, hash, Origin::Issued), now).unwrap();
        let open = |plaintext: &[u8]| {
            let draft = Draft {
                key: key(&keyset, &id),
                purge_at: None,
                labels: Vec::new(),
                plaintext,
                payload: &[],
            };
            let record = keyset.seal(draft).unwrap();
            let row = Opened::open(&keyset, &record)?.read()?;
            Ok(*row.facts)
        };
        let mut plaintext = postcard::to_extend(&facts, vec![FORMAT]).unwrap();
        assert_eq!(open(&plaintext), Ok(facts));
        // A hash of ours is kept as bytes: nothing is parsed where a token is verified.
        let mut windows = plaintext.windows(4);
        assert!(!windows.any(|bytes| bytes == b"hmac"));
        for length in 0..plaintext.len() {
            let cut = open(&plaintext[..length]);
            assert_eq!(cut, Err(PatError::Tampered), "{length}");
        }
        plaintext.push(0);
        assert_eq!(open(&plaintext), Err(PatError::Tampered));
        plaintext.pop();
        for format in [0, 2, 255] {
            plaintext[0] = format;
            assert_eq!(open(&plaintext), Err(PatError::Tampered), "{format}");
        }
    }
}
