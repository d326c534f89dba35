//! From a password to data keys.

use std::sync::Arc;

use crate::sealed::{Committed, commit};
use crate::store::{Change, Record};

use super::entry::{self, DataKeys, Entry, Place};
use super::hashing::Argon2Cost;
use super::namespace::Namespace;
use super::root::Root;
use super::secret::{Normalised, Password};
use super::{ATTEMPTS, Vault, VaultError};

/// What a caller brings beside the token.
#[derive(Debug, Clone, Default)]
pub(super) enum Access {
    /// No password.
    #[default]
    Open,
    Password(Password),
    /// The data keys of a password that was tried before.
    Unlocked(Arc<DataKeys>),
}

/// Where the entry of a password may be: one place for each cost, the newest first.
pub(super) struct Places(pub(super) Vec<Place>);

/// What is at the places.
pub(super) struct Found {
    /// The entries with the index of their place.
    pub(super) entries: Vec<(usize, Entry)>,
}

impl Found {
    /// All keys, those of the newest place first.
    pub(super) fn keys(&self) -> Result<Option<DataKeys>, VaultError> {
        let mut entries = self.entries.iter();
        let Some((_, first)) = entries.next() else {
            return Ok(None);
        };
        let mut keys = first.keys.clone();
        for (_, entry) in entries {
            keys.append(&entry.keys)?;
        }
        Ok(Some(keys))
    }
}

/// The keys to write with, and the entry that has to be written with the first value.
pub(super) struct Writing {
    pub(super) keys: DataKeys,
    pub(super) entry: Option<Record>,
}

impl Vault {
    /// The data keys that the caller has, to read what names `wanted`; `None` for a password that nothing is under.
    ///
    /// A password costs its work whatever becomes of it.
    pub(super) async fn keys_to_read(
        &self,
        namespace: &Namespace,
        access: &Access,
        wanted: &[[u8; 16]],
    ) -> Result<Option<Arc<DataKeys>>, VaultError> {
        match access {
            Access::Open => Ok(Some(Arc::new(DataKeys::open(namespace)))),
            Access::Unlocked(keys) => Ok(Some(Arc::clone(keys))),
            Access::Password(password) => {
                let password = password.normalised()?;
                let (keys, _) = self.try_password(namespace, &password, wanted).await?;
                Ok(keys.map(Arc::new))
            }
        }
    }

    /// The data keys to write new values with. A password without an entry gets one: a record that goes into the batch of the first value.
    pub(super) async fn keys_to_write(
        &self,
        namespace: &Namespace,
        access: &Access,
    ) -> Result<Writing, VaultError> {
        let keys = match access {
            Access::Open => DataKeys::open(namespace),
            Access::Unlocked(keys) => DataKeys::clone(keys),
            Access::Password(password) => {
                let password = password.normalised()?;
                let (keys, place) = self.try_password(namespace, &password, &[]).await?;
                if let Some(keys) = keys {
                    return Ok(Writing { keys, entry: None });
                }
                let keys = DataKeys::fresh()?;
                let entry = Some(entry::seal(namespace, &place, &keys)?);
                return Ok(Writing { keys, entry });
            }
        };
        Ok(Writing { keys, entry: None })
    }

    /// Looks for the entry of a password, at the newest cost first. One at a weaker cost moves up.
    ///
    /// The search goes on until keys were found, and all that are wanted. The place at the newest cost is returned, too: a new entry goes there.
    async fn try_password(
        &self,
        namespace: &Namespace,
        password: &Normalised,
        wanted: &[[u8; 16]],
    ) -> Result<(Option<DataKeys>, Place), VaultError> {
        let mut places = Places(Vec::new());
        let mut found = Found {
            entries: Vec::new(),
        };
        let mut costs = self.shared.root.load().costs().to_vec();
        let mut refreshed = false;
        loop {
            for cost in costs.drain(..) {
                let place = self.place(namespace, password, cost).await?;
                if let Some(record) = self.store().get(&place.at).await? {
                    let entry = entry::open(namespace, &place, &record)?;
                    found.entries.push((places.0.len(), entry));
                }
                places.0.push(place);
                let Some(keys) = found.keys()? else { continue };
                if wanted.iter().all(|id| keys.find(*id).is_some()) {
                    break;
                }
            }
            if !found.entries.is_empty() || refreshed {
                break;
            }
            // Nothing: has another process raised the cost, and moved the entry?
            refreshed = true;
            costs = self.refresh_costs().await?;
            // The new ones are stronger: what is found there needs no move.
            if !costs.is_empty() {
                places.0.clear();
            }
        }
        if found.entries.iter().any(|(index, _)| *index > 0) {
            // It is read all the same where this does not succeed; the next use tries again.
            let _ = self.move_up(namespace, &places, &found).await;
        }
        let keys = found.keys()?;
        let newest = places.0.into_iter().next().ok_or(VaultError::Tampered)?;
        Ok((keys, newest))
    }

    /// Reads the costs again, and gives those that were not known here.
    pub(super) async fn refresh_costs(&self) -> Result<Vec<Argon2Cost>, VaultError> {
        let before = self.shared.root.load().costs().to_vec();
        let root = Root::read_again(&self.shared.keysets).await?;
        let new = root.costs().iter().filter(|cost| !before.contains(cost));
        let new = new.copied().collect();
        self.shared.root.store(Arc::new(root));
        Ok(new)
    }

    /// Puts the keys of entries at weaker costs into the one at the newest cost, in one batch.
    async fn move_up(
        &self,
        namespace: &Namespace,
        places: &Places,
        found: &Found,
    ) -> Result<(), VaultError> {
        let Some(keys) = found.keys()? else {
            return Ok(());
        };
        let Some(newest) = places.0.first() else {
            return Ok(());
        };
        let mut batch = Vec::new();
        let record = entry::seal(namespace, newest, &keys)?;
        batch.push(match found.entries.iter().find(|(index, _)| *index == 0) {
            Some((_, entry)) => Change::Replace {
                record,
                expected: entry.version,
            },
            None => Change::Insert(record),
        });
        for (index, entry) in &found.entries {
            if let (1.., Some(place)) = (*index, places.0.get(*index)) {
                batch.push(Change::Remove {
                    key: place.at.clone(),
                    expected: Some(entry.version),
                });
            }
        }
        commit(self.store(), &batch).await?;
        Ok(())
    }

    /// All places of a password, one for each cost.
    pub(super) async fn places(
        &self,
        namespace: &Namespace,
        password: &Normalised,
    ) -> Result<Places, VaultError> {
        let costs = self.shared.root.load().costs().to_vec();
        let mut places = Vec::with_capacity(costs.len());
        for cost in costs {
            places.push(self.place(namespace, password, cost).await?);
        }
        Ok(Places(places))
    }

    /// What is at the places now.
    pub(super) async fn look(
        &self,
        namespace: &Namespace,
        places: &Places,
    ) -> Result<Found, VaultError> {
        let keys: Vec<_> = places.0.iter().map(|place| place.at.clone()).collect();
        let records = self.store().get_many(&keys).await?;
        let mut entries = Vec::new();
        for (index, (place, record)) in places.0.iter().zip(records).enumerate() {
            if let Some(record) = record {
                entries.push((index, entry::open(namespace, place, &record)?));
            }
        }
        Ok(Found { entries })
    }

    async fn place(
        &self,
        namespace: &Namespace,
        password: &Normalised,
        cost: Argon2Cost,
    ) -> Result<Place, VaultError> {
        let hash = self
            .shared
            .hasher
            .hash(cost, password, namespace.salt)
            .await?;
        Ok(Place::new(namespace, &hash))
    }

    /// Writes a batch that begins with the entry of a new password, where there is one; `None` where someone else made that entry meanwhile.
    pub(super) async fn commit_with(
        &self,
        entry: Option<&Record>,
        changes: Vec<Change>,
    ) -> Result<Option<Committed>, VaultError> {
        let mut batch: Vec<Change> = entry.cloned().map(Change::Insert).into_iter().collect();
        let before = batch.len();
        batch.extend(changes);
        Ok(match commit(self.store(), &batch).await? {
            Committed::Written => Some(Committed::Written),
            Committed::Conflict { index, .. } if index < before => None,
            Committed::Conflict { index, current } => Some(Committed::Conflict {
                index: index.saturating_sub(before),
                current,
            }),
        })
    }
}

/// Counts the beginnings of an operation.
pub(super) struct Attempts(u32);

impl Attempts {
    pub(super) fn new() -> Self {
        Self(0)
    }

    /// An error when it has been tried too often.
    pub(super) async fn next(&mut self) -> Result<(), VaultError> {
        if self.0 >= ATTEMPTS {
            return Err(crate::sealed::contended().into());
        }
        // Some of the writers at one record let others go first.
        if self.0 > 0 {
            let mut random = [0; 1];
            crate::crypto::random::system(&mut random).map_err(|_| VaultError::Randomness)?;
            let [random] = random;
            for _ in 0..random & 15 {
                tokio::task::yield_now().await;
            }
        }
        self.0 = self.0.saturating_add(1);
        Ok(())
    }
}
