//! The life of a value: looked up, renewed, soft-deleted, restored, deleted. None of it needs the
//! password.

use crate::crypto::clock::{Expiry, UnixTime};
use crate::events::Operation;
use crate::sealed::{
    self, CommitOutcome, NewExpiry, Rounds, awaited, commit, expected_version, is_too_heavy,
};
use crate::store::Change;

use super::info::ValueInfo;
use super::prune::removals;
use super::records::Namespace;
use super::row::{Meta, Row};
use super::target::{Location, Target};
use super::{Vault, VaultError, operation};

/// Changes an expiry: [`Vault::renew`].
///
/// It can be awaited once [`expires`](Renew::expires) has set the new one. Without that, it does
/// not compile:
///
/// ```compile_fail,E0277
/// # use sealtoken::vault::{Vault, VaultError, VaultToken};
/// # async fn example(vault: Vault, token: VaultToken) -> Result<(), VaultError> {
/// vault.renew(&token).await
/// # }
/// ```
#[must_use = "nothing is renewed until this is awaited"]
#[derive(Debug)]
pub struct Renew<'a, E = ()> {
    vault: &'a Vault,
    target: Target,
    expiry: E,
    even_expired: bool,
    even_deleted: bool,
}

impl Vault {
    /// Whether a value can be read: it exists, and is neither expired nor soft-deleted.
    ///
    /// # Errors
    ///
    /// [`VaultError::Service`]: the record is damaged or tampered with, or the store failed.
    pub async fn exists(&self, target: impl Into<Target>) -> Result<bool, VaultError> {
        let target = target.into();
        let observed = self.observe(operation::EXISTS);
        let work = async {
            let (namespace, location) = self.locate(&observed, &target).await?;
            match namespace.row(&location).await {
                Ok(row) => Ok(row.meta.check(self.now()).is_ok()),
                Err(VaultError::NotFound) => Ok(false),
                Err(error) => Err(error),
            }
        };
        observed.run(work).await
    }

    /// What is known about a value, even if it is expired or soft-deleted. Never the value.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], and [`VaultError::Service`]: the record is damaged or tampered
    /// with, or the store failed.
    pub async fn get(&self, target: impl Into<Target>) -> Result<ValueInfo, VaultError> {
        let target = target.into();
        let observed = self.observe(operation::GET);
        let work = async {
            let (namespace, location) = self.locate(&observed, &target).await?;
            let row = namespace.row(&location).await?;
            ValueInfo::of(&namespace, &row, self.now())
        };
        observed.run(work).await
    }

    /// Changes when a value expires. A value that is expired or soft-deleted is refused, unless the
    /// builder allows it.
    ///
    /// ```
    /// # use sealtoken::Lifetime;
    /// # use sealtoken::vault::{Vault, VaultError, VaultToken};
    /// # async fn example(vault: Vault, token: VaultToken) -> Result<(), VaultError> {
    /// vault.renew(&token).expires(Lifetime::days(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Expired`], [`VaultError::Deleted`], and
    /// [`VaultError::Service`], which includes an expiry that cannot be set.
    pub fn renew(&self, target: impl Into<Target>) -> Renew<'_> {
        Renew {
            vault: self,
            target: target.into(),
            expiry: (),
            even_expired: false,
            even_deleted: false,
        }
    }

    /// Hides a value until it is [restored](Vault::restore) or [purged](Vault::purge_deleted).
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// # let token = vault.create("db-password").await?;
    /// vault.soft_delete(&token).await?;
    /// assert!(!vault.exists(&token).await?);
    /// vault.restore(&token).await?;
    /// assert!(vault.exists(&token).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Deleted`] if it is soft-deleted already, and
    /// [`VaultError::Service`].
    pub async fn soft_delete(&self, target: impl Into<Target>) -> Result<(), VaultError> {
        let change = |meta: &mut Meta, now: UnixTime| {
            if meta.is_deleted() {
                return Err(VaultError::Deleted);
            }
            meta.deleted = Some(now.as_secs());
            Ok(())
        };
        let target = target.into();
        self.change(operation::SOFT_DELETE, &target, change).await
    }

    /// Brings a soft-deleted value back. Any other stays as it is; an expired one stays expired.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`] and [`VaultError::Service`].
    pub async fn restore(&self, target: impl Into<Target>) -> Result<(), VaultError> {
        let change = |meta: &mut Meta, _| {
            meta.deleted = None;
            Ok(())
        };
        let target = target.into();
        self.change(operation::RESTORE, &target, change).await
    }

    /// Removes a value and all its earlier ones permanently, even if it is expired or soft-deleted.
    ///
    /// A damaged or tampered record is removed, too. Its earlier values stay in the store, but
    /// nothing leads to them. A record too damaged to name its namespace can be removed by its
    /// [`ValueId`](super::ValueId) from any namespace.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`] and [`VaultError::Service`].
    pub async fn delete(&self, target: impl Into<Target>) -> Result<(), VaultError> {
        let target = target.into();
        let observed = self.observe(operation::DELETE);
        let work = async {
            let (namespace, location) = self.locate(&observed, &target).await?;
            let mut pruned = 0;
            let deleted = namespace.remove(&location, &mut pruned).await;
            deleted.map_err(|error| error.after(pruned))
        };
        observed.run(work).await
    }

    async fn change(
        &self,
        operation: Operation,
        target: &Target,
        change: impl Fn(&mut Meta, UnixTime) -> Result<(), VaultError> + Send,
    ) -> Result<(), VaultError> {
        let observed = self.observe(operation);
        let work = async {
            let (namespace, location) = self.locate(&observed, target).await?;
            namespace.change(&location, change).await
        };
        observed.run(work).await
    }
}

impl Namespace<'_> {
    /// Changes what is known about a value. It begins again if others change it at the same time.
    ///
    /// The record is written even if nothing differs: a store with stale reads may have shown an
    /// outdated one.
    async fn change(
        &self,
        location: &Location,
        change: impl Fn(&mut Meta, UnixTime) -> Result<(), VaultError> + Send,
    ) -> Result<(), VaultError> {
        let existing = self.store().get(&location.key).await?;
        let replace = move |existing| {
            let row = Row::open(self, location.accept(self, existing)?)?;
            let mut meta = row.meta.clone();
            change(&mut meta, self.vault.now())?;
            let replace = Change::Replace {
                record: row.with_meta(self, &meta)?,
                expected: row.version,
            };
            Ok((Some(replace), ()))
        };
        sealed::change(self.store(), existing, Rounds::default(), replace).await
    }

    /// Removes a value. `pruned` counts the earlier ones that are removed before it.
    async fn remove(&self, location: &Location, pruned: &mut u64) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        let mut existing = self.store().get(&location.key).await?;
        loop {
            rounds.next().await?;
            let record = location.accept(self, existing)?;
            let mut batch = vec![Change::Remove {
                key: location.key.clone(),
                expected: expected_version(&record),
            }];
            // A damaged or tampered record can be removed, too.
            if let Ok(row) = Row::open(self, record) {
                let earlier = row.meta.oldest..row.meta.revision;
                batch.extend(removals(self, &row, earlier));
            }
            existing = match commit(self.store(), &batch).await {
                Ok(CommitOutcome::Written) => return Ok(()),
                Ok(CommitOutcome::Conflict { current, .. }) => current,
                // An attacker gave the earlier values more labels than a batch takes: they go
                // first.
                Err(error) if is_too_heavy(&error) && batch.len() > 1 => {
                    let count = |number| *pruned = pruned.saturating_add(number);
                    self.prune(location, |_| 0, count).await?;
                    self.store().get(&location.key).await?
                }
                Err(error) => return Err(error.into()),
            };
        }
    }
}

impl<'a> Renew<'a> {
    /// When the value expires from now on.
    pub fn expires(self, expiry: impl Into<Expiry>) -> Renew<'a, Expiry> {
        Renew {
            vault: self.vault,
            target: self.target,
            expiry: expiry.into(),
            even_expired: self.even_expired,
            even_deleted: self.even_deleted,
        }
    }
}

impl<E> Renew<'_, E> {
    /// Renews an expired value, too: it can be read again.
    pub fn even_expired(mut self) -> Self {
        self.even_expired = true;
        self
    }

    /// Renews a soft-deleted value, too: it stays soft-deleted.
    pub fn even_deleted(mut self) -> Self {
        self.even_deleted = true;
        self
    }
}

impl Renew<'_, Expiry> {
    async fn run(self) -> Result<(), VaultError> {
        let change = |meta: &mut Meta, now: UnixTime| {
            if meta.is_deleted() && !self.even_deleted {
                return Err(VaultError::Deleted);
            }
            if meta.is_expired(now) && !self.even_expired {
                return Err(VaultError::Expired);
            }
            meta.expires = NewExpiry::from(self.expiry).seconds(now)?;
            Ok(())
        };
        let work = self.vault.change(operation::RENEW, &self.target, change);
        work.await
    }
}

awaited!(Renew<'a, Expiry> => Result<(), VaultError>);
