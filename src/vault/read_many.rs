//! Reading many values for one hash of their password.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::events::Observed;
use crate::limits::{Exhausted, Permit, Subject};
use crate::sealed::awaited;
use crate::store::RecordKey;

use super::access::{Access, Wanted, subjects};
use super::records::Namespace;
use super::row::Row;
use super::secret::{Password, SecretBytes};
use super::target::VaultToken;
use super::{Vault, VaultError, operation};

/// The number of records in one request to the store.
const CHUNK: usize = 100;

/// Reads many values: [`Vault::read_many`].
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct ReadMany<'a> {
    vault: &'a Vault,
    tokens: Vec<VaultToken>,
    access: Access,
}

/// The attempts of one operation.
type Attempts<'a> = HashMap<Subject, Result<Permit<'a>, Exhausted>>;

impl Vault {
    /// Reads the values of many tokens under one password, for one hash. Each has a result of its
    /// own, in the order of the tokens. A token may occur twice.
    ///
    /// ```
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # async fn example(vault: Vault, database: &str, mail: &str) -> Result<(), VaultError> {
    /// let secrets = [("database", database), ("mail", mail)];
    /// let (names, tokens): (Vec<_>, Vec<_>) = secrets.into_iter().unzip();
    /// let values = vault.read_many(tokens).password("correct horse").await?;
    /// for (name, value) in names.iter().zip(values) {
    ///     println!("{name}: {} bytes", value?.expose().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Only what concerns all tokens: [`VaultError::Service`], and an invalid password.
    pub fn read_many(
        &self,
        tokens: impl IntoIterator<Item = impl Into<VaultToken>>,
    ) -> ReadMany<'_> {
        self.read_many_with(tokens, Access::Open)
    }

    pub(super) fn read_many_with(
        &self,
        tokens: impl IntoIterator<Item = impl Into<VaultToken>>,
        access: Access,
    ) -> ReadMany<'_> {
        ReadMany {
            vault: self,
            tokens: tokens.into_iter().map(Into::into).collect(),
            access,
        }
    }
}

impl ReadMany<'_> {
    /// The password that protects the values.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    async fn run(self) -> Result<Vec<Result<SecretBytes, VaultError>>, VaultError> {
        let observed = self.vault.observe(operation::READ);
        let work = async {
            observed.count(0);
            let read = self.read(&observed).await?;
            observed.count(read.iter().flatten().count() as u64);
            Ok(read)
        };
        observed.run(work).await
    }

    async fn read(
        &self,
        observed: &Observed<'_>,
    ) -> Result<Vec<Result<SecretBytes, VaultError>>, VaultError> {
        let vault = self.vault;
        if let Access::Password(password) = &self.access {
            password.normalised()?;
        }
        let namespace = vault.for_reading(observed).await?;
        let guard = &vault.shared.guard;
        let tokens = self.tokens.iter();
        let keys: Vec<RecordKey> = tokens
            .map(|token| namespace.value_key(token.expose()))
            .collect();
        let all = namespace.subject();
        // One attempt for each token, however often it occurs, in the order that the guard
        // requires.
        let of_tokens = keys
            .iter()
            .flat_map(|key| subjects(&namespace, &self.access, &key.id));
        let wanted: BTreeSet<Subject> = of_tokens.chain([all]).collect();
        let mut attempts = HashMap::with_capacity(wanted.len());
        for subject in wanted {
            attempts.insert(subject, guard.take(subject).await);
        }
        let values = match attempts.get(&all) {
            Some(Err(exhausted)) => Err((*exhausted).into()),
            // A token without attempts fails no other.
            _ => self.values(&namespace, &keys, &attempts).await,
        };

        let mut failed: HashSet<Subject> = HashSet::new();
        let mut failures: HashSet<&Vec<u8>> = HashSet::new();
        let are_failures: Vec<bool> = match &values {
            Ok(values) => values
                .iter()
                .map(|value| value.as_ref().is_err_and(VaultError::is_failed_attempt))
                .collect(),
            // The one password was tried for each of them.
            Err(error) => vec![error.is_failed_attempt(); keys.len()],
        };
        for (key, is_failure) in keys.iter().zip(are_failures) {
            if is_failure {
                failed.extend(namespace.subjects(&key.id));
                failures.insert(&key.id);
            }
        }
        // One was taken for all of them. Each further failure is an attempt of its own.
        for _ in failures.iter().skip(1) {
            if guard.count(&[all]).await.is_err() {
                break;
            }
        }
        attempts.retain(|subject, _| !failed.contains(subject));
        let right = attempts.into_values().filter_map(Result::ok).collect();
        guard.give_back(right).await;
        values
    }

    /// The values of these records.
    async fn values(
        &self,
        namespace: &Namespace<'_>,
        keys: &[RecordKey],
        attempts: &Attempts<'_>,
    ) -> Result<Vec<Result<SecretBytes, VaultError>>, VaultError> {
        let mut rows = Vec::with_capacity(keys.len());
        let mut is_attempt = false;
        for some in keys.chunks(CHUNK) {
            let records = namespace.store().get_many(some).await?;
            for (key, record) in some.iter().zip(records) {
                let subjects = subjects(namespace, &self.access, &key.id);
                let attempt = subjects.iter().find_map(|subject| attempts.get(subject));
                rows.push(if let Some(Err(exhausted)) = attempt {
                    Err((*exhausted).into())
                } else {
                    is_attempt = true;
                    let record = record.ok_or(VaultError::NotFound);
                    record.and_then(|record| Row::open(namespace, record))
                });
            }
        }
        let mut wanted: Vec<[u8; 16]> = rows.iter().flatten().map(|row| row.data_key).collect();
        wanted.sort_unstable();
        wanted.dedup();
        // Without an attempt no password is hashed: the time would distinguish right from wrong.
        let keys = if is_attempt {
            let wanted = Wanted::These(&wanted);
            namespace.keys_to_read(&self.access, wanted).await?
        } else {
            None
        };
        let value = |row: Result<Row, VaultError>| namespace.reveal(&row?, keys.as_deref());
        Ok(rows.into_iter().map(value).collect())
    }
}

awaited!(ReadMany<'a> => Result<Vec<Result<SecretBytes, VaultError>>, VaultError>);
