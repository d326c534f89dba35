//! Another password for everything that one protects, in one batch however much that is.

use crate::events::Operation;
use crate::sealed::{Committed, Rounds, commit};
use crate::store::{Change, Query, Values};

use super::access::{Found, Places, put, removals};
use super::entry::{self, DataKeys};
use super::names;
use super::namespace::Namespace;
use super::secret::Password;
use super::{Vault, VaultError};

/// Changes a password: [`Vault::rekey`].
#[must_use = "nothing is changed until this is awaited"]
#[derive(Debug)]
pub struct Rekey<'a> {
    vault: &'a Vault,
    old: Password,
    new: Password,
}

impl Vault {
    /// Puts a new password in the place of an old one for all values of this namespace that the old one protects, also for those that
    /// have expired or are soft-deleted. Awaited, it gives how many those are.
    ///
    /// It costs a hash for each of the two at each [cost](super::Argon2Cost) that the vault has
    /// had, one write and a count, however many values there are: the password leads to a list of
    /// keys, and the list moves. Where the new password protects values already, both lists become
    /// one. Values that are written later are under a new key, which who knew the old password
    /// never had.
    ///
    /// # Errors
    ///
    /// [`VaultError::InvalidPassword`] when nothing is under the old one, [`VaultError::PasswordTooShort`] for the new one,
    /// [`VaultError::TooManyAttempts`], [`VaultError::TooManyDataKeys`], [`VaultError::Tampered`], [`VaultError::Store`].
    ///
    /// # Security
    ///
    /// It asks for no token: who knows a password can change it for everything under it in this namespace, and who guesses the password of others
    /// by naming it as the new one has joined theirs. So give those who do not trust each other namespaces of their own. Who had the old password *and* took the data keys out of a process's memory still opens what was written before. To end that,
    /// write the values anew.
    pub fn rekey(&self, old: impl Into<Password>, new: impl Into<Password>) -> Rekey<'_> {
        Rekey {
            vault: self,
            old: old.into(),
            new: new.into(),
        }
    }
}

impl Rekey<'_> {
    async fn run(self) -> Result<u64, VaultError> {
        let result = self.try_run().await;
        let count = result.as_ref().ok().copied();
        self.vault
            .report(Operation::VaultRekey, None, count, result)
    }

    async fn try_run(&self) -> Result<u64, VaultError> {
        let vault = self.vault;
        let old = self.old.normalised()?;
        let new = self.new.normalised()?;
        new.check_new(vault.shared.settings.min_password)?;
        let namespace = vault.for_reading().await?;
        let work = async {
            let mut rounds = Rounds::default();
            // A cost that another process raised counts here, too: a password has one entry, at the newest cost.
            let mut costs = vault.refresh_costs().await?;
            let mut from = vault.places(&namespace, &old, &costs).await?;
            let mut to = vault.places(&namespace, &new, &costs).await?;
            loop {
                rounds.next().await?;
                let there = vault.look(&namespace, &from).await?;
                let Some(keys) = there.keys()? else {
                    let now = vault.refresh_costs().await?;
                    if now == costs {
                        return Err(VaultError::InvalidPassword);
                    }
                    costs = now;
                    from = vault.places(&namespace, &old, &costs).await?;
                    to = vault.places(&namespace, &new, &costs).await?;
                    continue;
                };
                let target = vault.look(&namespace, &to).await?;
                let batch = batch(&namespace, (&from, &there, &keys), (&to, &target))?;
                // Counted before: where the count fails, nothing has been changed.
                let covered = vault.covered(&keys).await?;
                match commit(vault.store(), &batch).await? {
                    Committed::Written => return Ok(covered),
                    Committed::Conflict { .. } => {}
                }
            }
        };
        vault.attempt(&[namespace.subject()], work).await
    }
}

impl Vault {
    /// How many values are under these keys.
    async fn covered(&self, keys: &DataKeys) -> Result<u64, VaultError> {
        let mut count = 0_u64;
        for id in keys.ids() {
            let query = Query::label(names::VALUES, names::DATA_KEY, Values::exactly(id));
            count = count.saturating_add(self.store().count(&query).await?);
        }
        Ok(count)
    }
}

/// What moves the keys of one password to another: the old entries go, and the new one holds a fresh key, the moved ones, and those that
/// it had.
fn batch(
    namespace: &Namespace,
    (from, there, moved): (&Places, &Found, &DataKeys),
    (to, target): (&Places, &Found),
) -> Result<Vec<Change>, VaultError> {
    if there.is_partial || target.is_partial {
        return Err(VaultError::Tampered);
    }
    let mut keys = DataKeys::fresh()?;
    keys.append(moved)?;
    if let Some(had) = target.keys()? {
        keys.append(&had)?;
    }
    let (cost, newest) = to.0.first().ok_or(VaultError::Tampered)?;
    let record = entry::seal(namespace, newest, &keys)?;
    let mut batch = vec![put(record, target.at(*cost))];
    for change in removals(from, there).chain(removals(to, target)) {
        // The same password again has the same places, and the newest one is replaced already.
        if batch.iter().all(|other| other.key() != change.key()) {
            batch.push(change);
        }
    }
    Ok(batch)
}

awaited!(Rekey => u64);
