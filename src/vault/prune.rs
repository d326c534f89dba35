//! Earlier values are removed.

use std::ops::Range;

use crate::events::Operation;
use crate::sealed::{Committed, Rounds, commit};
use crate::store::Change;

use super::namespace::Namespace;
use super::row::{Meta, Row};
use super::target::{Target, Whereabouts};
use super::{Vault, VaultError};

impl Vault {
    /// Removes earlier values but for the newest `keep`, and returns how many.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn prune_versions(
        &self,
        target: impl Into<Target>,
        keep: u32,
    ) -> Result<u64, VaultError> {
        let namespace = self.begin(Operation::VaultPrune).await?;
        let at = target.into().find(&namespace);
        let mut pruned = 0;
        let result = self
            .try_prune(&namespace, &at, |_| keep.into(), &mut pruned)
            .await;
        let result = result.map(|()| pruned);
        let result = result.map_err(|error| error.after(pruned));
        let count = result.as_ref().ok().copied();
        self.report(
            Operation::VaultPrune,
            Some(namespace.fingerprint(&at.key.id)),
            count,
            result,
        )
    }

    /// Removes earlier values in one batch; in several, where an attacker gave them more labels than one takes. How many are kept is judged for
    /// each by what is there then.
    ///
    /// It is written also where there is nothing to remove: a store whose reads lag behind may have shown what is there no more.
    pub(super) async fn try_prune(
        &self,
        namespace: &Namespace,
        at: &Whereabouts,
        keep: impl Fn(&Meta) -> u64 + Send,
        pruned: &mut u64,
    ) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        let mut most = u64::MAX;
        let mut there = self.store().get(&at.key).await?;
        loop {
            rounds.next().await?;
            let row = Row::open(namespace, at.ours(namespace, there)?)?;
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
            there = match commit(self.store(), &batch).await {
                Ok(Committed::Written) => {
                    *pruned = pruned.saturating_add(number);
                    if oldest == goal {
                        return Ok(());
                    }
                    rounds = Rounds::default();
                    Some(record)
                }
                Ok(Committed::Conflict { current, .. }) => current,
                Err(error) if error.is_too_heavy() && number > 1 => {
                    most = number.div_euclid(2);
                    self.store().get(&at.key).await?
                }
                Err(error) => return Err(error.into()),
            };
        }
    }
}

/// What takes away the earlier values with these numbers.
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
