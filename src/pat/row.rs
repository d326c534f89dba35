//! A token's record: sealed, and found by owner and role.

use serde::{Deserialize, Serialize};

use crate::crypto::clock::UnixTime;
use crate::sealed::{Draft, Keyset, Plaintext, ServiceError, State};
use crate::store::{Label, Record, RecordKey, Version};

use super::record::{Origin, PatRecord};
use super::roles::Roles;
use super::{PatError, PatId, SecretHash, names};

/// The first byte of the plaintext: the only format so far.
const FORMAT: u8 = 1;

/// How far ahead of this node's clock, in seconds, a last use may lie, because the clocks of nodes
/// differ. They agree on the later one.
const FUTURE_SKEW: i64 = 60;

const TAMPERED: PatError = PatError::Service(ServiceError::Tampered);

/// What is known about a token, as it is sealed: in this order, by postcard. Times are Unix
/// seconds.
///
/// A new field needs a new [`FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) id: PatId,
    #[serde(with = "super::hash")]
    pub(super) hash: SecretHash,
    /// The secret before the last rotation.
    pub(super) previous: Option<Previous>,
    #[serde(with = "StoredOrigin")]
    pub(super) origin: Origin,
    pub(super) owner: String,
    pub(super) admin: bool,
    pub(super) roles: Roles,
    pub(super) scopes: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) last_used: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) revoked: Option<i64>,
    /// When a revoked token may be removed.
    pub(super) purge: Option<i64>,
}

/// An origin in a sealed record.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Origin")]
enum StoredOrigin {
    Issued,
    Registered,
    Imported,
}

/// A secret that was rotated out, and when its overlap with the new one expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Previous {
    #[serde(with = "super::hash")]
    pub(super) hash: SecretHash,
    pub(super) expires: i64,
}

impl Meta {
    /// When the record may be purged: a while after its expiry, or at the moment set when it was
    /// revoked, whichever comes first.
    fn purge_at(&self, keep_expired: i64) -> Option<UnixTime> {
        let after_expiry = self
            .expires
            .map(|expires| expires.saturating_add(keep_expired));
        let after_revocation = self.revoked.and(self.purge);
        let first = [after_expiry, after_revocation].into_iter().flatten().min();
        first.map(UnixTime::from_secs)
    }

    pub(super) fn is_expired(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now.as_secs())
    }

    pub(super) fn state_at(&self, now: UnixTime) -> State {
        if self.revoked.is_some() {
            State::Revoked
        } else if self.is_expired(now) {
            State::Expired
        } else {
            State::Live
        }
    }

    /// Whether a use at this moment is to be written, if that happens once in `every` seconds. A
    /// last use further in the future than clocks differ was written by a wrong clock.
    pub(super) fn is_use_due(&self, every: Option<i64>, at: UnixTime, now: UnixTime) -> bool {
        let latest = now.saturating_add(FUTURE_SKEW).as_secs();
        every.is_some_and(|every| {
            self.last_used
                .is_none_or(|last| last > latest || last.saturating_add(every) <= at.as_secs())
        })
    }

    /// The record as callers see it.
    pub(super) fn into_record(self, with_hash: bool) -> PatRecord {
        let at = |seconds: Option<i64>| seconds.map(UnixTime::from_secs);
        let mut roles = self.roles.labelled;
        if !self.roles.more.is_empty() {
            roles.extend(self.roles.more);
            roles.sort_unstable();
        }
        PatRecord {
            id: self.id,
            owner: self.owner,
            admin: self.admin,
            roles,
            scopes: self.scopes,
            name: self.name,
            metadata: self.metadata,
            origin: self.origin,
            created_at: UnixTime::from_secs(self.created),
            updated_at: UnixTime::from_secs(self.updated),
            last_used_at: at(self.last_used),
            expires_at: at(self.expires),
            revoked_at: at(self.revoked),
            purge_at: at(self.revoked.and(self.purge)),
            previous_secret_expires_at: at(self.previous.map(|previous| previous.expires)),
            hash: with_hash.then_some(self.hash),
        }
    }
}

/// What a secret is checked against: the first fields of [`Meta`].
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) _id: PatId,
    #[serde(with = "super::hash")]
    pub(super) hash: SecretHash,
    pub(super) previous: Option<Previous>,
    #[serde(with = "StoredOrigin")]
    pub(super) origin: Origin,
}

/// An opened record of which only the head was read. The rest can be long, and is for callers who
/// have the secret.
pub(super) struct Opened {
    pub(super) head: Head,
    version: Version,
    plaintext: Plaintext,
}

impl Opened {
    pub(super) fn open(keyset: &Keyset, record: &Record) -> Result<Self, PatError> {
        let plaintext = keyset.open(record)?.plaintext;
        let meta = of_this_format(&plaintext).ok_or(TAMPERED)?;
        let (head, _) = postcard::take_from_bytes(meta).map_err(|_| TAMPERED)?;
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
            meta: read(&self.plaintext).ok_or(TAMPERED)?,
        })
    }
}

/// A token's record.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) version: Version,
    pub(super) meta: Box<Meta>,
}

impl Row {
    /// The record as callers see it.
    pub(super) fn into_record(self, with_hash: bool) -> PatRecord {
        self.meta.into_record(with_hash)
    }
}

/// The key of a token's record.
pub(super) fn key(keyset: &Keyset, id: PatId) -> RecordKey {
    let id = keyset.id(&[b"token", id.as_str().as_bytes()]);
    RecordKey::new(names::TOKENS, id)
}

/// The label value that finds the tokens of an owner.
pub(super) fn owner_label(keyset: &Keyset, owner: &str) -> Vec<u8> {
    keyset.label(&[b"owner", owner.as_bytes()])
}

/// The label value that finds the tokens with a role.
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
    meta: &Meta,
    keep_expired: i64,
) -> Result<Record, PatError> {
    let mut labels = vec![Label::new(names::OWNER, owner_label(keyset, &meta.owner))];
    let role = |role: &String| Label::new(names::ROLE, role_label(keyset, role));
    labels.extend(meta.roles.labelled.iter().map(role));
    if !meta.roles.more.is_empty() {
        labels.push(Label::new(names::MORE_ROLES, more_roles_label(keyset)));
    }
    let plaintext = postcard::to_extend(meta, vec![FORMAT]);
    let plaintext = plaintext.map_err(|_| TAMPERED)?;
    let draft = Draft {
        key,
        purge_at: meta.purge_at(keep_expired),
        labels,
        plaintext: &plaintext,
        payload: &[],
    };
    Ok(keyset.seal(draft)?)
}

/// Reads the whole plaintext: bytes after the metadata are an error.
fn read(plaintext: &[u8]) -> Option<Box<Meta>> {
    let (meta, rest) = postcard::take_from_bytes(of_this_format(plaintext)?).ok()?;
    rest.is_empty().then(|| Box::new(meta))
}

fn of_this_format(plaintext: &[u8]) -> Option<&[u8]> {
    let (&format, meta) = plaintext.split_first()?;
    (format == FORMAT).then_some(meta)
}

#[cfg(test)]
mod tests {
    use crate::crypto::secret::Secret;
    use crate::pat::hash::Hasher;
    use crate::pat::new::NewPat;

    use super::*;

    /// Another format could only come from a later version.
    #[test]
    fn a_record_has_the_one_format_and_nothing_behind_its_metadata() {
        let keyset = Keyset::new(b"pat".to_vec(), Secret::from([7; 32]));
        let id = PatId::generate().unwrap();
        let hash = Hasher::new(&Secret::from([8; 32])).hash(b"text");
        let now = UnixTime::from_secs(1);
        let mut new = NewPat::of("ada".into());
        new.roles.push("reader".into());
        new.name = Some("laptop".into());
        let meta = new.meta((id, hash, Origin::Issued), now).unwrap();
        let open = |plaintext: &[u8]| {
            let draft = Draft {
                key: key(&keyset, id),
                purge_at: None,
                labels: Vec::new(),
                plaintext,
                payload: &[],
            };
            let record = keyset.seal(draft).unwrap();
            let row = Opened::open(&keyset, &record)?.read()?;
            Ok(*row.meta)
        };
        let mut plaintext = postcard::to_extend(&meta, vec![FORMAT]).unwrap();
        assert_eq!(open(&plaintext), Ok(meta));
        // Our hash is stored as bytes, so verifying a token parses nothing.
        let mut windows = plaintext.windows(4);
        assert!(!windows.any(|bytes| bytes == b"hmac"));
        for length in 0..plaintext.len() {
            let cut = open(&plaintext[..length]);
            assert_eq!(cut, Err(TAMPERED), "{length}");
        }
        plaintext.push(0);
        assert_eq!(open(&plaintext), Err(TAMPERED));
        plaintext.pop();
        for format in [0, 2, 255] {
            plaintext[0] = format;
            assert_eq!(open(&plaintext), Err(TAMPERED), "{format}");
        }
    }
}
