//! Replacing values.

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::{Committed, End, Rounds, commit, expectable};
use crate::store::{Change, RecordKey, Version};
use crate::token::Lifetime;

use super::access::{Access, Wanted, subjects};
use super::create::{Common, common_settings};
use super::entry::DataKeys;
use super::namespace::Namespace;
use super::read::open;
use super::row::{self, EarlierRow, Meta, Row};
use super::secret::{Password, SecretBytes};
use super::target::token_key;
use super::text::{Choice, VaultToken};
use super::{Vault, VaultError};

/// How many earlier values go at most with a new one.
const GO_AT_ONCE: u64 = 8;

/// Replaces a value: [`Vault::update`].
#[derive(Debug)]
#[must_use = "nothing is updated until this is awaited"]
pub struct Update<'a> {
    vault: &'a Vault,
    token: VaultToken,
    value: SecretBytes,
    access: Access,
    end: Option<End>,
}

/// Replaces a value or puts it in: [`Vault::upsert`].
#[derive(Debug)]
#[must_use = "nothing is written until this is awaited"]
pub struct Upsert<'a> {
    vault: &'a Vault,
    token: VaultToken,
    value: SecretBytes,
    common: Common,
}

impl Vault {
    /// Replaces the value of a token. It needs the password that protects the value now, and leaves the end as it is unless another
    /// is given.
    ///
    /// # Errors
    ///
    /// As for [`read`](Vault::read), and [`VaultError::ValueTooLong`].
    pub fn update(&self, token: impl AsRef<str>, value: impl Into<SecretBytes>) -> Update<'_> {
        self.update_with(token.as_ref(), value.into(), Access::Open)
    }

    /// Replaces the value of a token, or puts it in under this very token where there is none. A label is for one that is put in.
    ///
    /// # Errors
    ///
    /// As for [`update`](Vault::update) where the token is there, also expired or deleted, and as for [`create`](Vault::create)
    /// where it is not.
    pub fn upsert(&self, token: impl AsRef<str>, value: impl Into<SecretBytes>) -> Upsert<'_> {
        Upsert {
            vault: self,
            token: VaultToken::new(token.as_ref()),
            value: value.into(),
            common: Common::new(Access::Open),
        }
    }

    pub(super) fn update_with(
        &self,
        token: &str,
        value: SecretBytes,
        access: Access,
    ) -> Update<'_> {
        Update {
            vault: self,
            token: VaultToken::presented(token),
            value,
            access,
            end: None,
        }
    }

    /// Replaces the value at `key`, again and again where others do so at the same time.
    ///
    /// `choose` gives the new value: what the caller brings, or an earlier one, whose number stands
    /// beside the end.
    pub(super) async fn replace_value<F>(
        &self,
        namespace: &Namespace,
        key: &RecordKey,
        access: &Access,
        (end, earlier): (Option<End>, Option<u64>),
        choose: impl Fn(Row, std::sync::Arc<DataKeys>) -> F + Send + Sync,
    ) -> Result<(), VaultError>
    where
        F: Future<Output = Result<SecretBytes, VaultError>> + Send,
    {
        let mut row = self.row(namespace, key).await;
        let mut wanted = self
            .keys_wanted(namespace, row.as_ref().ok(), earlier)
            .await?;
        let keys = self.keys_to_read(namespace, access, Wanted::These(&wanted));
        let mut keys = keys.await?;
        let mut rounds = Rounds::default();
        let (mut orphan, mut most) = (None, GO_AT_ONCE);
        loop {
            rounds.next().await?;
            let old = row?;
            let now = self.now();
            old.meta.check(now)?;
            // Written meanwhile under another key of the same password, perhaps, whose entry was
            // not looked for.
            if !wanted.contains(&old.data_key) {
                wanted = self.keys_wanted(namespace, Some(&old), earlier).await?;
                let found = self.keys_to_read(namespace, access, Wanted::These(&wanted));
                keys = found.await?;
            }
            let keys = keys.as_ref().ok_or(VaultError::InvalidPassword)?;
            keys.find(old.data_key)?;
            let value = choose(old.clone(), std::sync::Arc::clone(keys)).await?;
            let expires = match end {
                Some(end) => end.seconds(now)?,
                None => old.meta.expires,
            };
            let others = (orphan, most);
            let batch = self.succeed(namespace, &old, keys, &value, expires, others)?;
            let written = match commit(self.store(), &batch).await {
                // An attacker gave the earlier values more labels than a batch takes: fewer go with it.
                Err(error) if error.is_too_heavy() && most > 1 => {
                    most = most.div_euclid(2);
                    row = Ok(old);
                    continue;
                }
                written => written?,
            };
            match written {
                Committed::Written => return Ok(()),
                // The row is as it was, but an earlier value is there that nobody owns: left by a row that was removed after
                // someone else had changed it. It goes.
                Committed::Conflict {
                    index: 1..,
                    current: Some(there),
                } => {
                    orphan = None;
                    if expectable(&there).is_none() {
                        self.clear(namespace, &old, there.key).await?;
                    }
                    let again = self.row(namespace, key).await?;
                    if again.version == old.version {
                        orphan = Some(there.version);
                    }
                    row = Ok(again);
                }
                // Someone else was first with this value: judge what is there now.
                Committed::Conflict { index: 0, current } => {
                    orphan = None;
                    row = open(namespace, current);
                }
                // The orphan is gone.
                Committed::Conflict { .. } => {
                    orphan = None;
                    row = self.row(namespace, key).await;
                }
            }
        }
    }

    /// Removes an earlier value that nobody owns and no engine can read. It has no version to
    /// expect: so the value's row is written anew with it, on the condition that it is as it was.
    async fn clear(
        &self,
        namespace: &Namespace,
        row: &Row,
        orphan: RecordKey,
    ) -> Result<(), VaultError> {
        let batch = [
            Change::Replace {
                record: row.with_meta(namespace, &row.meta)?,
                expected: row.version,
            },
            Change::Remove {
                key: orphan,
                expected: None,
            },
        ];
        // Who was first with this row may have cleared it, too.
        commit(self.store(), &batch).await?;
        Ok(())
    }

    /// The batch that puts a value in the place of the one in `old`, which stays as an earlier one where they are kept. It takes the place of an
    /// orphan, and so many at most go.
    fn succeed(
        &self,
        namespace: &Namespace,
        old: &Row,
        keys: &DataKeys,
        value: &SecretBytes,
        expires: Option<i64>,
        (orphan, most): (Option<Version>, u64),
    ) -> Result<Vec<Change>, VaultError> {
        let there = old.meta.revision.saturating_sub(old.meta.oldest);
        let keep = self.shared.settings.keep_versions;
        let keep = keep.map_or(there, u64::from);
        let revision = old
            .meta
            .revision
            .checked_add(1)
            .ok_or(VaultError::Tampered)?;
        // Fewer than before may be kept now; so many of them go at a time that the batch stays small.
        let oldest = revision.saturating_sub(keep).max(old.meta.oldest);
        let oldest = oldest.min(old.meta.oldest.saturating_add(most));
        let meta = Meta {
            updated: self.now().as_secs(),
            expires,
            revision,
            oldest,
            length: value.expose().len() as u64,
            ..old.meta.clone()
        };
        let id = &old.key.id;
        let key = keys.newest()?;
        let payload = row::conceal(namespace, key, id, revision, value)?;
        let record = row::seal(namespace, &old.key, &meta, key.id, &payload)?;
        let mut batch = vec![Change::Replace {
            record,
            expected: old.version,
        }];
        if oldest < revision {
            let record = EarlierRow::seal(namespace, old)?;
            batch.push(match orphan {
                Some(expected) => Change::Replace { record, expected },
                None => Change::Insert(record),
            });
        }
        for gone in old.meta.oldest..oldest.min(old.meta.revision) {
            batch.push(Change::Remove {
                key: namespace.version_key(id, gone),
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

    /// Lets it end after this long from now.
    pub fn expires_in(mut self, lifetime: Lifetime) -> Self {
        self.end = Some(End::In(lifetime));
        self
    }

    /// Lets it end at this moment.
    pub fn expires_at(mut self, at: impl Into<UnixTime>) -> Self {
        self.end = Some(End::At(at.into()));
        self
    }

    async fn run(self) -> Result<(), VaultError> {
        let (vault, operation) = (self.vault, Operation::VaultUpdate);
        let namespace = vault.begin(operation).await?;
        let key = token_key(&namespace, self.token.expose());
        let result = self.try_run(&namespace, &key).await;
        vault.report(
            operation,
            Some(namespace.fingerprint(&key.id)),
            None,
            result,
        )
    }

    async fn try_run(&self, namespace: &Namespace, key: &RecordKey) -> Result<(), VaultError> {
        let vault = self.vault;
        vault.check_value(&self.value)?;
        self.end.map(|end| end.seconds(vault.now())).transpose()?;
        let choose = |_, _| async { Ok(self.value.clone()) };
        let work = vault.replace_value(namespace, key, &self.access, (self.end, None), choose);
        vault
            .attempt(&subjects(namespace, &self.access, &key.id), work)
            .await
    }
}

impl Upsert<'_> {
    common_settings!();

    async fn run(self) -> Result<(), VaultError> {
        let vault = self.vault;
        let choice = Choice::Custom(self.token.clone());
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let update = Update {
                vault,
                token: self.token.clone(),
                value: self.value.clone(),
                access: self.common.access.clone(),
                end: self.common.end,
            };
            // A token that is free is no failed guess.
            let namespace = vault.begin(Operation::VaultUpdate).await?;
            let key = token_key(&namespace, self.token.expose());
            let there = match vault.store().get(&key).await {
                Ok(there) => there.is_some(),
                Err(error) => {
                    return vault.report(Operation::VaultUpdate, None, None, Err(error.into()));
                }
            };
            // Where it is not, `create` checks the token and the new password before it does anything.
            if there {
                match update.run().await {
                    Err(VaultError::NotFound) => continue,
                    result => return result,
                }
            }
            let mut create = vault.create_with(self.value.clone(), Access::Open);
            create.set(self.common.clone(), choice.clone());
            match create.await {
                Err(VaultError::AlreadyExists) => {}
                result => return result.map(|_| ()),
            }
        }
    }
}

awaited!(Update => (), Upsert => ());
