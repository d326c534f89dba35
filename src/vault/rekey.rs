//! Changing a password for everything that it protects, in one batch.

use crate::sealed::{CommitOutcome, Rounds, ServiceError, boxed, commit};
use crate::store::{Change, Query, Values};

use super::access::{Candidates, Entries, put, removals};
use super::entry::{self, DataKeys};
use super::names;
use super::namespace::NamespaceKeys;
use super::records::Namespace;
use super::secret::{Normalised, Password};
use super::{Vault, VaultError, operation};

impl Vault {
    /// Replaces an old password by a new one for all values of this namespace that the old one
    /// protects, even expired and soft-deleted ones, and returns their number.
    ///
    /// It costs a hash of each password at each [cost](super::Argon2Cost) that the vault has had,
    /// one write and a count, however many values there are: the password leads to a list of data
    /// keys, and the list moves. If the new password protects values already, the two lists become
    /// one. Later values are sealed by a fresh data key, which the old password does not reveal.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// let token = vault.create("db-password").password("correct horse").await?;
    /// assert_eq!(vault.rekey("correct horse", "battery staple").await?, 1);
    /// vault.read(&token).password("battery staple").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::InvalidPassword`] if the old one protects nothing,
    /// [`VaultError::PasswordTooShort`] for the new one, [`VaultError::TooManyDataKeys`], and
    /// [`VaultError::Service`].
    ///
    /// # Security
    ///
    /// It takes no token: whoever knows a password can change it for everything that it protects in
    /// this namespace, and choosing a new password that someone else already uses gives access to
    /// their values. So give those who do not trust each other namespaces of their own.
    ///
    /// Whoever had the old password *and* took the data keys out of a process's memory still opens
    /// values written before. To end that, create those values again.
    pub async fn rekey(
        &self,
        old: impl Into<Password>,
        new: impl Into<Password>,
    ) -> Result<u64, VaultError> {
        let (old, new) = (old.into(), new.into());
        let work = boxed(|| async {
            let observed = self.observe(operation::REKEY);
            let work = async {
                observed.count(0);
                let old = old.normalised()?;
                let new = new.normalised()?;
                new.check_new(self.shared.settings.min_password)?;
                let namespace = self.for_reading(&observed).await?;
                let rekey = namespace.rekey(&old, &new);
                let count = self.attempt(&[namespace.subject()], rekey).await?;
                observed.count(count);
                Ok(count)
            };
            observed.run(work).await
        });
        work.await
    }
}

impl Namespace<'_> {
    async fn rekey(&self, old: &Normalised, new: &Normalised) -> Result<u64, VaultError> {
        let mut rounds = Rounds::default();
        // Another process may have raised the cost: a password has one entry, at the newest.
        let mut costs = self.refresh_costs().await?;
        let mut from = self.candidates(old, &costs).await?;
        let mut to = self.candidates(new, &costs).await?;
        loop {
            rounds.next().await?;
            let old_entries = self.fetch(&from).await?;
            let Some(keys) = old_entries.keys()? else {
                let now = self.refresh_costs().await?;
                if now == costs {
                    return Err(VaultError::InvalidPassword);
                }
                costs = now;
                from = self.candidates(old, &costs).await?;
                to = self.candidates(new, &costs).await?;
                continue;
            };
            let new_entries = self.fetch(&to).await?;
            let batch = batch(self, (&from, &old_entries, &keys), (&to, &new_entries))?;
            // Counted first: if that fails, nothing was changed.
            let covered = self.covered(&keys).await?;
            match commit(self.store(), &batch).await? {
                CommitOutcome::Written => return Ok(covered),
                CommitOutcome::Conflict { .. } => {}
            }
        }
    }

    /// How many values these keys seal.
    async fn covered(&self, keys: &DataKeys) -> Result<u64, VaultError> {
        let mut count = 0_u64;
        for id in keys.ids() {
            let query = Query::label(names::VALUES, names::DATA_KEY, Values::exactly(id));
            count = count.saturating_add(self.store().count(&query).await?);
        }
        Ok(count)
    }
}

/// Moves the keys of one password to another: the old entries go, and the new one holds a fresh
/// key, the moved ones, and its own.
fn batch(
    namespace: &NamespaceKeys,
    (from, old, moved): (&Candidates, &Entries, &DataKeys),
    (to, new): (&Candidates, &Entries),
) -> Result<Vec<Change>, VaultError> {
    if old.is_partial || new.is_partial {
        return Err(VaultError::Service(ServiceError::Tampered));
    }
    let mut keys = DataKeys::fresh()?;
    keys.append(moved)?;
    if let Some(own) = new.keys()? {
        keys.append(&own)?;
    }
    let (cost, newest) =
        to.0.first()
            .ok_or(VaultError::Service(ServiceError::Tampered))?;
    let record = entry::seal(namespace, newest, &keys)?;
    let mut batch = vec![put(record, new.at(*cost))];
    for change in removals(from, old).chain(removals(to, new)) {
        // The same password again leads to the same entries, of which the newest is replaced
        // already.
        if batch.iter().all(|other| other.key() != change.key()) {
            batch.push(change);
        }
    }
    Ok(batch)
}
