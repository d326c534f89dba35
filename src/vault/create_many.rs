//! Creating many values for one hash of their password.

use crate::events::Observed;
use crate::sealed::{CommitOutcome, Rounds, ServiceError, awaited};
use crate::store::Change;

use super::access::Access;
use super::create::{Create, NewValue};
use super::namespace::DataKey;
use super::records::Namespace;
use super::secret::SecretBytes;
use super::target::VaultToken;
use super::{Vault, VaultError, operation};

/// The results so far.
struct Results<'a> {
    all: Vec<Result<VaultToken, VaultError>>,
    created: u64,
    observed: &'a Observed<'a>,
}

/// A value, and the change that inserts it.
type Prepared<'v> = (&'v SecretBytes, Result<(VaultToken, Change), VaultError>);

impl Vault {
    /// Creates many values with one hash of the password. The tokens come in the order of the
    /// values.
    ///
    /// They are written in batches, and each value has a result of its own: if one batch fails, the
    /// others still count.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// let tokens = vault.create_many(["first", "second"]).password("correct horse").await?;
    /// for token in tokens {
    ///     println!("{}", token?.expose());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Errors that concern all values: an invalid password, expiry or label, and
    /// [`VaultError::Service`] before any value is known to be written. If its
    /// [effect](crate::store::Effect) is unknown, the first value may exist, and no other.
    pub fn create_many<V: Into<SecretBytes>>(
        &self,
        values: impl IntoIterator<Item = V>,
    ) -> Create<'_, Vec<SecretBytes>> {
        self.create_many_with(values, Access::Open)
    }

    pub(super) fn create_many_with<V: Into<SecretBytes>>(
        &self,
        values: impl IntoIterator<Item = V>,
        access: Access,
    ) -> Create<'_, Vec<SecretBytes>> {
        let values = values.into_iter().map(Into::into).collect();
        self.create_with(values, NewValue::new(access))
    }
}

impl Create<'_, Vec<SecretBytes>> {
    async fn run(self) -> Result<Vec<Result<VaultToken, VaultError>>, VaultError> {
        let observed = self.vault.observe(operation::CREATE);
        observed.run(self.create(&observed)).await
    }

    async fn create(
        &self,
        observed: &Observed<'_>,
    ) -> Result<Vec<Result<VaultToken, VaultError>>, VaultError> {
        let Self { vault, values, new } = self;
        let mut results = Results {
            all: Vec::with_capacity(values.len()),
            created: 0,
            observed,
        };
        observed.count(0);
        new.check(vault)?;
        // Limits before work: values that are too long cost no hash.
        let first = loop {
            let Some(value) = values.get(results.all.len()) else {
                return Ok(results.all);
            };
            match vault.check_value(value) {
                Ok(()) => break value,
                Err(error) => results.push(Err(error)),
            }
        };
        let namespace = vault.for_writing(observed).await?;
        // The first value creates the entry of a new password; the others find it.
        let mut rounds = Rounds::default();
        let keys = loop {
            let writing = namespace.keys_to_write(&new.access).await?;
            let Some(entry) = writing.entry else {
                break writing.keys;
            };
            let key = (writing.keys.newest()?, Some(&entry));
            let inserted = namespace.insert(first, new, key, &mut rounds, |_| {});
            if let Some(token) = inserted.await? {
                results.push(Ok(token));
                break writing.keys;
            }
        };
        let mut values = values.get(results.all.len()..).unwrap_or_default().iter();
        let key = keys.newest()?;
        while let Some(batch) = self.next_batch(&namespace, key, &mut values) {
            self.write_batch(&namespace, key, batch, &mut results).await;
        }
        Ok(results.all)
    }

    /// Seals the next values that make a batch; `None` at the end.
    fn next_batch<'v>(
        &self,
        namespace: &Namespace<'_>,
        key: &DataKey,
        values: &mut std::slice::Iter<'v, SecretBytes>,
    ) -> Option<Vec<Prepared<'v>>> {
        let limits = namespace.store().limits();
        let (mut weight, mut bytes) = (0_usize, 0_usize);
        let mut batch = Vec::new();
        while let Some(value) = values.as_slice().first() {
            let checked = self.vault.check_value(value);
            let prepared = checked.and_then(|()| namespace.prepare(value, &self.new, key));
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
        namespace: &Namespace<'_>,
        key: &DataKey,
        batch: Vec<Prepared<'_>>,
        results: &mut Results<'_>,
    ) {
        let changes = batch
            .iter()
            .filter_map(|(_, prepared)| prepared.as_ref().ok());
        let changes: Vec<Change> = changes.map(|(_, change)| change.clone()).collect();
        let written = namespace.commit_with(None, changes).await;
        for (value, prepared) in batch {
            results.push(match (&written, prepared) {
                (_, Err(error)) => Err(error),
                (Err(error), _) => Err(error.clone()),
                (Ok(Some(CommitOutcome::Written)), Ok((token, _))) => Ok(token),
                // A short token was drawn twice: each value is written on its own, with another.
                (Ok(_), Ok(_)) => {
                    let mut rounds = Rounds::default();
                    let key = (key, None);
                    let inserted = namespace.insert(value, &self.new, key, &mut rounds, |_| {});
                    let contended = VaultError::Service(ServiceError::Contended);
                    inserted.await.and_then(|token| token.ok_or(contended))
                }
            });
        }
    }
}

impl Results<'_> {
    /// Adds a result, and counts it in the event if its value was created.
    fn push(&mut self, result: Result<VaultToken, VaultError>) {
        self.created = self.created.saturating_add(u64::from(result.is_ok()));
        self.observed.count(self.created);
        self.all.push(result);
    }
}

awaited!(Create<'a, Vec<SecretBytes>> => Result<Vec<Result<VaultToken, VaultError>>, VaultError>);
