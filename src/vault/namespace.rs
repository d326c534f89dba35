//! The keys of one namespace, and what is found by them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::secret::Secret;
use crate::events::Fingerprint;
use crate::limits::{Lane, Subject};
use crate::sealed::{Keyset, Use};
use crate::store::{Query, Record, RecordKey, Values};

use super::names;

/// The most namespaces whose keys are kept in memory.
const KEPT: usize = 1024;

/// A namespace: its keys, and the names of what is in it.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) keyset: Keyset,
    /// The key of payloads that no password protects, under the id that says so.
    pub(super) open: DataKey,
    pub(super) salt: [u8; 16],
    /// Where texts lead that can be no token: nothing is ever there.
    nowhere: Vec<u8>,
    /// Whether there is no such namespace: nothing is in it, whatever the database holds by now.
    pub(super) is_phantom: bool,
}

/// A key of payloads, and the public id by which they name it.
#[derive(Clone)]
pub(super) struct DataKey {
    pub(super) id: [u8; 16],
    pub(super) key: Secret<32>,
}

impl Namespace {
    pub(super) fn new(keyset: Keyset) -> Self {
        let open = DataKey {
            id: first_half(keyset.label(&[b"open"])),
            key: keyset.key(Use::Payload),
        };
        let salt = first_half(keyset.key(Use::PasswordSalt).expose().to_vec());
        let nowhere = keyset.id(&[b"value", b""]);
        Self {
            keyset,
            open,
            salt,
            nowhere,
            is_phantom: false,
        }
    }

    /// One that there is not: looking for something in it costs the same, and finds nothing.
    pub(super) fn phantom(keyset: Keyset) -> Self {
        Self {
            is_phantom: true,
            ..Self::new(keyset)
        }
    }

    /// Where the value of a token is.
    pub(super) fn value_key(&self, token: &str) -> RecordKey {
        let id = self.keyset.id(&[b"value", token.as_bytes()]);
        RecordKey::new(names::VALUES, id)
    }

    /// Where an earlier value is.
    pub(super) fn version_key(&self, value: &[u8], revision: u64) -> RecordKey {
        let id = self
            .keyset
            .id(&[b"version", value, &revision.to_be_bytes()]);
        RecordKey::new(names::VERSIONS, id)
    }

    /// What begins the values of labels that list this namespace alone.
    pub(super) fn mark(&self) -> [u8; 16] {
        mark(self.keyset.scope())
    }

    /// Whether a record says that it is of another namespace, and of this one nowhere.
    pub(super) fn is_named_otherwise(&self, record: &Record) -> bool {
        let mark = self.mark();
        let labels = record.labels.iter();
        let mut marked = labels
            .filter(|label| names::MARKED.contains(&label.name))
            .map(|label| label.value.starts_with(&mark))
            .peekable();
        marked.peek().is_some() && !marked.any(|is_ours| is_ours)
    }

    pub(super) fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        Fingerprint::new(self.keyset.fingerprint(&[value]))
    }

    /// What attempts at this token are counted for.
    pub(super) fn subjects(&self, value: &[u8]) -> Vec<Subject> {
        let token = Subject::Token(first_half(value.to_vec()));
        // All that can be no token leads to one place: nobody is to close it for the others.
        let token = (value != self.nowhere).then_some(token);
        token.into_iter().chain([self.subject()]).collect()
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::Namespace(self.mark())
    }

    /// Where its passwords wait for Argon2id. All namespaces that do not exist share one lane: making names up gains no further turn.
    pub(super) fn lane(&self) -> Lane {
        Lane::of(if self.is_phantom {
            Subject::Namespace([0; 16])
        } else {
            self.subject()
        })
    }
}

fn mark(id: &[u8]) -> [u8; 16] {
    first_half(id.to_vec())
}

/// All values of the namespace whose keyset has this id.
pub(super) fn values(id: &[u8]) -> Query {
    let ours = Values::beginning_with(mark(id));
    Query::label(names::VALUES, names::CREATED, ours)
}

/// The first 16 bytes of at least as many.
fn first_half(bytes: Vec<u8>) -> [u8; 16] {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// The namespaces that were used. A namespace's keys never change, so what is here stays right.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<HashMap<Arc<str>, Arc<Namespace>>>);

impl Kept {
    pub(super) fn get(&self, name: &str) -> Option<Arc<Namespace>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).cloned()
    }

    pub(super) fn put(&self, name: &Arc<str>, namespace: &Arc<Namespace>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            // Which one goes makes little difference: to read it again is one point read.
            let any = kept.keys().next().cloned();
            any.map(|any| kept.remove(&any));
        }
        kept.insert(Arc::clone(name), Arc::clone(namespace));
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
    fn a_namespace_waits_in_its_own_lane_and_all_that_are_none_in_one() {
        let keyset = |n: u8| Keyset::new(vec![n; 32], Secret::from([n; 32]));
        let [ada, bob] = [1, 2].map(|n| Namespace::new(keyset(n)).lane());
        let [made_up, another] = [3, 4].map(|n| Namespace::phantom(keyset(n)).lane());
        assert_ne!(ada, bob);
        assert_eq!(made_up, another);
        assert!(![ada, bob].contains(&made_up));
    }

    #[test]
    fn keys_are_kept_of_so_many_namespaces_and_no_more() {
        let kept = Kept::default();
        let keyset = Keyset::new(vec![1; 32], Secret::from([1; 32]));
        let namespace = Arc::new(Namespace::new(keyset));
        for n in 0..KEPT + 10 {
            kept.put(&n.to_string().into(), &namespace);
        }
        assert_eq!(kept.0.lock().unwrap().len(), KEPT);
        assert!(kept.get(&(KEPT + 9).to_string()).is_some());
    }
}
