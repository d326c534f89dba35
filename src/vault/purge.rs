//! Cleaning up: expired values are soft-deleted or removed, and soft-deleted ones removed.

use std::time::Duration;

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::{
    Bulk, CommitOutcome, Progress, Rounds, ServiceError, Tally, commit, is_too_heavy,
};
use crate::store::{Change, LabelName, Query, Record, Values};

use super::names;
use super::prune::removals;
use super::records::Namespace;
use super::row::{Meta, Row};
use super::target::{Target, ValueId};
use super::{Vault, VaultError, operation};

/// Which values are due, and what is done with them.
#[derive(Clone, Copy)]
enum Goal {
    SoftDeleteExpired,
    PurgeExpired,
    /// Those soft-deleted at least this long ago.
    PurgeDeleted(Duration),
}

/// What was done so far, and the caller's progress function.
struct Done<'a> {
    tally: Tally,
    progress: Progress<'a>,
}

/// One goal in one namespace.
#[derive(Clone, Copy)]
struct Work<'a> {
    namespace: &'a Namespace<'a>,
    goal: Goal,
}

impl Vault {
    /// Soft-deletes the expired values of this namespace: they can be restored and renewed.
    ///
    /// Works page by page, and skips values that are renewed meanwhile.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let store = MemoryStore::new();
    /// let clock = ManualClock::at(UnixTime::from_secs(0)); // of a test
    /// let vault = Vault::options().clock(clock.clone()).open(store, &keys).await?;
    /// vault.create("db-password").expires(Lifetime::hours(1)).await?;
    /// clock.advance(2 * 3600);
    /// assert_eq!(vault.soft_delete_expired().await?.count, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::Service`]. Values changed before the error stay changed. Repeat it to go on.
    pub fn soft_delete_expired(&self) -> Bulk<'_, Tally, VaultError> {
        self.work(Goal::SoftDeleteExpired)
    }

    /// Removes the expired values of this namespace permanently, with all their earlier ones, even
    /// if they were soft-deleted before.
    ///
    /// A value is removed once it has been expired for the
    /// [margin](super::VaultOptions::purge_margin), so that a clock that is ahead removes nothing
    /// that can still be read elsewhere.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let store = MemoryStore::new();
    /// let clock = ManualClock::at(UnixTime::from_secs(0)); // of a test
    /// let vault = Vault::options().clock(clock.clone()).open(store, &keys).await?;
    /// vault.create("db-password").expires(Lifetime::hours(1)).await?;
    /// clock.advance(2 * 3600);
    /// assert_eq!(vault.purge_expired().await?.count, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`soft_delete_expired`](Vault::soft_delete_expired).
    pub fn purge_expired(&self) -> Bulk<'_, Tally, VaultError> {
        self.work(Goal::PurgeExpired)
    }

    /// Permanently removes the values of this namespace that were soft-deleted at least this long
    /// ago, with all their earlier ones. This age is the only margin: choose it longer than clocks
    /// differ.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// # let token = vault.create("db-password").await?;
    /// vault.soft_delete(&token).await?;
    /// let done = vault.purge_deleted(Duration::from_secs(30 * 86_400)).await?;
    /// assert_eq!(done.count, 0); // it can still be restored
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`soft_delete_expired`](Vault::soft_delete_expired).
    pub fn purge_deleted(&self, older_than: Duration) -> Bulk<'_, Tally, VaultError> {
        self.work(Goal::PurgeDeleted(older_than))
    }

    fn work(&self, goal: Goal) -> Bulk<'_, Tally, VaultError> {
        Bulk::new(move |progress| self.clean_up(goal, progress))
    }

    async fn clean_up(&self, goal: Goal, progress: Progress<'_>) -> Result<Tally, VaultError> {
        let observed = self.observe(goal.operation());
        let work = async {
            let tally = Tally::default();
            let mut done = Done { tally, progress };
            observed.count(0);
            let namespace = &self.for_reading(&observed).await?;
            let work = Work { namespace, goal };
            let result = work.pages(&mut done).await;
            // Pages written before the error stay written.
            result.map_err(|error| error.after(done.tally.count))?;
            Ok(done.tally)
        };
        observed.run(work).await
    }
}

impl Goal {
    const fn operation(self) -> Operation {
        match self {
            Self::SoftDeleteExpired => operation::SOFT_DELETE_EXPIRED,
            Self::PurgeExpired => operation::PURGE_EXPIRED,
            Self::PurgeDeleted(_) => operation::PURGE_DELETED,
        }
    }
}

impl Work<'_> {
    async fn pages(self, done: &mut Done<'_>) -> Result<(), VaultError> {
        let namespace = self.namespace;
        if namespace.is_stand_in {
            return Ok(());
        }
        let prefix = namespace.scope_prefix();
        // One range for all pages: a cursor belongs to the range that it comes from.
        let until = namespace.keyset.order(self.until().saturating_add(1));
        let until = [prefix, until].concat();
        for index in self.indexes() {
            let mut next = None;
            loop {
                let values = Values::between(prefix, until.clone());
                let query = Query::label(names::VALUES, index.clone(), values).after(next);
                let page = namespace.store().scan(&query).await?;
                self.page(page.records, done).await?;
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
            Goal::SoftDeleteExpired => vec![names::EXPIRES],
            Goal::PurgeExpired => vec![names::EXPIRES, names::EXPIRES_DELETED],
            Goal::PurgeDeleted(_) => vec![names::DELETED],
        }
    }

    /// The last second whose values are due. Values to be removed have an age or a margin.
    fn until(self) -> UnixTime {
        let age = match self.goal {
            Goal::SoftDeleteExpired => Duration::ZERO,
            Goal::PurgeExpired => self.namespace.vault.shared.settings.purge_margin,
            Goal::PurgeDeleted(age) => age,
        };
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        UnixTime::from_secs(self.namespace.vault.now().as_secs().saturating_sub(age))
    }

    /// Whether a value is due, by its sealed metadata. The index only finds it.
    fn is_due(self, meta: &Meta) -> bool {
        match self.goal {
            Goal::SoftDeleteExpired => meta.is_expired(self.until()) && !meta.is_deleted(),
            Goal::PurgeExpired => meta.is_expired(self.until()),
            Goal::PurgeDeleted(_) => meta.deleted.is_some_and(|at| at <= self.until().as_secs()),
        }
    }

    async fn page(self, records: Vec<Record>, done: &mut Done<'_>) -> Result<(), VaultError> {
        let mut due = Vec::new();
        for record in records {
            match Row::open(self.namespace, record) {
                Ok(row) if self.is_due(&row.meta) => due.push(row),
                Ok(_) => {}
                Err(_) => done.tally.tampered = done.tally.tampered.saturating_add(1),
            }
        }
        let limits = self.namespace.store().limits();
        while !due.is_empty() {
            let mut batch = Vec::new();
            let (mut weight, mut bytes) = (0_usize, 0_usize);
            for row in &due {
                let changes = self.changes(row)?;
                weight = weight.saturating_add(weigh(row, &changes));
                bytes = bytes.saturating_add(row.payload.len());
                let is_full = weight > limits.max_batch || bytes > limits.max_body;
                if is_full && !batch.is_empty() {
                    break;
                }
                batch.push(changes);
            }
            let rows = due.drain(..batch.len()).collect();
            self.write(rows, batch, done).await?;
        }
        Ok(())
    }

    /// The changes to one value.
    fn changes(self, row: &Row) -> Result<Vec<Change>, VaultError> {
        let expected = row.version;
        if let Goal::SoftDeleteExpired = self.goal {
            let mut meta = row.meta.clone();
            meta.deleted = Some(self.namespace.vault.now().as_secs());
            let record = row.with_meta(self.namespace, &meta)?;
            return Ok(vec![Change::Replace { record, expected }]);
        }
        let key = row.key.clone();
        let mut changes = vec![Change::Remove {
            key,
            expected: Some(expected),
        }];
        let earlier = row.meta.oldest..row.meta.revision;
        changes.extend(removals(self.namespace, row, earlier));
        Ok(changes)
    }

    /// Writes a batch. If others changed one of its values, or an attacker made it too heavy, each
    /// value is judged again and written on its own.
    async fn write(
        self,
        rows: Vec<Row>,
        batch: Vec<Vec<Change>>,
        done: &mut Done<'_>,
    ) -> Result<(), VaultError> {
        match commit(self.namespace.store(), &batch.concat()).await {
            Ok(CommitOutcome::Written) => {
                self.count(done, rows.len() as u64);
                return Ok(());
            }
            Ok(CommitOutcome::Conflict { .. }) => {}
            Err(error) if is_too_heavy(&error) => {}
            Err(error) => return Err(error.into()),
        }
        for row in rows {
            let mut pruned = 0;
            match self.write_one(row, &mut pruned).await {
                Ok(true) => self.count(done, 1),
                Ok(false) | Err(VaultError::NotFound) => {}
                Err(VaultError::Service(ServiceError::Tampered)) => {
                    done.tally.tampered = done.tally.tampered.saturating_add(1);
                }
                Err(VaultError::Service(ServiceError::Store(error))) if is_too_heavy(&error) => {
                    done.tally.tampered = done.tally.tampered.saturating_add(1);
                }
                Err(error) => return Err(error.after(pruned)),
            }
        }
        Ok(())
    }

    fn count(self, done: &mut Done<'_>, values: u64) {
        done.tally.count = done.tally.count.saturating_add(values);
        self.namespace.observed.count(done.tally.count);
        done.progress.report(done.tally.count);
    }

    /// Whether the value was written here: not if it was renewed or removed meanwhile. `pruned`
    /// counts the earlier values that are removed before it.
    async fn write_one(self, mut row: Row, pruned: &mut u64) -> Result<bool, VaultError> {
        let namespace = self.namespace;
        let location = Target::from(ValueId::of(&row.key)?).locate(namespace);
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let changes = self.changes(&row)?;
            let current = match commit(namespace.store(), &changes).await {
                Ok(CommitOutcome::Written) => return Ok(true),
                // Only the change to the value itself expects a version.
                Ok(CommitOutcome::Conflict { current, .. }) => current,
                // An attacker gave the earlier values more labels than a batch takes: they go
                // first, unless the value was renewed meanwhile.
                Err(error) if is_too_heavy(&error) && changes.len() > 1 => {
                    let keep = |meta: &Meta| if self.is_due(meta) { 0 } else { u64::MAX };
                    let count = |number| *pruned = pruned.saturating_add(number);
                    namespace.prune(&location, keep, count).await?;
                    namespace.store().get(&row.key).await?
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

/// The weight of the changes to one value. A removal takes the labels along, and an engine may
/// count each of them; here their number is known.
fn weigh(row: &Row, changes: &[Change]) -> usize {
    let first = changes.first().map_or(0, Change::weight);
    let items = row.labels.saturating_add(1);
    let weights = changes.iter().map(Change::weight);
    let weight = weights.fold(0, usize::saturating_add);
    weight.saturating_add(items.saturating_sub(first))
}
