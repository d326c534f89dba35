//! Replacing a value.

use std::sync::Arc;

use crate::crypto::clock::Expiry;
use crate::events::Observed;
use crate::sealed::{
    CommitOutcome, NewExpiry, Rounds, ServiceError, awaited, commit, expected_version, is_too_heavy,
};
use crate::store::{Change, RecordKey, Version};

use super::access::{Access, Wanted, subjects};
use super::entry::DataKeys;
use super::records::Namespace;
use super::row::{self, EarlierRow, Meta, Row};
use super::secret::{Password, SecretBytes};
use super::target::{Location, Target};
use super::{Vault, VaultError, VaultToken, operation};

/// The maximum number of earlier values that one update removes.
const MAX_PRUNED: u64 = 8;

/// Replaces a value: [`Vault::update`].
#[derive(Debug)]
#[must_use = "nothing is updated until this is awaited"]
pub struct Update<'a> {
    vault: &'a Vault,
    target: Target,
    value: SecretBytes,
    access: Access,
    expiry: Option<NewExpiry>,
}

impl Vault {
    /// Replaces the value of a token. It takes the password that protects the value now, and keeps
    /// the expiry unless you set another.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing, Lifetime};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// # let token = vault.create("db-password").await?;
    /// vault.update(&token, "new-password").expires(Lifetime::days(30)).await?;
    /// assert_eq!(vault.read(&token).await?.expose(), b"new-password");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`read`](Vault::read), and [`VaultError::ValueTooLong`].
    pub fn update(
        &self,
        token: impl Into<VaultToken>,
        value: impl Into<SecretBytes>,
    ) -> Update<'_> {
        self.update_with(Target::from(token), value.into(), Access::Open)
    }

    pub(super) fn update_with(
        &self,
        target: Target,
        value: SecretBytes,
        access: Access,
    ) -> Update<'_> {
        Update {
            vault: self,
            target,
            value,
            access,
            expiry: None,
        }
    }
}

impl Namespace<'_> {
    /// Replaces a value, and returns the new one. It begins again if others change the value at the
    /// same time.
    ///
    /// `choose` returns the new value: the caller's, or the earlier one with the number beside the
    /// expiry.
    pub(super) async fn replace_value<F>(
        &self,
        location: &Location,
        access: &Access,
        (expiry, earlier): (Option<NewExpiry>, Option<u64>),
        choose: impl Fn(Row, Arc<DataKeys>) -> F + Send + Sync,
    ) -> Result<SecretBytes, VaultError>
    where
        F: Future<Output = Result<SecretBytes, VaultError>> + Send,
    {
        let mut row = self.row(location).await;
        let mut wanted = self.keys_wanted(row.as_ref().ok(), earlier).await?;
        let keys = self.keys_to_read(access, Wanted::These(&wanted));
        let mut keys = keys.await?;
        let mut rounds = Rounds::default();
        let (mut orphan, mut limit) = (None, MAX_PRUNED);
        loop {
            rounds.next().await?;
            let old = row?;
            let now = self.vault.now();
            old.meta.check(now)?;
            // Perhaps it was written meanwhile under another key of the same password, whose entry
            // was not looked for.
            if !wanted.contains(&old.data_key) {
                wanted = self.keys_wanted(Some(&old), earlier).await?;
                let found = self.keys_to_read(access, Wanted::These(&wanted));
                keys = found.await?;
            }
            let keys = keys.as_ref().ok_or(VaultError::InvalidPassword)?;
            keys.find(old.data_key)?;
            let value = choose(old.clone(), Arc::clone(keys)).await?;
            let expires = match expiry {
                Some(expiry) => expiry.seconds(now)?,
                None => old.meta.expires,
            };
            let others = (orphan, limit);
            let batch = self.succeed(&old, keys, &value, expires, others)?;
            let written = match commit(self.store(), &batch).await {
                // An attacker gave the earlier values more labels than a batch takes: remove fewer.
                Err(error) if is_too_heavy(&error) && limit > 1 => {
                    limit = limit.div_euclid(2);
                    row = Ok(old);
                    continue;
                }
                written => written?,
            };
            match written {
                CommitOutcome::Written => return Ok(value),
                // The row is unchanged, but an orphan is in its place among the earlier values: it
                // was left by a row that was removed after someone else had changed it. Replace it.
                CommitOutcome::Conflict {
                    index: 1..,
                    current: Some(existing),
                } => {
                    orphan = None;
                    if expected_version(&existing).is_none() {
                        self.clear(&old, existing.key).await?;
                    }
                    let again = self.row(location).await?;
                    if again.version == old.version {
                        orphan = Some(existing.version);
                    }
                    row = Ok(again);
                }
                // Someone else changed the value first: judge the current record.
                CommitOutcome::Conflict { index: 0, current } => {
                    orphan = None;
                    let current = location.accept(self, current);
                    row = current.and_then(|record| Row::open(self, record));
                }
                // The orphan is gone.
                CommitOutcome::Conflict { .. } => {
                    orphan = None;
                    row = self.row(location).await;
                }
            }
        }
    }

    /// Removes an orphan that no engine can read. It has no version to expect, so the value's row
    /// is written again with it, on the condition that the row is as it was.
    async fn clear(&self, row: &Row, orphan: RecordKey) -> Result<(), VaultError> {
        let batch = [
            Change::Replace {
                record: row.with_meta(self, &row.meta)?,
                expected: row.version,
            },
            Change::Remove {
                key: orphan,
                expected: None,
            },
        ];
        // Whoever was first with this row may have cleared it, too.
        commit(self.store(), &batch).await?;
        Ok(())
    }

    /// The batch that replaces the value in `old`, which stays as an earlier one if those are kept.
    /// It replaces an orphan, if any, and at most `limit` earlier values are removed.
    fn succeed(
        &self,
        old: &Row,
        keys: &DataKeys,
        value: &SecretBytes,
        expires: Option<i64>,
        (orphan, limit): (Option<Version>, u64),
    ) -> Result<Vec<Change>, VaultError> {
        let earlier = old.meta.revision.saturating_sub(old.meta.oldest);
        let keep = self.vault.shared.settings.keep_versions;
        let keep = keep.map_or(earlier, u64::from);
        let revision = old
            .meta
            .revision
            .checked_add(1)
            .ok_or(VaultError::Service(ServiceError::Tampered))?;
        // Fewer may be kept now than before; a few at a time go, so that the batch stays small.
        let oldest = revision.saturating_sub(keep).max(old.meta.oldest);
        let oldest = oldest.min(old.meta.oldest.saturating_add(limit));
        let meta = Meta {
            updated: self.vault.now().as_secs(),
            expires,
            revision,
            oldest,
            length: value.expose().len() as u64,
            ..old.meta.clone()
        };
        let id = &old.key.id;
        let key = keys.newest()?;
        let payload = row::conceal(self, key, id, revision, value)?;
        let record = row::seal(self, &old.key, &meta, key.id, &payload)?;
        let mut batch = vec![Change::Replace {
            record,
            expected: old.version,
        }];
        if oldest < revision {
            let record = EarlierRow::seal(self, old)?;
            batch.push(match orphan {
                Some(expected) => Change::Replace { record, expected },
                None => Change::Insert(record),
            });
        }
        for number in old.meta.oldest..oldest.min(old.meta.revision) {
            batch.push(Change::Remove {
                key: self.version_key(id, number),
                expected: None,
            });
        }
        Ok(batch)
    }
}

impl Update<'_> {
    /// The password that protects the value now. It goes on protecting it.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    /// When the value expires from now on.
    pub fn expires(self, expiry: impl Into<Expiry>) -> Self {
        self.expiring(Some(expiry.into().into()))
    }

    pub(super) fn expiring(mut self, expiry: Option<NewExpiry>) -> Self {
        self.expiry = expiry;
        self
    }

    async fn run(self) -> Result<(), VaultError> {
        let observed = self.vault.observe(operation::UPDATE);
        observed.run(self.update(&observed)).await
    }

    pub(super) async fn update(&self, observed: &Observed<'_>) -> Result<(), VaultError> {
        let vault = self.vault;
        let (namespace, location) = vault.locate(observed, &self.target).await?;
        vault.check_value(&self.value)?;
        let expiry = self.expiry;
        expiry.map(|it| it.seconds(vault.now())).transpose()?;
        let choose = |_, _| async { Ok(self.value.clone()) };
        let subjects = subjects(&namespace, &self.access, &location.key.id);
        let which = (expiry, None);
        let work = namespace.replace_value(&location, &self.access, which, choose);
        vault.attempt(&subjects, work).await.map(drop)
    }
}

awaited!(Update<'a> => Result<(), VaultError>);
