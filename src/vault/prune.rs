//! Removing earlier values.

use std::ops::Range;

use crate::sealed::{CommitOutcome, Rounds, commit, is_too_heavy};
use crate::store::Change;

use super::namespace::NamespaceKeys;
use super::records::Namespace;
use super::row::{Meta, Row};
use super::target::{Location, Target};
use super::{Vault, VaultError, operation};

impl Vault {
    /// Removes all earlier values but the newest `keep`, and returns how many.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let store = MemoryStore::new();
    /// let vault = Vault::options().keep_versions(3).open(store, &keys).await?;
    /// let token = vault.create("old").await?;
    /// vault.update(&token, "new").await?;
    /// assert_eq!(vault.prune_versions(&token, 0).await?, 1); // "old" is removed
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`] and [`VaultError::Service`].
    pub async fn prune_versions(
        &self,
        target: impl Into<Target>,
        keep: u32,
    ) -> Result<u64, VaultError> {
        let target = target.into();
        let observed = self.observe(operation::PRUNE);
        let work = async {
            let mut pruned = 0_u64;
            observed.count(pruned);
            let (namespace, location) = self.locate(&observed, &target).await?;
            let count = |number| {
                pruned = pruned.saturating_add(number);
                observed.count(pruned);
            };
            let result = namespace.prune(&location, |_| keep.into(), count).await;
            // Batches written before the error stay written.
            result.map_err(|error| error.after(pruned))?;
            Ok(pruned)
        };
        observed.run(work).await
    }
}

impl Namespace<'_> {
    /// Removes earlier values in one batch, or in several if an attacker gave them more labels than
    /// one accepts. Each batch decides by the current record how many to keep, and passes the
    /// number that it removed to `removed`.
    ///
    /// The record is written even if nothing is removed: a store with stale reads may have shown an
    /// outdated one.
    pub(super) async fn prune(
        &self,
        location: &Location,
        keep: impl Fn(&Meta) -> u64 + Send,
        mut removed: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        let mut limit = u64::MAX;
        let mut existing = self.store().get(&location.key).await?;
        loop {
            rounds.next().await?;
            let row = Row::open(self, location.accept(self, existing)?)?;
            let first = row.meta.oldest;
            let goal = row.meta.revision.saturating_sub(keep(&row.meta)).max(first);
            let oldest = goal.min(first.saturating_add(limit));
            let number = oldest.saturating_sub(first);
            let meta = Meta {
                oldest,
                ..row.meta.clone()
            };
            let record = row.with_meta(self, &meta)?;
            let mut batch = vec![Change::Replace {
                record: record.clone(),
                expected: row.version,
            }];
            batch.extend(removals(self, &row, first..oldest));
            existing = match commit(self.store(), &batch).await {
                Ok(CommitOutcome::Written) => {
                    removed(number);
                    if oldest == goal {
                        return Ok(());
                    }
                    rounds = Rounds::default();
                    Some(record)
                }
                Ok(CommitOutcome::Conflict { current, .. }) => current,
                Err(error) if is_too_heavy(&error) && number > 1 => {
                    limit = number.div_euclid(2);
                    self.store().get(&location.key).await?
                }
                Err(error) => return Err(error.into()),
            };
        }
    }
}

/// Removes the earlier values with these numbers.
pub(super) fn removals(
    namespace: &NamespaceKeys,
    row: &Row,
    numbers: Range<u64>,
) -> impl Iterator<Item = Change> {
    numbers.map(|number| Change::Remove {
        key: namespace.version_key(&row.key.id, number),
        expected: None,
    })
}
