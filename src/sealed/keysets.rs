//! Keysets in the store: made once, sealed by the ring, and sealed again when the ring's key is rotated.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::crypto::xaes::Xaes;
use crate::keys::{KeyId, KeyRing, Role};
use crate::store::{
    Change, Collection, Label, LabelName, Query, Record, RecordKey, Store, Version,
};

use super::body::{self, Draft};
use super::commit::{Committed, commit};
use super::contention::contended;
use super::error::SealedError;
use super::finds_any;
use super::keyset::Keyset;

/// The name of the ring's keys that seal keysets: see `docs/format.md`.
const INTERNAL: &str = "keyset";

/// Which key of the ring sealed a keyset. The id is public.
const KEY_ID: LabelName = LabelName::from_static("key_id");

const ROOT: usize = 32;

/// How often a keyset is read again after another process changed it.
const ATTEMPTS: u32 = 16;

/// The keysets of one service.
#[derive(Debug, Clone)]
pub(crate) struct Keysets {
    store: Arc<dyn Store>,
    keys: KeyRing,
    collection: Collection,
}

/// A keyset as it is in the store.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) keyset: Keyset,
    /// What a service keeps beside the 32 bytes: nothing secret.
    pub(crate) settings: Vec<u8>,
    version: Version,
}

/// What came of [`Keysets::rewrap`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rewrapped {
    /// Keysets that the current key seals now, and did not before.
    pub(crate) resealed: u64,
    /// Keysets that it sealed already.
    pub(crate) current: u64,
    /// Keysets that were changed from outside, or that no key of the ring sealed: left as they are.
    pub(crate) failed: u64,
}

impl Keysets {
    pub(crate) fn new(store: Arc<dyn Store>, keys: KeyRing, collection: Collection) -> Self {
        Self {
            store,
            keys,
            collection,
        }
    }

    /// The keyset with this id, if there is one.
    pub(crate) async fn find(&self, id: &[u8]) -> Result<Option<Stored>, SealedError> {
        let record = self.store.get(&self.key(id)).await?;
        record.map(|record| self.open(&record)).transpose()
    }

    /// The keyset with this id, which was there before.
    pub(crate) async fn find_again(&self, id: &[u8]) -> Result<Stored, SealedError> {
        let gone = || SealedError::KeysetGone(self.key(id));
        self.find(id).await?.ok_or_else(gone)
    }

    /// The keyset with this id, which is made where there is none. Of several that make it at once, one wins for all.
    ///
    /// None is made where `sealed` finds anything, which is only there after a keyset was: with another one it would never be opened again.
    pub(crate) async fn find_or_create(
        &self,
        id: &[u8],
        settings: &[u8],
        sealed: Query,
    ) -> Result<Stored, SealedError> {
        if let Some(found) = self.find(id).await? {
            return Ok(found);
        }
        if finds_any(&*self.store, sealed).await? {
            // Somebody may have made the keyset meanwhile, and used it.
            return self.find_again(id).await;
        }
        let keyset = Keyset::new(id.to_vec(), Secret::from_system()?);
        let record = self.seal(id, &keyset, settings)?;
        let version = record.version;
        match commit(&*self.store, &[Change::Insert(record)]).await? {
            Committed::Written => Ok(Stored {
                keyset,
                settings: settings.to_vec(),
                version,
            }),
            Committed::Conflict {
                current: Some(record),
                ..
            } => self.open(&record),
            Committed::Conflict { current: None, .. } => Err(contended()),
        }
    }

    /// Keeps other settings, unless someone else changed the keyset since; then `None`.
    pub(crate) async fn replace(
        &self,
        old: Stored,
        settings: &[u8],
    ) -> Result<Option<Stored>, SealedError> {
        let record = self.seal(old.keyset.scope(), &old.keyset, settings)?;
        let version = record.version;
        let change = Change::Replace {
            record,
            expected: old.version,
        };
        Ok(match commit(&*self.store, &[change]).await? {
            Committed::Written => Some(Stored {
                keyset: old.keyset,
                settings: settings.to_vec(),
                version,
            }),
            Committed::Conflict { .. } => None,
        })
    }

    /// Seals every keyset again that the ring's current key did not seal.
    ///
    /// Keysets are looked at one by one, and each is replaced on its own: what stops half way goes on from where it was, and
    /// what runs twice finds nothing to do.
    ///
    /// What was done is told by `done`, also where an error ends it.
    pub(crate) async fn rewrap(
        &self,
        done: &mut Rewrapped,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), SealedError> {
        match self.rewrap_all(done, &mut progress).await {
            // Keysets that were sealed before stay so.
            Err(SealedError::Store(error)) if done.resealed > 0 => {
                Err(SealedError::Store(error.after_some()))
            }
            result => result,
        }
    }

    async fn rewrap_all(
        &self,
        done: &mut Rewrapped,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<(), SealedError> {
        let mut looked_at = 0_u64;
        let mut next = None;
        loop {
            let query = Query::all(self.collection.clone()).after(next);
            let page = self.store.scan(&query).await?;
            for record in page.records {
                let count = match self.rewrap_one(record).await {
                    Ok(true) => &mut done.resealed,
                    // One that was removed meanwhile is under no key.
                    Ok(false) | Err(SealedError::KeysetGone(_)) => &mut done.current,
                    // One keyset that cannot be opened keeps no other from it.
                    Err(SealedError::Tampered | SealedError::UnknownKey(_)) => &mut done.failed,
                    Err(error) => return Err(error),
                };
                *count = count.saturating_add(1);
                looked_at = looked_at.saturating_add(1);
                progress(looked_at);
            }
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Seals this keyset again where the ring's current key did not seal it. Once this has succeeded, that key has.
    pub(crate) async fn rewrap_known(&self, id: &[u8]) -> Result<(), SealedError> {
        let record = self.store.get(&self.key(id)).await?;
        let gone = || SealedError::KeysetGone(self.key(id));
        self.rewrap_one(record.ok_or_else(gone)?).await.map(drop)
    }

    /// Seals this keyset again where a retired key of the ring sealed it. A standby key's is left: servers that are one step of a rotation apart
    /// would undo each other's work.
    pub(crate) async fn leave_retired_key(&self, id: &[u8]) -> Result<(), SealedError> {
        let Some(record) = self.store.get(&self.key(id)).await? else {
            return Ok(());
        };
        let sealer = key_id(&record);
        let keys = self.keys.internal(INTERNAL);
        let retired = |id| {
            keys.iter()
                .any(|key| key.id == id && key.role == Role::Retired)
        };
        if sealer.is_some_and(retired) {
            self.rewrap_one(record).await?;
        }
        Ok(())
    }

    /// Whether it had to be sealed again.
    async fn rewrap_one(&self, mut record: Record) -> Result<bool, SealedError> {
        for _ in 0..ATTEMPTS {
            let stored = self.open(&record)?;
            if key_id(&record) == Some(self.keys.current()) {
                return Ok(false);
            }
            let fresh = self.seal(&record.key.id, &stored.keyset, &stored.settings)?;
            let change = Change::Replace {
                record: fresh,
                expected: record.version,
            };
            match commit(&*self.store, &[change]).await? {
                Committed::Written => return Ok(true),
                Committed::Conflict {
                    current: Some(current),
                    ..
                } => record = current,
                Committed::Conflict { current: None, .. } => {
                    return Err(SealedError::KeysetGone(record.key));
                }
            }
        }
        Err(contended())
    }

    fn key(&self, id: &[u8]) -> RecordKey {
        RecordKey::new(self.collection.clone(), id)
    }

    fn seal(&self, id: &[u8], keyset: &Keyset, settings: &[u8]) -> Result<Record, SealedError> {
        let keys = self.keys.internal(INTERNAL);
        let current = keys.iter().find(|key| key.role == Role::Current);
        let current = current.ok_or(SealedError::Tampered)?;
        let room = ROOT.saturating_add(settings.len());
        let mut plaintext = Zeroizing::new(Vec::with_capacity(room));
        plaintext.extend_from_slice(keyset.root().expose());
        plaintext.extend_from_slice(settings);
        let draft = Draft {
            key: self.key(id),
            purge_at: None,
            labels: vec![Label::new(KEY_ID, current.id.to_bytes())],
            plaintext: &plaintext,
            payload: &[],
        };
        body::seal(&Xaes::new(&current.secret), b"", draft)
    }

    fn open(&self, record: &Record) -> Result<Stored, SealedError> {
        let id = key_id(record).ok_or(SealedError::Tampered)?;
        let keys = self.keys.internal(INTERNAL);
        let key = keys.iter().find(|key| key.id == id);
        let key = key.ok_or(SealedError::UnknownKey(id))?;
        let opened = body::open(&Xaes::new(&key.secret), b"", record)?;
        let (root, settings) = opened
            .plaintext
            .split_at_checked(ROOT)
            .ok_or(SealedError::Tampered)?;
        let root = Secret::from_slice(root).ok_or(SealedError::Tampered)?;
        Ok(Stored {
            keyset: Keyset::new(record.key.id.clone(), root),
            settings: settings.to_vec(),
            version: record.version,
        })
    }
}

/// Which key of the ring sealed a keyset, as its label says.
fn key_id(record: &Record) -> Option<KeyId> {
    let id = record.label(&KEY_ID)?.try_into().ok();
    id.map(KeyId::from_bytes)
}
