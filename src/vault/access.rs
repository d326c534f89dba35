//! From a password to data keys.

use std::sync::Arc;

use crate::limits::{Subject, WhenFull};
use crate::sealed::ServiceError;
use crate::store::{Change, Record};

use super::entry::{self, DataKeys, Entry, EntryLocation};
use super::hashing::Argon2Cost;
use super::namespace::NamespaceKeys;
use super::records::Namespace;
use super::secret::{Normalised, Password};
use super::{Vault, VaultError};

/// What a caller presents beside the token.
#[derive(Debug, Clone, Default)]
pub(super) enum Access {
    /// No password.
    #[default]
    Open,
    Password(Password),
    /// The password of an import: it may be shorter than a new one, and is never refused as busy.
    Imported(Password),
    /// The data keys of a password that was tried before.
    Unlocked(Arc<DataKeys>),
}

impl Access {
    fn when_full(&self) -> WhenFull {
        match self {
            Self::Imported(_) => WhenFull::Wait,
            Self::Open | Self::Password(_) | Self::Unlocked(_) => WhenFull::Refuse,
        }
    }
}

/// The keys to write with, and the entry to write with the first value.
pub(super) struct WriteKeys {
    pub(super) keys: DataKeys,
    pub(super) entry: Option<Record>,
}

/// Where the entry of a password may be: one location for each cost, the newest first.
pub(super) struct Candidates(pub(super) Vec<(Argon2Cost, EntryLocation)>);

impl Candidates {
    pub(super) fn at(&self, cost: Argon2Cost) -> Option<&EntryLocation> {
        let candidate = self.0.iter().find(|(known, _)| *known == cost);
        candidate.map(|(_, location)| location)
    }
}

/// Which data keys a password is tried for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// At least these. An empty list asks for any key.
    These(&'a [[u8; 16]]),
    /// All of them: while the cost is raised, a password may have entries at several.
    All,
}

/// The entries that were found, with the cost of each.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) found: Vec<(Argon2Cost, Entry)>,
    /// Whether an entry was damaged or tampered with.
    pub(super) is_partial: bool,
}

impl Entries {
    /// Opens an entry. A damaged or tampered one does not hide others.
    fn add(
        &mut self,
        namespace: &NamespaceKeys,
        (cost, location): (Argon2Cost, &EntryLocation),
        record: &Record,
    ) -> Result<(), VaultError> {
        match entry::open(namespace, location, record) {
            Ok(entry) => self.found.push((cost, entry)),
            Err(VaultError::Service(ServiceError::Tampered)) => self.is_partial = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// All keys, those of the first entry first.
    pub(super) fn keys(&self) -> Result<Option<DataKeys>, VaultError> {
        if self.found.is_empty() && !self.is_partial {
            return Ok(None);
        }
        let mut keys = DataKeys::none(self.is_partial);
        for (_, entry) in &self.found {
            keys.append(&entry.keys)?;
        }
        Ok(Some(keys))
    }

    pub(super) fn at(&self, cost: Argon2Cost) -> Option<&Entry> {
        let entry = self.found.iter().find(|(known, _)| *known == cost);
        entry.map(|(_, entry)| entry)
    }

    /// Whether all wanted keys were found. Only a full search finds all keys.
    fn satisfies(&self, wanted: Wanted<'_>) -> bool {
        let Wanted::These(wanted) = wanted else {
            return false;
        };
        let has = |id: &[u8; 16]| self.found.iter().any(|(_, entry)| entry.keys.has(*id));
        !self.found.is_empty() && wanted.iter().all(has)
    }
}

impl Vault {
    /// Counts an attempt before it is made, and gives it back unless it was a failed guess.
    pub(super) async fn attempt<T>(
        &self,
        subjects: &[Subject],
        work: impl Future<Output = Result<T, VaultError>> + Send,
    ) -> Result<T, VaultError> {
        let guard = &self.shared.guard;
        guard
            .attempt(subjects, VaultError::is_failed_attempt, work)
            .await
    }
}

impl Namespace<'_> {
    /// The data keys that the caller has; `None` for a password that protects nothing. The search
    /// ends once it has found those that are wanted.
    ///
    /// A password is always hashed, whatever the result.
    pub(super) async fn keys_to_read(
        &self,
        access: &Access,
        wanted: Wanted<'_>,
    ) -> Result<Option<Arc<DataKeys>>, VaultError> {
        match access {
            Access::Open => Ok(Some(Arc::new(DataKeys::open(self)))),
            Access::Unlocked(keys) => Ok(Some(Arc::clone(keys))),
            Access::Password(password) | Access::Imported(password) => {
                let password = password.normalised()?;
                let found = self.try_password(&password, wanted, access.when_full());
                let (keys, _) = found.await?;
                Ok(keys.map(Arc::new))
            }
        }
    }

    /// The data keys to write new values with. A password without an entry gets one: a record in
    /// the batch of the first value.
    pub(super) async fn keys_to_write(&self, access: &Access) -> Result<WriteKeys, VaultError> {
        let keys = match access {
            Access::Open => DataKeys::open(self),
            Access::Unlocked(keys) => DataKeys::clone(keys),
            Access::Password(password) | Access::Imported(password) => {
                let password = password.normalised()?;
                let found = self.try_password(&password, Wanted::These(&[]), access.when_full());
                let (keys, location) = found.await?;
                if let Some(keys) = keys {
                    return Ok(WriteKeys { keys, entry: None });
                }
                let keys = DataKeys::fresh()?;
                let entry = Some(entry::seal(self, &location, &keys)?);
                return Ok(WriteKeys { keys, entry });
            }
        };
        Ok(WriteKeys { keys, entry: None })
    }

    /// Looks for the entries of a password, at the newest cost first, until all wanted keys were
    /// found. An entry at a weaker cost moves up.
    ///
    /// Returns the location at the newest cost, too: a new entry goes there.
    async fn try_password(
        &self,
        password: &Normalised,
        wanted: Wanted<'_>,
        when_full: WhenFull,
    ) -> Result<(Option<DataKeys>, EntryLocation), VaultError> {
        let mut candidates = Candidates(Vec::new());
        let mut entries = Entries::default();
        let mut all = self.costs();
        let mut costs = all.clone();
        let mut refreshed = false;
        loop {
            for cost in costs.drain(..) {
                let location = self.candidate(password, cost, when_full).await?;
                if let Some(record) = self.store().get(&location.at).await? {
                    entries.add(self, (cost, &location), &record)?;
                }
                candidates.0.push((cost, location));
                if entries.satisfies(wanted) {
                    break;
                }
            }
            if refreshed || entries.satisfies(wanted) {
                break;
            }
            // Some are missing. Another process may have raised the cost: try the new ones.
            refreshed = true;
            all = self.refresh_costs().await?;
            let new = all.iter().filter(|cost| candidates.at(**cost).is_none());
            costs = new.copied().collect();
        }
        let newest = all.first().copied().unwrap_or_default();
        // The newest first, even if it became known last.
        let age = |cost: &Argon2Cost| all.iter().position(|known| known == cost);
        candidates.0.sort_by_key(|(cost, _)| age(cost));
        // An entry may have moved up during the search, past the location under examination.
        if candidates.0.len() > 1 && !entries.satisfies(wanted) {
            entries = self.fetch(&candidates).await?;
        }
        // A damaged or tampered entry is left for whoever restores it.
        let is_below = entries.found.iter().any(|(cost, _)| *cost != newest);
        if is_below && !entries.is_partial {
            // Best effort: the next use tries again.
            let _ = self.move_up(&candidates, &entries, newest);
        }
        let keys = entries.keys()?;
        let location = candidates.0.into_iter().find(|(cost, _)| *cost == newest);
        let (_, location) = location.ok_or(VaultError::Service(ServiceError::Tampered))?;
        Ok((keys, location))
    }

    /// Moves the keys of entries at other costs into the one at the newest cost, in one batch,
    /// in the background.
    fn move_up(
        &self,
        candidates: &Candidates,
        entries: &Entries,
        newest: Argon2Cost,
    ) -> Result<(), VaultError> {
        let (Some(keys), Some(location)) = (entries.keys()?, candidates.at(newest)) else {
            return Ok(());
        };
        let record = entry::seal(self, location, &keys)?;
        let mut batch = vec![put(record, entries.at(newest))];
        batch.extend(removals(candidates, entries).filter(|change| change.key() != &location.at));
        self.vault
            .shared
            .background
            .note(location.at.clone(), batch);
        Ok(())
    }

    /// Where the entry of a password may be, for each of the costs.
    pub(super) async fn candidates(
        &self,
        password: &Normalised,
        costs: &[Argon2Cost],
    ) -> Result<Candidates, VaultError> {
        let mut candidates = Vec::with_capacity(costs.len());
        for cost in costs {
            let candidate = self.candidate(password, *cost, WhenFull::Refuse);
            let location = candidate.await?;
            candidates.push((*cost, location));
        }
        Ok(Candidates(candidates))
    }

    /// Fetches the entries as they are now.
    ///
    /// An entry only moves up, to a newer cost. So the oldest is read first: an entry that moves
    /// meanwhile is not missed, even on engines that cannot read all at one moment.
    pub(super) async fn fetch(&self, candidates: &Candidates) -> Result<Entries, VaultError> {
        let mut entries = Entries::default();
        for (cost, location) in candidates.0.iter().rev() {
            if let Some(record) = self.store().get(&location.at).await? {
                entries.add(self, (*cost, location), &record)?;
            }
        }
        entries.found.reverse();
        Ok(entries)
    }

    async fn candidate(
        &self,
        password: &Normalised,
        cost: Argon2Cost,
        when_full: WhenFull,
    ) -> Result<EntryLocation, VaultError> {
        let hasher = &self.vault.shared.hasher;
        let hash = hasher.hash(cost, password, self, when_full).await?;
        Ok(EntryLocation::new(self, &hash))
    }
}

/// Writes an entry: it replaces the existing one, if any.
pub(super) fn put(record: Record, existing: Option<&Entry>) -> Change {
    match existing {
        Some(entry) => Change::Replace {
            record,
            expected: entry.version,
        },
        None => Change::Insert(record),
    }
}

/// Removes all entries that were found.
pub(super) fn removals(candidates: &Candidates, entries: &Entries) -> impl Iterator<Item = Change> {
    entries.found.iter().filter_map(|(cost, entry)| {
        let key = candidates.at(*cost)?.at.clone();
        let expected = Some(entry.version);
        Some(Change::Remove { key, expected })
    })
}

/// The subjects for which an attempt is counted. Without a password only the token itself can be
/// guessed, which counts for the namespace.
pub(super) fn subjects(namespace: &NamespaceKeys, access: &Access, value: &[u8]) -> Vec<Subject> {
    match access {
        Access::Password(_) | Access::Imported(_) => namespace.subjects(value),
        Access::Open | Access::Unlocked(_) => vec![namespace.subject()],
    }
}
