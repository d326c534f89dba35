//! Stores keysets: each is created once, sealed by the key ring, and sealed again when the ring's
//! current key is replaced.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::crypto::xaes::Xaes;
use crate::events::Observed;
use crate::keys::{KeyId, KeyRing, Role};
use crate::store::{
    Change, Collection, Label, LabelName, Query, Record, RecordKey, Store, Version,
};

use super::body::{self, Draft};
use super::commit::{CommitOutcome, change, commit};
use super::error::ServiceError;
use super::keyset::Keyset;
use super::matches_any;
use super::retry::Rounds;

/// Names the internal keys of the ring that seal keysets: see `docs/format.md`.
const INTERNAL: &str = "keyset";

/// The label with the id of the key that sealed a keyset. Key ids are public.
const KEY_ID: LabelName = LabelName::from_static("key_id");

const ROOT: usize = 32;

/// The keysets of one service.
#[derive(Debug, Clone)]
pub(crate) struct Keysets {
    store: Arc<dyn Store>,
    keys: KeyRing,
    collection: Collection,
}

/// A keyset read from the store.
#[derive(Debug)]
pub(crate) struct StoredKeyset {
    pub(crate) keyset: Keyset,
    /// Settings of the service, kept beside the 32 bytes. Not secret.
    pub(crate) settings: Vec<u8>,
    version: Version,
}

/// The result of sealing keysets again with the ring's current key.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// let done = vault.rewrap().await?;
/// println!("{} sealed again, {} failed", done.resealed, done.failed);
/// assert!(done.is_done()); // the ring was not rotated
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// Keysets that were sealed again with the current key.
    pub resealed: u64,
    /// Keysets that the current key had already sealed.
    pub unchanged: u64,
    /// Keysets that could not be opened: damaged, tampered with, or sealed by a key that the ring
    /// lacks. Keep the retired key while this is not zero.
    pub failed: u64,
}

impl Rewrapped {
    /// Whether nothing was left to do and nothing failed: no keyset needs a retired key any more.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.resealed == 0 && self.failed == 0
    }
}

impl Keysets {
    pub(crate) fn new(store: Arc<dyn Store>, keys: KeyRing, collection: Collection) -> Self {
        Self {
            store,
            keys,
            collection,
        }
    }

    /// The keyset with this id, if it exists.
    pub(crate) async fn find(&self, id: &[u8]) -> Result<Option<StoredKeyset>, ServiceError> {
        let record = self.store.get(&self.key(id)).await?;
        record.map(|record| self.open(&record)).transpose()
    }

    /// The keyset with this id, which is known to have existed.
    pub(crate) async fn find_existing(&self, id: &[u8]) -> Result<StoredKeyset, ServiceError> {
        let missing = || ServiceError::KeysetMissing(self.key(id));
        self.find(id).await?.ok_or_else(missing)
    }

    /// The keyset with this id, created if it does not exist. If several processes create it at
    /// once, one wins and all use its keyset.
    ///
    /// Creates no keyset if `sealed` finds a record: a lost keyset sealed it, and a new one could
    /// never open it.
    pub(crate) async fn find_or_create(
        &self,
        id: &[u8],
        settings: &[u8],
        sealed: Query,
    ) -> Result<StoredKeyset, ServiceError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            if let Some(found) = self.find(id).await? {
                return Ok(found);
            }
            if matches_any(&*self.store, sealed.clone()).await? {
                // Another process may have created the keyset meanwhile, and used it.
                return self.find_existing(id).await;
            }
            let keyset = Keyset::new(id.to_vec(), Secret::from_system()?);
            let record = self.seal(id, &keyset, settings)?;
            let version = record.version;
            match commit(&*self.store, &[Change::Insert(record)]).await? {
                CommitOutcome::Written => {
                    return Ok(StoredKeyset {
                        keyset,
                        settings: settings.to_vec(),
                        version,
                    });
                }
                CommitOutcome::Conflict {
                    current: Some(record),
                    ..
                } => return self.open(&record),
                // The conflicting keyset was removed again.
                CommitOutcome::Conflict { current: None, .. } => {}
            }
        }
    }

    /// Replaces the settings; `None` if the keyset was changed since it was read.
    pub(crate) async fn replace(
        &self,
        old: StoredKeyset,
        settings: &[u8],
    ) -> Result<Option<StoredKeyset>, ServiceError> {
        let record = self.seal(old.keyset.scope(), &old.keyset, settings)?;
        let version = record.version;
        let change = Change::Replace {
            record,
            expected: old.version,
        };
        Ok(match commit(&*self.store, &[change]).await? {
            CommitOutcome::Written => Some(StoredKeyset {
                keyset: old.keyset,
                settings: settings.to_vec(),
                version,
            }),
            CommitOutcome::Conflict { .. } => None,
        })
    }

    /// Seals every keyset again that the ring's current key did not seal.
    ///
    /// Each keyset is replaced on its own: after an interruption the next run continues the work,
    /// and a second full run finds nothing to do.
    ///
    /// `done` counts the work, even if an error ends it early, and so does the event.
    pub(crate) async fn rewrap(
        &self,
        observed: &Observed<'_>,
        done: &mut Rewrapped,
        progress: impl FnMut(u64) + Send,
    ) -> Result<(), ServiceError> {
        let result = self.rewrap_all(observed, done, progress).await;
        // The keysets done before the error keep their new seal.
        result.map_err(|error| error.after(done.resealed))
    }

    async fn rewrap_all(
        &self,
        observed: &Observed<'_>,
        done: &mut Rewrapped,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), ServiceError> {
        let mut examined = 0_u64;
        observed.count(0);
        let mut next = None;
        loop {
            let query = Query::all(self.collection.clone()).after(next);
            let page = self.store.scan(&query).await?;
            for record in page.records {
                let count = match self.rewrap_one(record).await {
                    Ok(true) => &mut done.resealed,
                    // A keyset removed meanwhile needs no key.
                    Ok(false) | Err(ServiceError::KeysetMissing(_)) => &mut done.unchanged,
                    // A keyset that cannot be opened does not stop the others.
                    Err(ServiceError::Tampered | ServiceError::UnknownKey(_)) => &mut done.failed,
                    Err(error) => return Err(error),
                };
                *count = count.saturating_add(1);
                observed.count(done.resealed);
                examined = examined.saturating_add(1);
                progress(examined);
            }
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Seals this keyset again unless the ring's current key sealed it. After success, the current
    /// key seals it.
    pub(crate) async fn rewrap_known(&self, id: &[u8]) -> Result<Rewrapped, ServiceError> {
        let record = self.store.get(&self.key(id)).await?;
        let missing = || ServiceError::KeysetMissing(self.key(id));
        let resealed = self.rewrap_one(record.ok_or_else(missing)?).await?;
        Ok(Rewrapped {
            resealed: u64::from(resealed),
            unchanged: u64::from(!resealed),
            failed: 0,
        })
    }

    /// Seals this keyset again if a retired key of the ring sealed it. One sealed by a standby key
    /// is left alone: otherwise servers that are one step of a rotation apart would undo each
    /// other's work.
    pub(crate) async fn reseal_if_retired(&self, id: &[u8]) -> Result<(), ServiceError> {
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

    /// Seals one keyset again if needed; returns whether it did.
    async fn rewrap_one(&self, record: Record) -> Result<bool, ServiceError> {
        let key = record.key.clone();
        let rewrap = |existing: Option<Record>| {
            let record = existing.ok_or_else(|| ServiceError::KeysetMissing(key.clone()))?;
            let stored = self.open(&record)?;
            if key_id(&record) == Some(self.keys.current()) {
                return Ok((None, false));
            }
            let replace = Change::Replace {
                record: self.seal(&record.key.id, &stored.keyset, &stored.settings)?,
                expected: record.version,
            };
            Ok((Some(replace), true))
        };
        change(&*self.store, Some(record), Rounds::default(), rewrap).await
    }

    fn key(&self, id: &[u8]) -> RecordKey {
        RecordKey::new(self.collection.clone(), id)
    }

    fn seal(&self, id: &[u8], keyset: &Keyset, settings: &[u8]) -> Result<Record, ServiceError> {
        let keys = self.keys.internal(INTERNAL);
        let current = keys.iter().find(|key| key.role == Role::Current);
        let current = current.ok_or(ServiceError::Tampered)?;
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

    fn open(&self, record: &Record) -> Result<StoredKeyset, ServiceError> {
        let id = key_id(record).ok_or(ServiceError::Tampered)?;
        let keys = self.keys.internal(INTERNAL);
        let key = keys.iter().find(|key| key.id == id);
        let key = key.ok_or(ServiceError::UnknownKey(id))?;
        let opened = body::open(&Xaes::new(&key.secret), b"", record)?;
        let (root, settings) = opened
            .plaintext
            .split_at_checked(ROOT)
            .ok_or(ServiceError::Tampered)?;
        let root = Secret::from_slice(root).ok_or(ServiceError::Tampered)?;
        Ok(StoredKeyset {
            keyset: Keyset::new(record.key.id.clone(), root),
            settings: settings.to_vec(),
            version: record.version,
        })
    }
}

/// The id of the key that sealed a keyset, from its label.
fn key_id(record: &Record) -> Option<KeyId> {
    let id = record.label(&KEY_ID)?.try_into().ok();
    id.map(KeyId::from_bytes)
}
