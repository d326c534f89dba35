//! The life of a value: looked at, renewed, hidden, restored, removed. None of it needs the password.

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::{Committed, End, Rounds, commit, expectable};
use crate::store::Change;
use crate::token::Lifetime;

use super::list::Info;
use super::namespace::Namespace;
use super::prune::removals;
use super::row::{Meta, Row};
use super::target::{Target, Whereabouts};
use super::{Vault, VaultError};

/// Moves an end: [`Vault::renew`].
#[must_use = "nothing is renewed until this is awaited"]
#[derive(Debug)]
pub struct Renew<'a> {
    vault: &'a Vault,
    target: Target,
    end: End,
    even_expired: bool,
    even_deleted: bool,
}

impl Vault {
    /// Whether a value can be had: there, not soft-deleted, not expired.
    ///
    /// # Errors
    ///
    /// [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn exists(&self, target: impl Into<Target>) -> Result<bool, VaultError> {
        let namespace = self.begin(Operation::VaultExists).await?;
        let at = target.into().find(&namespace);
        let exists = match self.row_of(&namespace, &at).await {
            Ok(row) => Ok(row.meta.check(self.now()).is_ok()),
            Err(VaultError::NotFound) => Ok(false),
            Err(error) => Err(error),
        };
        let token = Some(namespace.fingerprint(&at.key.id));
        self.report(Operation::VaultExists, token, None, exists)
    }

    /// What is known about a value, wherever it stands in its life: never the value.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn info(&self, target: impl Into<Target>) -> Result<Info, VaultError> {
        let namespace = self.begin(Operation::VaultInfo).await?;
        let at = target.into().find(&namespace);
        let row = self.row_of(&namespace, &at).await;
        let info = row.and_then(|row| Info::of(&namespace, &row, self.now()));
        self.report(
            Operation::VaultInfo,
            Some(namespace.fingerprint(&at.key.id)),
            None,
            info,
        )
    }

    /// Moves the end of a value: to so much from now. What is expired or soft-deleted is refused, unless the builder is told
    /// otherwise. See [`Renew::expires_at`] for a moment.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Expired`], [`VaultError::Deleted`], [`VaultError::Lifetime`],
    /// [`VaultError::InvalidEnd`], [`VaultError::Tampered`], [`VaultError::Store`].
    pub fn renew(&self, target: impl Into<Target>, lifetime: Lifetime) -> Renew<'_> {
        Renew {
            vault: self,
            target: target.into(),
            end: End::In(lifetime),
            even_expired: false,
            even_deleted: false,
        }
    }

    /// Hides a value until it is [restored](Vault::restore) or [purged](Vault::purge_deleted).
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Deleted`] when it is hidden already, [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn soft_delete(&self, target: impl Into<Target>) -> Result<(), VaultError> {
        let change = |meta: &mut Meta, now: UnixTime| {
            if meta.is_deleted() {
                return Err(VaultError::Deleted);
            }
            meta.deleted = Some(now.as_secs());
            Ok(())
        };
        self.change(Operation::VaultSoftDelete, &target.into(), change)
            .await
    }

    /// Brings back a value that was hidden. One that is not hidden stays as it is; one that has expired stays expired.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn restore(&self, target: impl Into<Target>) -> Result<(), VaultError> {
        let change = |meta: &mut Meta, _| {
            meta.deleted = None;
            Ok(())
        };
        self.change(Operation::VaultRestore, &target.into(), change)
            .await
    }

    /// Removes a value and all its earlier ones, for good. One that is expired or hidden, too, and
    /// one that was changed from outside: the earlier values of such a one stay, which nothing
    /// leads to.
    ///
    /// A row that is so broken that it does not say of which namespace it is goes by its
    /// [`ValueId`](super::ValueId) from any.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Store`].
    pub async fn delete(&self, target: impl Into<Target>) -> Result<(), VaultError> {
        let namespace = self.begin(Operation::VaultDelete).await?;
        let at = target.into().find(&namespace);
        let mut pruned = 0;
        let result = self.try_delete(&namespace, &at, &mut pruned).await;
        let result = result.map_err(|error| error.after(pruned));
        self.report(
            Operation::VaultDelete,
            Some(namespace.fingerprint(&at.key.id)),
            None,
            result,
        )
    }

    /// What goes before the value itself is counted.
    async fn try_delete(
        &self,
        namespace: &Namespace,
        at: &Whereabouts,
        pruned: &mut u64,
    ) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        let mut there = self.store().get(&at.key).await?;
        loop {
            rounds.next().await?;
            let record = at.ours(namespace, there)?;
            let mut batch = vec![Change::Remove {
                key: at.key.clone(),
                expected: expectable(&record),
            }];
            // What was changed from outside can be removed all the same: that is the way to be rid of it.
            if let Ok(row) = Row::open(namespace, record) {
                let earlier = row.meta.oldest..row.meta.revision;
                batch.extend(removals(namespace, &row, earlier));
            }
            there = match commit(self.store(), &batch).await {
                Ok(Committed::Written) => return Ok(()),
                Ok(Committed::Conflict { current, .. }) => current,
                // An attacker gave its earlier values more labels than a batch takes: they go before it.
                Err(error) if error.is_too_heavy() && batch.len() > 1 => {
                    self.try_prune(namespace, at, |_| 0, pruned).await?;
                    self.store().get(&at.key).await?
                }
                Err(error) => return Err(error.into()),
            };
        }
    }

    /// Changes what is known about a value, again where others do so at the same time.
    ///
    /// It is written also where nothing differs: a store whose reads lag behind may have shown what is there no more.
    async fn change(
        &self,
        operation: Operation,
        target: &Target,
        change: impl Fn(&mut Meta, UnixTime) -> Result<(), VaultError> + Send,
    ) -> Result<(), VaultError> {
        let namespace = self.begin(operation).await?;
        let at = target.find(&namespace);
        let result = self.try_change(&namespace, &at, change).await;
        self.report(
            operation,
            Some(namespace.fingerprint(&at.key.id)),
            None,
            result,
        )
    }

    async fn try_change(
        &self,
        namespace: &Namespace,
        at: &Whereabouts,
        change: impl Fn(&mut Meta, UnixTime) -> Result<(), VaultError> + Send,
    ) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        let mut there = self.store().get(&at.key).await?;
        loop {
            rounds.next().await?;
            let row = Row::open(namespace, at.ours(namespace, there)?)?;
            let mut meta = row.meta.clone();
            change(&mut meta, self.now())?;
            let replace = Change::Replace {
                record: row.with_meta(namespace, &meta)?,
                expected: row.version,
            };
            match commit(self.store(), &[replace]).await? {
                Committed::Written => return Ok(()),
                Committed::Conflict { current, .. } => there = current,
            }
        }
    }
}

impl Renew<'_> {
    /// Lets it end at this moment instead.
    pub fn expires_at(mut self, at: impl Into<UnixTime>) -> Self {
        self.end = End::At(at.into());
        self
    }

    /// Also where it has expired: it lives again.
    pub fn even_expired(mut self) -> Self {
        self.even_expired = true;
        self
    }

    /// Also where it is hidden, which it stays.
    pub fn even_deleted(mut self) -> Self {
        self.even_deleted = true;
        self
    }

    async fn run(self) -> Result<(), VaultError> {
        let Self {
            vault,
            target,
            end,
            even_expired,
            even_deleted,
        } = self;
        let change = |meta: &mut Meta, now: UnixTime| {
            if meta.is_deleted() && !even_deleted {
                return Err(VaultError::Deleted);
            }
            if meta.is_expired(now) && !even_expired {
                return Err(VaultError::Expired);
            }
            meta.expires = end.seconds(now)?;
            Ok(())
        };
        vault.change(Operation::VaultRenew, &target, change).await
    }
}

awaited!(Renew => ());
