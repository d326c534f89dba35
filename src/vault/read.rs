//! Getting values out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::limits::{Exhausted, Permit, Subject};
use crate::store::{Record, RecordKey};

use super::access::{Access, Wanted, subjects};
use super::entry::DataKeys;
use super::namespace::Namespace;
use super::row::Row;
use super::secret::{Password, SecretBytes};
use super::target::{Whereabouts, token_key};
use super::text::VaultToken;
use super::{Vault, VaultError};

/// How many records are asked for at once.
const AT_ONCE: usize = 100;

/// Gets a value: [`Vault::read`].
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct Read<'a> {
    vault: &'a Vault,
    token: VaultToken,
    access: Access,
}

/// Gets many values: [`Vault::read_many`].
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct ReadMany<'a> {
    vault: &'a Vault,
    tokens: Vec<VaultToken>,
    access: Access,
}

impl Vault {
    /// Gets the value of a token.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Deleted`], [`VaultError::Expired`], [`VaultError::InvalidPassword`],
    /// [`VaultError::Tampered`], [`VaultError::TooManyAttempts`], [`VaultError::Store`].
    ///
    /// # Security
    ///
    /// A password is hashed whether there is such a token or not, so the time does not tell, but for the microseconds of a look-up.
    /// Tell strangers no more than [`public`](VaultError::public) does.
    pub fn read(&self, token: impl AsRef<str>) -> Read<'_> {
        self.read_with(token.as_ref(), Access::Open)
    }

    /// Gets the values of many tokens under one password, for the price of one hash. Each has a result of its own, in the order of
    /// the tokens; one may stand there twice.
    ///
    /// # Errors
    ///
    /// Only what concerns them all: [`VaultError::TooManyAttempts`], [`VaultError::Store`], a password that can be none.
    pub fn read_many<T: AsRef<str>>(&self, tokens: impl IntoIterator<Item = T>) -> ReadMany<'_> {
        self.read_many_with(tokens, Access::Open)
    }

    /// Gets the values of tokens that have names, under these names: an application's secrets, say.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use sealtoken::vault::{Vault, VaultError};
    ///
    /// # async fn example(vault: Vault, database: &str, mail: &str) -> Result<(), VaultError> {
    /// let secrets = BTreeMap::from([("database", database), ("mail", mail)]);
    /// let secrets = vault.read_map(secrets, Some("correct horse")).await?;
    /// if let Some(Ok(password)) = secrets.get("database") {
    ///     println!("{} bytes", password.expose().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`read_many`](Vault::read_many).
    pub async fn read_map<N: Ord, T: AsRef<str>, P: Into<Password>>(
        &self,
        tokens: impl IntoIterator<Item = (N, T)>,
        password: Option<P>,
    ) -> Result<BTreeMap<N, Result<SecretBytes, VaultError>>, VaultError> {
        let (names, tokens): (Vec<N>, Vec<T>) = tokens.into_iter().unzip();
        let access = password.map_or(Access::Open, |password| Access::Password(password.into()));
        let values = self.read_many_with(tokens, access).await?;
        Ok(names.into_iter().zip(values).collect())
    }

    pub(super) fn read_with(&self, token: &str, access: Access) -> Read<'_> {
        Read {
            vault: self,
            token: VaultToken::presented(token),
            access,
        }
    }

    pub(super) fn read_many_with<T: AsRef<str>>(
        &self,
        tokens: impl IntoIterator<Item = T>,
        access: Access,
    ) -> ReadMany<'_> {
        ReadMany {
            vault: self,
            tokens: tokens
                .into_iter()
                .map(|token| VaultToken::presented(token.as_ref()))
                .collect(),
            access,
        }
    }

    /// The row of a value, wherever it stands in its life.
    pub(super) async fn row(
        &self,
        namespace: &Namespace,
        key: &RecordKey,
    ) -> Result<Row, VaultError> {
        open(namespace, self.store().get(key).await?)
    }

    /// The row that a target leads to.
    pub(super) async fn row_of(
        &self,
        namespace: &Namespace,
        at: &Whereabouts,
    ) -> Result<Row, VaultError> {
        let found = self.store().get(&at.key).await?;
        Row::open(namespace, at.ours(namespace, found)?)
    }
}

/// The value of what was found, if the keys at hand open it.
fn judge(
    namespace: &Namespace,
    now: UnixTime,
    row: &Result<Row, VaultError>,
    keys: Option<&DataKeys>,
) -> Result<SecretBytes, VaultError> {
    let row = row.as_ref().map_err(Clone::clone)?;
    row.meta.check(now)?;
    let key = keys
        .ok_or(VaultError::InvalidPassword)?
        .find(row.data_key)?;
    row.reveal(namespace, key)
}

impl Read<'_> {
    /// The password that protects the value.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    async fn run(self) -> Result<SecretBytes, VaultError> {
        let vault = self.vault;
        let namespace = vault.begin(Operation::VaultRead).await?;
        let key = token_key(&namespace, self.token.expose());
        let result = self.try_run(&namespace, &key).await;
        let token = Some(namespace.fingerprint(&key.id));
        vault.report(Operation::VaultRead, token, None, result)
    }

    async fn try_run(
        &self,
        namespace: &Namespace,
        key: &RecordKey,
    ) -> Result<SecretBytes, VaultError> {
        let vault = self.vault;
        let work = async {
            let row = vault.row(namespace, key).await;
            // Whatever the row says, the password costs the same.
            let wanted: Vec<[u8; 16]> = row.iter().map(|row| row.data_key).collect();
            let keys = vault
                .keys_to_read(namespace, &self.access, Wanted::These(&wanted))
                .await?;
            judge(namespace, vault.now(), &row, keys.as_deref())
        };
        let subjects = subjects(namespace, &self.access, &key.id);
        vault.attempt(&subjects, work).await
    }
}

impl ReadMany<'_> {
    /// The password that protects the values.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    async fn run(self) -> Result<Vec<Result<SecretBytes, VaultError>>, VaultError> {
        let result = self.try_run().await;
        let count = result
            .as_ref()
            .map_or(0, |all| all.iter().flatten().count());
        self.vault
            .report(Operation::VaultRead, None, Some(count as u64), result)
    }

    async fn try_run(&self) -> Result<Vec<Result<SecretBytes, VaultError>>, VaultError> {
        let vault = self.vault;
        if let Access::Password(password) = &self.access {
            password.normalised()?;
        }
        let namespace = vault.for_reading().await?;
        let gate = &vault.shared.gate;
        let keys = self.tokens.iter();
        let keys: Vec<RecordKey> = keys
            .map(|token| token_key(&namespace, token.expose()))
            .collect();
        let all = namespace.subject();
        // One attempt for each token, however often it stands there, in the one order that the gate asks for.
        let tokens = keys
            .iter()
            .flat_map(|key| subjects(&namespace, &self.access, &key.id));
        let wanted: BTreeSet<Subject> = tokens.chain([all]).collect();
        let mut attempts = HashMap::with_capacity(wanted.len());
        for subject in wanted {
            attempts.insert(subject, gate.take(subject).await);
        }
        let values = match attempts.get(&all) {
            Some(Err(exhausted)) => Err((*exhausted).into()),
            // A token whose attempts are used up fails nobody else.
            _ => self.values(&namespace, &keys, &attempts).await,
        };

        let mut failed: HashSet<Subject> = HashSet::new();
        let mut failures: HashSet<&Vec<u8>> = HashSet::new();
        let are_failures: Vec<bool> = match &values {
            Ok(values) => values
                .iter()
                .map(|value| value.as_ref().is_err_and(VaultError::is_failed_attempt))
                .collect(),
            // It was found by the one password that was tried for each of them.
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
            if gate.count(all).await.is_err() {
                break;
            }
        }
        attempts.retain(|subject, _| !failed.contains(subject));
        let right = attempts.into_values().filter_map(Result::ok).collect();
        gate.give_back(right).await;
        values
    }

    /// What each of the keys leads to.
    async fn values(
        &self,
        namespace: &Namespace,
        keys: &[RecordKey],
        attempts: &HashMap<Subject, Result<Permit<'_>, Exhausted>>,
    ) -> Result<Vec<Result<SecretBytes, VaultError>>, VaultError> {
        let vault = self.vault;
        let mut rows = Vec::with_capacity(keys.len());
        let mut is_attempt = false;
        for some in keys.chunks(AT_ONCE) {
            let records = vault.store().get_many(some).await?;
            for (key, record) in some.iter().zip(records) {
                let subjects = subjects(namespace, &self.access, &key.id);
                let attempt = subjects.iter().find_map(|subject| attempts.get(subject));
                rows.push(if let Some(Err(exhausted)) = attempt {
                    Err((*exhausted).into())
                } else {
                    is_attempt = true;
                    open(namespace, record)
                });
            }
        }
        let mut wanted: Vec<[u8; 16]> = rows.iter().flatten().map(|row| row.data_key).collect();
        wanted.sort_unstable();
        wanted.dedup();
        // Without an attempt no password is tried: the time that it takes would tell right ones
        // from wrong ones.
        let keys = if is_attempt {
            let wanted = Wanted::These(&wanted);
            let keys = vault.keys_to_read(namespace, &self.access, wanted);
            keys.await?
        } else {
            None
        };
        let now = vault.now();
        let values = rows
            .iter()
            .map(|row| judge(namespace, now, row, keys.as_deref()));
        Ok(values.collect())
    }
}

/// The row of what was found.
pub(super) fn open(namespace: &Namespace, record: Option<Record>) -> Result<Row, VaultError> {
    Row::open(namespace, record.ok_or(VaultError::NotFound)?)
}

awaited!(Read => SecretBytes, ReadMany => Vec<Result<SecretBytes, VaultError>>);
