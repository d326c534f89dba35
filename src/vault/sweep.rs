//! Work on many values at once: what has expired, what is hidden, and the keysets after the ring was rotated.

use std::fmt;
use std::time::Duration;

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::{self, Committed, Rounds, commit};
use crate::store::{Change, LabelName, Query, Record, Values};

use super::names;
use super::namespace::Namespace;
use super::prune::removals;
use super::row::{Meta, Row};
use super::target::{Target, ValueId};
use super::{Vault, VaultError};

/// What becomes of a value that has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepMode {
    /// It is hidden, and can be restored and renewed.
    Soft,
    /// It is removed with all its earlier values, also where it was hidden before: once it has been
    /// over for the [margin](super::VaultOptions::sweep_margin), so that no clock that is ahead
    /// takes what is still good elsewhere.
    Hard,
}

/// What came of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// How many values were hidden or removed.
    pub count: u64,
    /// How many records were left alone because they were changed from outside.
    pub tampered: u64,
}

/// Who is told how far long work has come.
type Progress<'a> = Box<dyn FnMut(u64) + Send + 'a>;

/// Hides or removes values: [`Vault::sweep_expired`] and [`Vault::purge_deleted`].
#[must_use = "nothing is swept until this is awaited"]
pub struct Sweep<'a> {
    work: Work<'a>,
    progress: Progress<'a>,
}

/// What is to be swept, and where.
#[derive(Clone, Copy)]
struct Work<'a> {
    vault: &'a Vault,
    goal: Goal,
}

#[derive(Clone, Copy)]
enum Goal {
    Expired(SweepMode),
    /// Hidden so long ago.
    Deleted(Duration),
}

/// What came of [`Vault::rewrap`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// Keysets that the current key seals now and did not before.
    pub resealed: u64,
    /// Keysets that it sealed already.
    pub unchanged: u64,
    /// Keysets that were left alone: changed from outside, or sealed by a key that the ring lacks. Keep the retired key while there are any.
    pub failed: u64,
}

impl Rewrapped {
    /// Whether there was nothing to do, and nothing that could not be done: then no keyset needs
    /// a retired key any more.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.resealed == 0 && self.failed == 0
    }
}

/// Seals the keysets again: [`Vault::rewrap`].
#[must_use = "nothing is sealed until this is awaited"]
pub struct Rewrap<'a> {
    vault: &'a Vault,
    progress: Progress<'a>,
}

impl Vault {
    /// Hides or removes what has expired in this namespace: page by page, each value on the condition that nobody renewed it meanwhile.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`]. What was swept before stays swept, and the next sweep goes on.
    pub fn sweep_expired(&self, mode: SweepMode) -> Sweep<'_> {
        self.sweep(Goal::Expired(mode))
    }

    /// Removes what was soft-deleted at least so long ago in this namespace, with all earlier
    /// values. This age is the only margin: let it be longer than clocks differ.
    ///
    /// # Errors
    ///
    /// As for [`sweep_expired`](Vault::sweep_expired).
    pub fn purge_deleted(&self, older_than: Duration) -> Sweep<'_> {
        self.sweep(Goal::Deleted(older_than))
    }

    fn sweep(&self, goal: Goal) -> Sweep<'_> {
        Sweep {
            work: Work { vault: self, goal },
            progress: Box::new(|_| {}),
        }
    }

    /// Seals the keysets of *all* namespaces again that the ring's current key did not seal. Once none is left, the retired key can leave the
    /// ring, and everything still opens.
    ///
    /// Values are not touched. It can be stopped and begun again, and done twice. A keyset that was changed from outside, or that no key of the ring
    /// opens, keeps no other from it and is no error, but counted as [failed](Rewrapped::failed): do it again until it [is done](Rewrapped::is_done), and
    /// keep the retired key as long.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`]. What was sealed again before stays so.
    pub fn rewrap(&self) -> Rewrap<'_> {
        Rewrap {
            vault: self,
            progress: Box::new(|_| {}),
        }
    }
}

impl<'a> Sweep<'a> {
    /// Tells how many were swept, again and again.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    async fn run(mut self) -> Result<Swept, VaultError> {
        let mut swept = Swept::default();
        let result = self.work.run(&mut swept, &mut self.progress).await;
        let operation = match self.work.goal {
            Goal::Expired(_) => Operation::VaultSweep,
            Goal::Deleted(_) => Operation::VaultPurge,
        };
        // Pages that were done before stay done.
        let result = result.map_err(|error| error.after(swept.count));
        let result = result.map(|()| swept);
        self.work
            .vault
            .report(operation, None, Some(swept.count), result)
    }
}

impl Work<'_> {
    async fn run(self, swept: &mut Swept, progress: &mut Progress<'_>) -> Result<(), VaultError> {
        let namespace = self.vault.for_reading().await?;
        if namespace.is_phantom {
            return Ok(());
        }
        let mark = namespace.mark();
        // One range for all pages: a cursor goes on in the range that it comes from.
        let until = namespace.keyset.order(self.until().saturating_add(1));
        let until = [mark, until].concat();
        for index in self.indexes() {
            let mut next = None;
            loop {
                let values = Values::between(mark, until.clone());
                let query = Query::label(names::VALUES, index.clone(), values).after(next);
                let page = self.vault.store().scan(&query).await?;
                self.sweep_page(&namespace, page.records, swept).await?;
                progress(swept.count);
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn indexes(self) -> Vec<LabelName> {
        match self.goal {
            Goal::Expired(SweepMode::Soft) => vec![names::EXPIRES],
            Goal::Expired(SweepMode::Hard) => vec![names::EXPIRES, names::EXPIRES_DELETED],
            Goal::Deleted(_) => vec![names::DELETED],
        }
    }

    /// The last second whose values are swept: what is destroyed has been over for a while.
    fn until(self) -> UnixTime {
        let age = match self.goal {
            Goal::Expired(SweepMode::Soft) => Duration::ZERO,
            Goal::Expired(SweepMode::Hard) => self.vault.shared.settings.sweep_margin,
            Goal::Deleted(age) => age,
        };
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        UnixTime::from_secs(self.vault.now().as_secs().saturating_sub(age))
    }

    /// Whether a value is due, by what is sealed: the index only leads here.
    fn is_due(self, meta: &Meta) -> bool {
        match self.goal {
            Goal::Expired(SweepMode::Soft) => meta.is_expired(self.until()) && !meta.is_deleted(),
            Goal::Expired(SweepMode::Hard) => meta.is_expired(self.until()),
            Goal::Deleted(_) => meta.deleted.is_some_and(|at| at <= self.until().as_secs()),
        }
    }

    async fn sweep_page(
        self,
        namespace: &Namespace,
        records: Vec<Record>,
        swept: &mut Swept,
    ) -> Result<(), VaultError> {
        let mut due = Vec::new();
        for record in records {
            match Row::open(namespace, record) {
                Ok(row) if self.is_due(&row.meta) => due.push(row),
                Ok(_) => {}
                Err(_) => swept.tampered = swept.tampered.saturating_add(1),
            }
        }
        let limits = self.vault.store().limits();
        while !due.is_empty() {
            let mut batch = Vec::new();
            let (mut weight, mut bytes) = (0_usize, 0_usize);
            for row in &due {
                let changes = self.changes(namespace, row)?;
                weight = weight.saturating_add(weigh(row, &changes));
                bytes = bytes.saturating_add(row.payload.len());
                let is_full = weight > limits.max_batch || bytes > limits.max_body;
                if is_full && !batch.is_empty() {
                    break;
                }
                batch.push(changes);
            }
            let rows = due.drain(..batch.len()).collect();
            self.write(namespace, rows, batch, swept).await?;
        }
        Ok(())
    }

    /// What sweeps one value.
    fn changes(self, namespace: &Namespace, row: &Row) -> Result<Vec<Change>, VaultError> {
        let expected = row.version;
        if let Goal::Expired(SweepMode::Soft) = self.goal {
            let mut meta = row.meta.clone();
            meta.deleted = Some(self.vault.now().as_secs());
            let record = row.with_meta(namespace, &meta)?;
            return Ok(vec![Change::Replace { record, expected }]);
        }
        let key = row.key.clone();
        let mut changes = vec![Change::Remove {
            key,
            expected: Some(expected),
        }];
        changes.extend(removals(namespace, row, row.meta.oldest..row.meta.revision));
        Ok(changes)
    }

    /// Writes a batch. Where others changed one of its values, or an attacker made it too heavy,
    /// they are written one by one, each judged again.
    async fn write(
        self,
        namespace: &Namespace,
        rows: Vec<Row>,
        batch: Vec<Vec<Change>>,
        swept: &mut Swept,
    ) -> Result<(), VaultError> {
        match commit(self.vault.store(), &batch.concat()).await {
            Ok(Committed::Written) => {
                swept.count = swept.count.saturating_add(rows.len() as u64);
                return Ok(());
            }
            Ok(Committed::Conflict { .. }) => {}
            Err(error) if error.is_too_heavy() => {}
            Err(error) => return Err(error.into()),
        }
        for row in rows {
            let mut pruned = 0;
            let count = match self.write_one(namespace, row, &mut pruned).await {
                Ok(true) => &mut swept.count,
                Ok(false) | Err(VaultError::NotFound) => continue,
                Err(VaultError::Tampered) => &mut swept.tampered,
                Err(VaultError::Store(error)) if error.is_too_heavy() => &mut swept.tampered,
                Err(error) => return Err(error.after(pruned)),
            };
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// Whether it was swept here: not where it lives again, or is gone. What goes before the value
    /// itself is counted.
    async fn write_one(
        self,
        namespace: &Namespace,
        mut row: Row,
        pruned: &mut u64,
    ) -> Result<bool, VaultError> {
        let at = Target::from(ValueId::of(&row.key)?).find(namespace);
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let changes = self.changes(namespace, &row)?;
            let store = self.vault.store();
            let current = match commit(store, &changes).await {
                Ok(Committed::Written) => return Ok(true),
                // Only the value itself has a version that is expected.
                Ok(Committed::Conflict { current, .. }) => current,
                // An attacker gave its earlier values more labels than a batch takes: they go before
                // it, unless it was renewed meanwhile.
                Err(error) if error.is_too_heavy() && changes.len() > 1 => {
                    let keep = |meta: &Meta| if self.is_due(meta) { 0 } else { u64::MAX };
                    self.vault.try_prune(namespace, &at, keep, pruned).await?;
                    store.get(&row.key).await?
                }
                Err(error) => return Err(error.into()),
            };
            row = match current.map(|record| Row::open(namespace, record)) {
                Some(row) => row?,
                None => return Ok(false),
            };
            if !self.is_due(&row.meta) {
                return Ok(false);
            }
        }
    }
}

/// What the changes to one value weigh. One that is removed takes its labels along: an engine may
/// count each of those, and here it is known how many they are.
fn weigh(row: &Row, changes: &[Change]) -> usize {
    let first = changes.first().map_or(0, Change::weight);
    let items = row.labels.saturating_add(1);
    let weights = changes.iter().map(Change::weight);
    let weight = weights.fold(0, usize::saturating_add);
    weight.saturating_add(items.saturating_sub(first))
}

impl<'a> Rewrap<'a> {
    /// Tells how many keysets were looked at, again and again.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    async fn run(mut self) -> Result<Rewrapped, VaultError> {
        let mut done = sealed::Rewrapped::default();
        let keysets = &self.vault.shared.keysets;
        let result = keysets.rewrap(&mut done, &mut self.progress).await;
        let result = result.map_err(VaultError::from).map(|()| Rewrapped {
            resealed: done.resealed,
            unchanged: done.current,
            failed: done.failed,
        });
        let count = Some(done.resealed);
        self.vault
            .report(Operation::VaultRewrap, None, count, result)
    }
}

impl fmt::Debug for Sweep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sweep")
    }
}

impl fmt::Debug for Rewrap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewrap")
    }
}

awaited!(Sweep => Swept, Rewrap => Rewrapped);
