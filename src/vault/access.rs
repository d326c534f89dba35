//! From a password to data keys.

use std::sync::Arc;

use crate::limits::{Patience, Subject};
use crate::sealed::{Committed, commit};
use crate::store::{Change, Record};

use super::entry::{self, DataKeys, Entry, Place};
use super::hashing::Argon2Cost;
use super::namespace::Namespace;
use super::root::Root;
use super::secret::{Normalised, Password};
use super::{Vault, VaultError};

/// What a caller brings beside the token.
#[derive(Debug, Clone, Default)]
pub(super) enum Access {
    /// No password.
    #[default]
    Open,
    Password(Password),
    /// A password of an import: it may be shorter than a new one, and waits for its turn however many others do.
    #[cfg_attr(not(feature = "import"), allow(dead_code))]
    Imported(Password),
    /// The data keys of a password that was tried before.
    Unlocked(Arc<DataKeys>),
}

impl Access {
    fn patience(&self) -> Patience {
        match self {
            Self::Imported(_) => Patience::Endless,
            Self::Open | Self::Password(_) | Self::Unlocked(_) => Patience::UpToABound,
        }
    }
}

/// Where the entry of a password may be: one place for each cost, the newest first.
pub(super) struct Places(pub(super) Vec<(Argon2Cost, Place)>);

impl Places {
    pub(super) fn at(&self, cost: Argon2Cost) -> Option<&Place> {
        let place = self.0.iter().find(|(known, _)| *known == cost);
        place.map(|(_, place)| place)
    }
}

/// Which data keys a password is tried for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// At least these. An empty list asks for any key.
    These(&'a [[u8; 16]]),
    /// Every one: while the cost is raised, one password may have entries at several.
    All,
}

/// What is at the places, with the cost of each.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<(Argon2Cost, Entry)>,
    /// Whether an entry was changed from outside.
    pub(super) is_partial: bool,
}

impl Found {
    /// Opens the entry at a place. One that was changed from outside hides no other.
    fn add(
        &mut self,
        namespace: &Namespace,
        (cost, place): (Argon2Cost, &Place),
        record: &Record,
    ) -> Result<(), VaultError> {
        match entry::open(namespace, place, record) {
            Ok(entry) => self.entries.push((cost, entry)),
            Err(VaultError::Tampered) => self.is_partial = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// All keys, those of the first place first.
    pub(super) fn keys(&self) -> Result<Option<DataKeys>, VaultError> {
        if self.entries.is_empty() && !self.is_partial {
            return Ok(None);
        }
        let mut keys = DataKeys::none(self.is_partial);
        for (_, entry) in &self.entries {
            keys.append(&entry.keys)?;
        }
        Ok(Some(keys))
    }

    pub(super) fn at(&self, cost: Argon2Cost) -> Option<&Entry> {
        let entry = self.entries.iter().find(|(known, _)| *known == cost);
        entry.map(|(_, entry)| entry)
    }

    /// Whether there are keys, and all that are wanted; of all keys nobody knows but who has looked everywhere.
    fn satisfies(&self, wanted: Wanted<'_>) -> bool {
        let Wanted::These(wanted) = wanted else {
            return false;
        };
        let has = |id: &[u8; 16]| self.entries.iter().any(|(_, entry)| entry.keys.has(*id));
        !self.entries.is_empty() && wanted.iter().all(has)
    }
}

/// The keys to write with, and the entry that has to be written with the first value.
pub(super) struct Writing {
    pub(super) keys: DataKeys,
    pub(super) entry: Option<Record>,
}

impl Vault {
    /// The data keys that the caller has, to read what names those that are wanted; `None` for a password that nothing is under.
    ///
    /// A password costs its work whatever becomes of it.
    pub(super) async fn keys_to_read(
        &self,
        namespace: &Namespace,
        access: &Access,
        wanted: Wanted<'_>,
    ) -> Result<Option<Arc<DataKeys>>, VaultError> {
        match access {
            Access::Open => Ok(Some(Arc::new(DataKeys::open(namespace)))),
            Access::Unlocked(keys) => Ok(Some(Arc::clone(keys))),
            Access::Password(password) | Access::Imported(password) => {
                let password = password.normalised()?;
                let found = self.try_password(namespace, &password, wanted, access.patience());
                let (keys, _) = found.await?;
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
            Access::Password(password) | Access::Imported(password) => {
                let password = password.normalised()?;
                let found =
                    self.try_password(namespace, &password, Wanted::These(&[]), access.patience());
                let (keys, place) = found.await?;
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
        wanted: Wanted<'_>,
        patience: Patience,
    ) -> Result<(Option<DataKeys>, Place), VaultError> {
        let mut places = Places(Vec::new());
        let mut found = Found::default();
        let mut all = self.costs();
        let mut costs = all.clone();
        let mut refreshed = false;
        loop {
            for cost in costs.drain(..) {
                let place = self.place(namespace, password, cost, patience).await?;
                if let Some(record) = self.store().get(&place.at).await? {
                    found.add(namespace, (cost, &place), &record)?;
                }
                places.0.push((cost, place));
                if found.satisfies(wanted) {
                    break;
                }
            }
            if refreshed || found.satisfies(wanted) {
                break;
            }
            // Not all: has another process raised the cost? Those that were tried here are not tried again.
            refreshed = true;
            all = self.refresh_costs().await?;
            let new = all.iter().filter(|cost| places.at(**cost).is_none());
            costs = new.copied().collect();
        }
        let newest = all.first().copied().unwrap_or_default();
        // The newest first, also where they became known last.
        let age = |cost: &Argon2Cost| all.iter().position(|known| known == cost);
        places.0.sort_by_key(|(cost, _)| age(cost));
        // It may have moved up between two of these, from one that was still to be looked at.
        if places.0.len() > 1 && !found.satisfies(wanted) {
            found = self.look(namespace, &places).await?;
        }
        // What was changed is left as it is, for whoever restores it.
        let is_below = found.entries.iter().any(|(cost, _)| *cost != newest);
        if is_below && !found.is_partial {
            // It is read all the same where this does not succeed; the next use tries again.
            let _ = self.move_up(namespace, &places, &found, newest);
        }
        let keys = found.keys()?;
        let place = places.0.into_iter().find(|(cost, _)| *cost == newest);
        let (_, place) = place.ok_or(VaultError::Tampered)?;
        Ok((keys, place))
    }

    /// The costs that are known here, the newest first.
    fn costs(&self) -> Vec<Argon2Cost> {
        self.shared.root.load().costs().to_vec()
    }

    /// Reads the costs again, the newest first: another process may have raised them.
    pub(super) async fn refresh_costs(&self) -> Result<Vec<Argon2Cost>, VaultError> {
        let root = Root::read_again(&self.shared.keysets).await?;
        let costs = root.costs().to_vec();
        self.shared.root.store(Arc::new(root));
        Ok(costs)
    }

    /// Puts the keys of entries at other costs into the one at the newest cost, in one batch, behind the request.
    fn move_up(
        &self,
        namespace: &Namespace,
        places: &Places,
        found: &Found,
        newest: Argon2Cost,
    ) -> Result<(), VaultError> {
        let (Some(keys), Some(place)) = (found.keys()?, places.at(newest)) else {
            return Ok(());
        };
        let record = entry::seal(namespace, place, &keys)?;
        let mut batch = vec![put(record, found.at(newest))];
        batch.extend(removals(places, found).filter(|change| change.key() != &place.at));
        self.shared.behind.note(place.at.clone(), batch);
        Ok(())
    }

    /// All places of a password, one for each of the costs.
    pub(super) async fn places(
        &self,
        namespace: &Namespace,
        password: &Normalised,
        costs: &[Argon2Cost],
    ) -> Result<Places, VaultError> {
        let mut places = Vec::with_capacity(costs.len());
        for cost in costs {
            let bound = Patience::UpToABound;
            let place = self.place(namespace, password, *cost, bound).await?;
            places.push((*cost, place));
        }
        Ok(Places(places))
    }

    /// What is at the places now.
    ///
    /// An entry only moves up, to a newer place: so that none is missed which does it meanwhile,
    /// each is looked at behind the older ones, and not all at one moment, which not every engine
    /// has.
    pub(super) async fn look(
        &self,
        namespace: &Namespace,
        places: &Places,
    ) -> Result<Found, VaultError> {
        let mut found = Found::default();
        for (cost, place) in places.0.iter().rev() {
            if let Some(record) = self.store().get(&place.at).await? {
                found.add(namespace, (*cost, place), &record)?;
            }
        }
        found.entries.reverse();
        Ok(found)
    }

    async fn place(
        &self,
        namespace: &Namespace,
        password: &Normalised,
        cost: Argon2Cost,
        patience: Patience,
    ) -> Result<Place, VaultError> {
        let hasher = &self.shared.hasher;
        let hash = hasher.hash(cost, password, namespace, patience).await?;
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

/// Puts an entry where none is, or in the place of the one that is there.
pub(super) fn put(record: Record, there: Option<&Entry>) -> Change {
    match there {
        Some(entry) => Change::Replace {
            record,
            expected: entry.version,
        },
        None => Change::Insert(record),
    }
}

/// Takes away all entries that were found.
pub(super) fn removals(places: &Places, found: &Found) -> impl Iterator<Item = Change> {
    found.entries.iter().filter_map(|(cost, entry)| {
        let key = places.at(*cost)?.at.clone();
        let expected = Some(entry.version);
        Some(Change::Remove { key, expected })
    })
}

/// What an attempt counts for. Without a password nothing about the token is guessed but the token itself: that is the namespace's to count.
pub(super) fn subjects(namespace: &Namespace, access: &Access, value: &[u8]) -> Vec<Subject> {
    match access {
        Access::Password(_) | Access::Imported(_) => namespace.subjects(value),
        Access::Open | Access::Unlocked(_) => vec![namespace.subject()],
    }
}
