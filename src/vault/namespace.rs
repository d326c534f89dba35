//! The keys of one namespace, and the record keys and labels derived from them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::secret::Secret;
use crate::events::Fingerprint;
use crate::limits::{QueueId, Subject};
use crate::sealed::Keyset;
use crate::store::{Query, Record, RecordKey, Values};

use super::{names, subject};

/// The maximum number of namespaces in the cache.
const MAX_CACHED: usize = 1024;

/// The keys of a namespace, and where its records are.
#[derive(Debug)]
pub(super) struct NamespaceKeys {
    pub(super) keyset: Keyset,
    /// The key of payloads without a password.
    pub(super) open: DataKey,
    pub(super) salt: [u8; 16],
    /// The record id of every text that cannot be a token: no record ever has it.
    nowhere: Vec<u8>,
    /// Whether the namespace does not exist: it holds nothing, whatever the database holds by now.
    pub(super) is_stand_in: bool,
}

/// A key of payloads, and the public id by which a record names it.
#[derive(Clone)]
pub(super) struct DataKey {
    pub(super) id: [u8; 16],
    pub(super) key: Secret<32>,
}

impl NamespaceKeys {
    pub(super) fn new(keyset: Keyset) -> Self {
        let open = DataKey {
            id: first_half(keyset.label(&[b"open"])),
            key: keyset.key(names::PAYLOAD),
        };
        let salt = first_half(keyset.key(names::PASSWORD_SALT).expose().to_vec());
        let nowhere = keyset.id(&[b"value", b""]);
        Self {
            keyset,
            open,
            salt,
            nowhere,
            is_stand_in: false,
        }
    }

    /// A stand-in for a missing namespace: lookups cost the same and find nothing.
    pub(super) fn stand_in(keyset: Keyset) -> Self {
        Self {
            is_stand_in: true,
            ..Self::new(keyset)
        }
    }

    /// The record key of a token's value.
    pub(super) fn value_key(&self, token: &str) -> RecordKey {
        let id = self.keyset.id(&[b"value", token.as_bytes()]);
        RecordKey::new(names::VALUES, id)
    }

    /// The record key of an earlier value.
    pub(super) fn version_key(&self, value: &[u8], revision: u64) -> RecordKey {
        let id = self
            .keyset
            .id(&[b"version", value, &revision.to_be_bytes()]);
        RecordKey::new(names::VERSIONS, id)
    }

    /// The prefix of label values that list this namespace alone.
    pub(super) fn scope_prefix(&self) -> [u8; 16] {
        scope_prefix(self.keyset.scope())
    }

    /// Whether the labels of a record name other namespaces, and not this one.
    pub(super) fn is_foreign(&self, record: &Record) -> bool {
        let prefix = self.scope_prefix();
        let labels = record.labels.iter();
        let mut scoped = labels
            .filter(|label| names::SCOPED.contains(&label.name))
            .map(|label| label.value.starts_with(&prefix))
            .peekable();
        scoped.peek().is_some() && !scoped.any(|is_ours| is_ours)
    }

    pub(super) fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        Fingerprint::new(self.keyset.fingerprint(&[value]))
    }

    /// The subjects for which attempts at this token are counted.
    pub(super) fn subjects(&self, value: &[u8]) -> Vec<Subject> {
        let token = Subject::new(subject::TOKEN, first_half(value.to_vec()));
        // Invalid texts all lead to one record key: its attempts are not counted, so no caller can
        // exhaust them for the others.
        let token = (value != self.nowhere).then_some(token);
        token.into_iter().chain([self.subject()]).collect()
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::new(subject::NAMESPACE, self.scope_prefix())
    }

    /// The queue in which its passwords wait for Argon2id. All namespaces that do not exist share
    /// one, so made-up names gain no further turn.
    pub(super) fn queue(&self) -> QueueId {
        QueueId::of(if self.is_stand_in {
            Subject::new(subject::NAMESPACE, [0; 16])
        } else {
            self.subject()
        })
    }
}

fn scope_prefix(id: &[u8]) -> [u8; 16] {
    first_half(id.to_vec())
}

/// Selects all values of the namespace whose keyset has this id.
pub(super) fn values(id: &[u8]) -> Query {
    let ours = Values::beginning_with(scope_prefix(id));
    Query::label(names::VALUES, names::CREATED, ours)
}

/// The first 16 bytes of at least as many.
fn first_half(bytes: Vec<u8>) -> [u8; 16] {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// The namespaces used before. The keys of a namespace never change, so an entry stays valid.
#[derive(Debug, Default)]
pub(super) struct NamespaceCache(Mutex<HashMap<Arc<str>, Arc<NamespaceKeys>>>);

impl NamespaceCache {
    pub(super) fn get(&self, name: &str) -> Option<Arc<NamespaceKeys>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.get(name).cloned()
    }

    pub(super) fn put(&self, name: &Arc<str>, namespace: &Arc<NamespaceKeys>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= MAX_CACHED {
            // Any one will do: reading it again costs one point read.
            let any = cached.keys().next().cloned();
            any.map(|any| cached.remove(&any));
        }
        cached.insert(Arc::clone(name), Arc::clone(namespace));
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_waits_in_its_own_queue_and_all_missing_ones_in_one() {
        let keyset = |n: u8| Keyset::new(vec![n; 32], Secret::from([n; 32]));
        let [ada, bob] = [1, 2].map(|n| NamespaceKeys::new(keyset(n)).queue());
        let [made_up, another] = [3, 4].map(|n| NamespaceKeys::stand_in(keyset(n)).queue());
        assert_ne!(ada, bob);
        assert_eq!(made_up, another);
        assert!(![ada, bob].contains(&made_up));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = NamespaceCache::default();
        let keyset = Keyset::new(vec![1; 32], Secret::from([1; 32]));
        let namespace = Arc::new(NamespaceKeys::new(keyset));
        for n in 0..MAX_CACHED + 10 {
            cache.put(&n.to_string().into(), &namespace);
        }
        assert_eq!(cache.0.lock().unwrap().len(), MAX_CACHED);
        assert!(cache.get(&(MAX_CACHED + 9).to_string()).is_some());
    }
}
