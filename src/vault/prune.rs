//! Removing earlier values.

use std::ops::Range;

use crate::sealed::{CommitOutcome, Rounds, commit};
use crate::store::Change;

use super::namespace::Namespace;
use super::row::{Meta, Row};
use super::target::{Location, Target};
use super::{Vault, VaultError, operation};

impl Vault {
    /// Removes all earlier values but the newest `keep`, and returns how many.
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
            let (namespace, location) = self.locate(&observed, &target).await?;
            let mut pruned = 0;
            let keep = |_: &Meta| keep.into();
            let result = self.prune(&namespace, &location, keep, &mut pruned).await;
            result.map_err(|error| error.after(pruned))?;
            observed.count(pruned);
            Ok(pruned)
        };
        observed.run(work).await
    }

    /// Removes earlier values in one batch, or in several where an attacker gave them more labels
    /// than one takes. Each batch decides by the current record how many to keep.
    ///
    /// The record is written even if nothing is removed: a store whose reads lag behind may have
    /// shown an outdated one.
    pub(super) async fn prune(
        &self,
        namespace: &Namespace,
        location: &Location,
        keep: impl Fn(&Meta) -> u64 + Send,
        pruned: &mut u64,
    ) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        let mut most = u64::MAX;
        let mut existing = self.store().get(&location.key).await?;
        loop {
            rounds.next().await?;
            let row = Row::open(namespace, location.accept(namespace, existing)?)?;
            let first = row.meta.oldest;
            let goal = row.meta.revision.saturating_sub(keep(&row.meta)).max(first);
            let oldest = goal.min(first.saturating_add(most));
            let number = oldest.saturating_sub(first);
            let meta = Meta {
                oldest,
                ..row.meta.clone()
            };
            let record = row.with_meta(namespace, &meta)?;
            let mut batch = vec![Change::Replace {
                record: record.clone(),
                expected: row.version,
            }];
            batch.extend(removals(namespace, &row, first..oldest));
            existing = match commit(self.store(), &batch).await {
                Ok(CommitOutcome::Written) => {
                    *pruned = pruned.saturating_add(number);
                    if oldest == goal {
                        return Ok(());
                    }
                    rounds = Rounds::default();
                    Some(record)
                }
                Ok(CommitOutcome::Conflict { current, .. }) => current,
                Err(error) if error.is_too_heavy() && number > 1 => {
                    most = number.div_euclid(2);
                    self.store().get(&location.key).await?
                }
                Err(error) => return Err(error.into()),
            };
        }
    }
}

/// Removes the earlier values with these numbers.
pub(super) fn removals(
    namespace: &Namespace,
    row: &Row,
    numbers: Range<u64>,
) -> impl Iterator<Item = Change> {
    numbers.map(|number| Change::Remove {
        key: namespace.version_key(&row.key.id, number),
        expected: None,
    })
}
