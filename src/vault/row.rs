//! A value's record: what is known about it, sealed by the namespace's key, and the value itself,
//! sealed by a data key.

use serde::{Deserialize, Serialize};

use crate::crypto::clock::UnixTime;
use crate::sealed::{Draft, ServiceError, State};
use crate::store::{Label, Record, RecordKey, Version};

use super::VaultError;
use super::names;
use super::namespace::{DataKey, NamespaceKeys};
use super::secret::SecretBytes;

/// What is known about a value. It is sealed, and the payload is bound to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    /// When the value was created, in Unix seconds, as all times here.
    #[serde(rename = "c")]
    pub(super) created: i64,
    /// When it was last updated.
    #[serde(rename = "u")]
    pub(super) updated: i64,
    /// When it expires: at this very second.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
    /// When it was soft-deleted.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<i64>,
    /// The caller's label.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    /// Counts the values that the token has had, from 1.
    #[serde(rename = "r")]
    pub(super) revision: u64,
    /// The revision of the oldest value that is kept; equal to `revision` if that is the only one.
    #[serde(rename = "o")]
    pub(super) oldest: u64,
    /// The length of the value in bytes.
    #[serde(rename = "n")]
    pub(super) length: u64,
}

impl Meta {
    pub(super) fn expires_at(&self) -> Option<UnixTime> {
        self.expires.map(UnixTime::from_secs)
    }

    pub(super) fn is_expired(&self, now: UnixTime) -> bool {
        self.expires_at().is_some_and(|at| at <= now)
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// The state at `now`. A soft-deleted value is in that state even if it has expired, too.
    pub(super) fn state_at(&self, now: UnixTime) -> State {
        if self.is_deleted() {
            State::Deleted
        } else if self.is_expired(now) {
            State::Expired
        } else {
            State::Live
        }
    }

    /// Whether the value can be read now.
    pub(super) fn check(&self, now: UnixTime) -> Result<(), VaultError> {
        match self.state_at(now) {
            State::Live => Ok(()),
            State::Expired => Err(VaultError::Expired),
            State::Deleted | State::Revoked => Err(VaultError::Deleted),
        }
    }
}

/// A value's record, as far as it opens without a password.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: RecordKey,
    pub(super) version: Version,
    pub(super) meta: Meta,
    /// The id of the data key that sealed the payload.
    pub(super) data_key: [u8; 16],
    pub(super) payload: Vec<u8>,
    /// How many labels the record has.
    pub(super) labels: usize,
}

impl Row {
    /// Opens a record of this namespace.
    pub(super) fn open(namespace: &NamespaceKeys, record: Record) -> Result<Self, VaultError> {
        let opened = namespace.keyset.open(&record)?;
        let meta: Meta = serde_json::from_slice(&opened.plaintext)
            .map_err(|_| VaultError::Service(ServiceError::Tampered))?;
        Ok(Self {
            data_key: data_key(&record)?,
            payload: opened.payload.to_vec(),
            labels: record.labels.len(),
            meta,
            version: record.version,
            key: record.key,
        })
    }

    /// Whether the earlier value with this number is kept.
    pub(super) fn keeps(&self, number: u64) -> bool {
        (self.meta.oldest..self.meta.revision).contains(&number)
    }

    /// The value, with the data key that it names.
    pub(super) fn reveal(
        &self,
        namespace: &NamespaceKeys,
        key: &DataKey,
    ) -> Result<SecretBytes, VaultError> {
        reveal(
            namespace,
            key,
            (&self.key.id, self.meta.revision),
            &self.payload,
        )
    }

    /// Seals the row again with the same value and other metadata.
    pub(super) fn with_meta(
        &self,
        namespace: &NamespaceKeys,
        meta: &Meta,
    ) -> Result<Record, VaultError> {
        seal(namespace, &self.key, meta, self.data_key, &self.payload)
    }
}

/// The id of the data key that sealed a record's payload.
fn data_key(record: &Record) -> Result<[u8; 16], VaultError> {
    let id = record
        .label(&names::DATA_KEY)
        .and_then(|id| id.try_into().ok());
    id.ok_or(VaultError::Service(ServiceError::Tampered))
}

/// Opens a payload. It is bound to the token and the revision, so it moves to the earlier values
/// unchanged.
fn reveal(
    namespace: &NamespaceKeys,
    key: &DataKey,
    (id, revision): (&[u8], u64),
    payload: &[u8],
) -> Result<SecretBytes, VaultError> {
    let context = [id, &revision.to_be_bytes()];
    Ok(namespace
        .keyset
        .open_payload(&key.key, &context, payload)?
        .into())
}

/// Seals a value for a token and a revision.
pub(super) fn conceal(
    namespace: &NamespaceKeys,
    key: &DataKey,
    id: &[u8],
    revision: u64,
    value: &SecretBytes,
) -> Result<Vec<u8>, VaultError> {
    let context = [id, &revision.to_be_bytes()];
    let keyset = &namespace.keyset;
    Ok(keyset.seal_payload(&key.key, &context, value.expose())?)
}

/// Seals a value's record.
pub(super) fn seal(
    namespace: &NamespaceKeys,
    key: &RecordKey,
    meta: &Meta,
    data_key: [u8; 16],
    payload: &[u8],
) -> Result<Record, VaultError> {
    let timed = |name, seconds| {
        let at = namespace.keyset.order(UnixTime::from_secs(seconds));
        Label::new(name, [namespace.scope_prefix(), at].concat())
    };
    let mut labels = vec![
        timed(names::CREATED, meta.created),
        Label::new(names::DATA_KEY, data_key),
    ];
    let expires = if meta.is_deleted() {
        names::EXPIRES_DELETED
    } else {
        names::EXPIRES
    };
    labels.extend(meta.expires.map(|seconds| timed(expires, seconds)));
    labels.extend(meta.deleted.map(|seconds| timed(names::DELETED, seconds)));
    labels.extend(meta.label.as_ref().map(|label| {
        let value = namespace.keyset.label(&[b"label", label.as_bytes()]);
        Label::new(names::LABEL, value)
    }));
    let plaintext =
        serde_json::to_vec(meta).map_err(|_| VaultError::Service(ServiceError::Tampered))?;
    let draft = Draft {
        key: key.clone(),
        purge_at: None,
        labels,
        plaintext: &plaintext,
        payload,
    };
    Ok(namespace.keyset.seal(draft)?)
}

/// What is known about an earlier value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Earlier {
    #[serde(rename = "r")]
    revision: u64,
    #[serde(rename = "u")]
    updated: i64,
    #[serde(rename = "n")]
    length: u64,
}

/// An earlier value's record, as far as it opens without a password.
#[derive(Debug)]
pub(super) struct EarlierRow {
    pub(super) revision: u64,
    pub(super) updated: i64,
    pub(super) length: u64,
    pub(super) data_key: [u8; 16],
    value: Vec<u8>,
    payload: Vec<u8>,
}

impl EarlierRow {
    /// Seals the current value of a row as an earlier one.
    pub(super) fn seal(namespace: &NamespaceKeys, row: &Row) -> Result<Record, VaultError> {
        let meta = Earlier {
            revision: row.meta.revision,
            updated: row.meta.updated,
            length: row.meta.length,
        };
        let plaintext =
            serde_json::to_vec(&meta).map_err(|_| VaultError::Service(ServiceError::Tampered))?;
        let draft = Draft {
            key: namespace.version_key(&row.key.id, row.meta.revision),
            purge_at: None,
            labels: vec![Label::new(names::DATA_KEY, row.data_key)],
            plaintext: &plaintext,
            payload: &row.payload,
        };
        Ok(namespace.keyset.seal(draft)?)
    }

    pub(super) fn open(
        namespace: &NamespaceKeys,
        value: &[u8],
        record: &Record,
    ) -> Result<Self, VaultError> {
        let opened = namespace.keyset.open(record)?;
        let meta: Earlier = serde_json::from_slice(&opened.plaintext)
            .map_err(|_| VaultError::Service(ServiceError::Tampered))?;
        Ok(Self {
            revision: meta.revision,
            updated: meta.updated,
            length: meta.length,
            data_key: data_key(record)?,
            value: value.to_vec(),
            payload: opened.payload.to_vec(),
        })
    }

    pub(super) fn reveal(
        &self,
        namespace: &NamespaceKeys,
        key: &DataKey,
    ) -> Result<SecretBytes, VaultError> {
        reveal(namespace, key, (&self.value, self.revision), &self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::sealed::Keyset;

    /// The owner of the ring can seal rows, but moves no payload to another token or revision.
    #[test]
    fn a_payload_opens_at_its_token_and_revision_alone() {
        let namespace = NamespaceKeys::new(Keyset::new(vec![1; 32], Secret::from([1; 32])));
        let key = namespace.open.clone();
        let payload = conceal(&namespace, &key, b"ada", 1, &"v".into()).unwrap();
        let opened = |context| reveal(&namespace, &key, context, &payload);
        assert_eq!(opened((b"ada", 1)).unwrap().expose(), b"v");
        for other in [(&b"bob"[..], 1), (b"ada", 2), (b"", 1), (b"ada", 0)] {
            assert_eq!(
                opened(other).err(),
                Some(VaultError::Service(ServiceError::Tampered)),
                "{other:?}"
            );
        }
    }
}
