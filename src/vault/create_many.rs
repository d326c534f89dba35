//! Putting many values in, for the price of one password.

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::{Committed, End, Rounds};
use crate::store::Change;
use crate::token::Lifetime;

use super::access::Access;
use super::create::{Common, common_settings, drawn, length_settings};
use super::namespace::{DataKey, Namespace};
use super::secret::{Password, SecretBytes};
use super::text::{self, Choice, VaultToken};
use super::{Vault, VaultError};

/// Puts many values in: [`Vault::create_many`].
#[derive(Debug)]
#[must_use = "nothing is created until this is awaited"]
pub struct CreateMany<'a> {
    vault: &'a Vault,
    values: Vec<SecretBytes>,
    common: Common,
    choice: Choice,
}

/// A value, and the change that puts it in.
type Prepared<'v> = (&'v SecretBytes, Result<(VaultToken, Change), VaultError>);

impl Vault {
    /// Puts many values in, with one hash of the password. The tokens come in the order of the values.
    ///
    /// They are written in batches. Should one fail, the others are there: each value has a result of its own.
    ///
    /// # Errors
    ///
    /// What concerns them all: a password, a lifetime or a label that can be none, and [`VaultError::Store`] before any value is known to be
    /// written. Where its [effect](crate::store::Effect) is unknown, the first value may be there, and no other.
    pub fn create_many<V: Into<SecretBytes>>(
        &self,
        values: impl IntoIterator<Item = V>,
    ) -> CreateMany<'_> {
        self.create_many_with(values.into_iter().map(Into::into).collect(), Access::Open)
    }

    pub(super) fn create_many_with(
        &self,
        values: Vec<SecretBytes>,
        access: Access,
    ) -> CreateMany<'_> {
        CreateMany {
            vault: self,
            values,
            common: Common::new(access),
            choice: drawn(text::DEFAULT_LENGTH, false),
        }
    }
}

impl CreateMany<'_> {
    common_settings!();
    length_settings!();

    async fn run(self) -> Result<Vec<Result<VaultToken, VaultError>>, VaultError> {
        let result = self.try_run().await;
        let count = result
            .as_ref()
            .map_or(0, |all| all.iter().flatten().count());
        self.vault
            .report(Operation::VaultCreate, None, Some(count as u64), result)
    }

    async fn try_run(&self) -> Result<Vec<Result<VaultToken, VaultError>>, VaultError> {
        let vault = self.vault;
        self.choice.check()?;
        self.common.check(vault)?;
        self.common.meta(vault.now(), &SecretBytes::from(""))?;
        let mut results = Vec::with_capacity(self.values.len());
        // Limits before work: what is too long costs no hash.
        let first = loop {
            let Some(value) = self.values.get(results.len()) else {
                return Ok(results);
            };
            match vault.check_value(value) {
                Ok(()) => break value,
                Err(error) => results.push(Err(error)),
            }
        };
        let namespace = vault.for_writing().await?;
        // The first one makes the entry of a new password; the others find it there.
        let mut rounds = Rounds::default();
        let keys = loop {
            rounds.next().await?;
            let writing = vault.keys_to_write(&namespace, &self.common.access).await?;
            let Some(entry) = writing.entry else {
                break writing.keys;
            };
            let key = writing.keys.newest()?;
            let Self { common, choice, .. } = self;
            let inserted = vault.insert(&namespace, first, common, choice, key, Some(&entry));
            if let Some(token) = inserted.await? {
                results.push(Ok(token));
                break writing.keys;
            }
        };
        let mut values = self.values.get(results.len()..).unwrap_or_default().iter();
        let key = keys.newest()?;
        while let Some(batch) = self.next_batch(&namespace, key, &mut values) {
            self.write_batch(&namespace, key, batch, &mut results).await;
        }
        Ok(results)
    }

    /// The next values that make a batch, sealed; `None` at the end.
    fn next_batch<'v>(
        &self,
        namespace: &Namespace,
        key: &DataKey,
        values: &mut std::slice::Iter<'v, SecretBytes>,
    ) -> Option<Vec<Prepared<'v>>> {
        let limits = self.vault.store().limits();
        let (mut weight, mut bytes) = (0_usize, 0_usize);
        let mut batch = Vec::new();
        while let Some(value) = values.as_slice().first() {
            let prepared = self.vault.check_value(value).and_then(|()| {
                self.vault
                    .new_value(namespace, value, &self.common, &self.choice, key)
            });
            let more = prepared.as_ref().map_or(0, |(_, change)| change.weight());
            weight = weight.saturating_add(more);
            bytes = bytes.saturating_add(value.expose().len());
            if !batch.is_empty() && (weight > limits.max_batch || bytes > limits.max_body) {
                break;
            }
            values.next();
            batch.push((value, prepared));
        }
        (!batch.is_empty()).then_some(batch)
    }

    async fn write_batch(
        &self,
        namespace: &Namespace,
        key: &DataKey,
        batch: Vec<Prepared<'_>>,
        results: &mut Vec<Result<VaultToken, VaultError>>,
    ) {
        let changes = batch
            .iter()
            .filter_map(|(_, prepared)| prepared.as_ref().ok());
        let changes: Vec<Change> = changes.map(|(_, change)| change.clone()).collect();
        let written = self.vault.commit_with(None, changes).await;
        for (value, prepared) in batch {
            results.push(match (&written, prepared) {
                (_, Err(error)) => Err(error),
                (Err(error), _) => Err(error.clone()),
                (Ok(Some(Committed::Written)), Ok((token, _))) => Ok(token),
                // A short token was drawn twice: one by one, with others.
                (Ok(_), Ok(_)) => {
                    let Self { common, choice, .. } = self;
                    let inserted = self
                        .vault
                        .insert(namespace, value, common, choice, key, None);
                    inserted
                        .await
                        .and_then(|token| token.ok_or(VaultError::Tampered))
                }
            });
        }
    }
}

awaited!(CreateMany => Vec<Result<VaultToken, VaultError>>);
