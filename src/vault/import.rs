//! Values of another system's vault, read there and sealed anew here.

use std::fmt;
use std::sync::Arc;

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::events::Operation;
use crate::import::{ImportError, Vaultstore};
use crate::limits::{Lane, Patience};
use crate::sealed::End;

use super::access::{Access, Wanted};
use super::entry::DataKeys;
use super::secret::{Password, SecretBytes};
use super::text::{Choice, VaultToken};
use super::{Vault, VaultError};

/// A value as another system has it.
#[derive(Clone)]
pub struct StoredValue {
    /// Its token, which it keeps: 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    pub token: String,
    /// What is stored there: ciphertext.
    pub stored: String,
    /// When it ends. The last second of the year 9999 means never, as it does there. What has ended is taken in as expired.
    pub expires_at: Option<UnixTime>,
}

/// Why one value was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFailure {
    /// It could not be read.
    Read(ImportError),
    /// It could not be put in.
    Vault(VaultError),
}

impl ImportFailure {
    /// The stable name of what is wrong.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code(),
            Self::Vault(error) => error.code(),
        }
    }
}

/// Takes values in: [`Vault::import`].
#[must_use = "nothing is taken in until this is awaited"]
pub struct Import<'a> {
    vault: &'a Vault,
    reader: Arc<Vaultstore>,
    values: Box<dyn Iterator<Item = StoredValue> + Send + 'a>,
    password: Option<Password>,
    progress: Box<dyn FnMut(u64) + Send + 'a>,
}

impl Vault {
    /// Takes values of another system in, under their own tokens. Each has a result of its own, in their order.
    ///
    /// Each costs the other system's work for a password; several are worked on at once, and they wait for their turn however many other
    /// passwords do. What was taken in before is `AlreadyExists`, so an import that was cut off can be done again.
    ///
    /// ```
    /// use sealtoken::import::Vaultstore;
    /// use sealtoken::vault::{StoredValue, Vault, VaultError};
    ///
    /// # async fn example(vault: Vault, rows: Vec<StoredValue>) -> Result<(), VaultError> {
    /// let taken = vault
    ///     .import(Vaultstore::v2("the password there".to_owned()), rows)
    ///     .password("the password here")
    ///     .await?;
    /// println!("{} of {}", taken.iter().flatten().count(), taken.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What concerns them all: [`VaultError::Store`], [`VaultError::Hashing`] and the like, and a password that can be none. A short one is taken:
    /// it is not new. What was taken in before stays; [`progress`](Import::progress) has told how far it came.
    pub fn import<'a, I>(&'a self, reader: Vaultstore, values: I) -> Import<'a>
    where
        I: IntoIterator<Item = StoredValue>,
        I::IntoIter: Send + 'a,
    {
        Import {
            vault: self,
            reader: Arc::new(reader),
            values: Box::new(values.into_iter()),
            password: None,
            progress: Box::new(|_| {}),
        }
    }
}

impl<'a> Import<'a> {
    /// The password that is to protect the values here. Without one, the keyset alone does.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Tells how many were looked at, again and again.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    async fn run(self) -> Result<Vec<Result<VaultToken, ImportFailure>>, VaultError> {
        let vault = self.vault;
        let mut results = Vec::new();
        let ended = self.take_in(&mut results).await;
        let count = results.iter().flatten().count() as u64;
        // What was taken in before stays.
        let result = ended.map_err(|error| error.after(count));
        let result = result.map(|()| results);
        vault.report(Operation::VaultImport, None, Some(count), result)
    }

    async fn take_in(
        self,
        results: &mut Vec<Result<VaultToken, ImportFailure>>,
    ) -> Result<(), VaultError> {
        let Self {
            vault,
            reader,
            mut values,
            password,
            mut progress,
        } = self;
        if let Some(password) = &password {
            password.normalised()?;
        }
        let mut access = password.map_or(Access::Open, Access::Imported);
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| VaultError::Hashing)?;
        let at_once = vault.shared.settings.hash_at_once;
        // That of the namespace itself, which begins here: not that of all names that are made up.
        let lane = vault.for_writing().await?.lane();
        loop {
            // Several at a time, and no more in memory than those.
            let some: Vec<StoredValue> = values.by_ref().take(at_once).collect();
            if some.is_empty() {
                return Ok(());
            }
            let read: Vec<_> = some
                .into_iter()
                .map(|value| runtime.spawn(read(vault.clone(), lane, Arc::clone(&reader), value)))
                .collect();
            for task in read {
                let (value, read) = task.await.map_err(|_| VaultError::Hashing)?;
                let taken = match read {
                    Ok(secret) => vault.take_in(&value, secret, &mut access).await,
                    Err(failure) => Err(failure),
                };
                match taken {
                    Err(ImportFailure::Vault(error)) if concerns_all(&error) => {
                        return Err(error);
                    }
                    taken => results.push(taken),
                }
                progress(results.len() as u64);
            }
        }
    }
}

/// Whether it would be the same with every other value. None of it is the fault of the one that met it first.
const fn concerns_all(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::Store(_)
            | VaultError::UnknownKey(_)
            | VaultError::KeysetGone(_)
            | VaultError::Hashing
            | VaultError::Randomness
    )
}

/// Reads one value on the blocking threads.
async fn read(
    vault: Vault,
    lane: Lane,
    reader: Arc<Vaultstore>,
    value: StoredValue,
) -> (StoredValue, Result<SecretBytes, ImportFailure>) {
    // Limits before work: under a token that can be none, nothing is read.
    if let Err(error) = Choice::Custom(VaultToken::new(&value.token)).check() {
        return (value, Err(ImportFailure::Vault(error)));
    }
    let stored = value.stored.clone();
    let work = move || reader.read(&stored);
    let hasher = &vault.shared.hasher;
    let read = match hasher.run(lane, Patience::Endless, work).await {
        Ok(read) => read.map(SecretBytes::from).map_err(ImportFailure::Read),
        Err(error) => Err(ImportFailure::Vault(error.into())),
    };
    (value, read)
}

impl Vault {
    /// Puts one value in. The first one turns a password into its data keys, for all that follow.
    async fn take_in(
        &self,
        value: &StoredValue,
        secret: SecretBytes,
        access: &mut Access,
    ) -> Result<VaultToken, ImportFailure> {
        let mut create = self.create_with(secret, access.clone());
        let end = value.expires_at.filter(|at| at.as_secs() < MAX_SECONDS);
        create.take_in(
            Choice::Custom(VaultToken::new(&value.token)),
            end.map(End::Was),
        );
        let token = create.await.map_err(ImportFailure::Vault)?;
        if let Access::Imported(_) = access {
            // The value is in. Where its keys cannot be had now, the next one hashes the password again.
            if let Ok(Some(keys)) = self.keys_of(access).await {
                *access = Access::Unlocked(keys);
            }
        }
        Ok(token)
    }

    async fn keys_of(&self, access: &Access) -> Result<Option<Arc<DataKeys>>, VaultError> {
        let namespace = self.for_reading().await?;
        self.keys_to_read(&namespace, access, Wanted::These(&[]))
            .await
    }
}

impl fmt::Debug for StoredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredValue")
    }
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Import")
    }
}

impl fmt::Display for ImportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImportFailure {}

awaited!(Import => Vec<Result<VaultToken, ImportFailure>>);

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::sync::mpsc;

    use super::*;
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;

    /// So many values of the other system, and what reads them.
    fn theirs(count: usize) -> (Vaultstore, Vec<StoredValue>) {
        let file = include_str!("../../tests/vectors/vaultstore.json");
        let vectors: serde_json::Value = serde_json::from_str(file).unwrap();
        let mut all = vectors["vectors"].as_array().unwrap().iter();
        let vector = all.find(|one| one["name"] == "v1: text beyond ASCII");
        let text = |member: &str| vector.unwrap()[member].as_str().unwrap().to_owned();
        let values = (0..count).map(|n| StoredValue {
            token: format!("taken-in-under-number-{n}"),
            stored: text("stored"),
            expires_at: None,
        });
        (Vaultstore::v1(text("password")), values.collect())
    }

    /// Its namespace's lane is full when it begins.
    #[tokio::test]
    async fn an_import_waits_for_its_turn_and_fails_no_value() {
        let keys = KeyRing::new(Key::generate());
        let options = Vault::options().hash_at_once(1).attempts(());
        let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
        vault.create("v").await.unwrap();
        let lane = vault.for_reading().await.unwrap().lane();
        let run = |work: Box<dyn FnOnce() + Send>| {
            let hasher = vault.shared.hasher.clone();
            tokio::spawn(async move { hasher.run(lane, Patience::UpToABound, work).await })
        };
        let (go_on, held) = mpsc::channel::<()>();
        let first = run(Box::new(move || {
            let _ = held.recv();
        }));
        let others: Vec<_> = (0..300).map(|_| run(Box::new(|| ()))).collect();
        while !others.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        let import = tokio::spawn({
            let ((reader, values), vault) = (theirs(2), vault.clone());
            async move { vault.import(reader, values).password("correct horse").await }
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(go_on);
        let taken = import.await.unwrap().unwrap();
        assert!(taken.iter().all(Result::is_ok), "{taken:?}");
        first.await.unwrap().unwrap();
    }

    /// It would cost a hash of the other system's to find out that it cannot be read.
    #[tokio::test]
    async fn a_token_that_can_be_none_is_refused_before_its_value_is_read() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let (reader, mut values) = theirs(2);
        for value in &mut values {
            value.stored = "damaged".into();
        }
        values[0].token = "short".into();
        let taken = vault.import(reader, values).await.unwrap();
        let codes: Vec<_> = taken
            .iter()
            .filter_map(|one| one.as_ref().err().map(ImportFailure::code))
            .collect();
        assert_eq!(codes, ["invalid_token", "malformed"]);
    }

    /// The first value makes the entry, and its keys are looked for once: that is all, however many values there are.
    #[tokio::test]
    async fn many_values_cost_two_hashes_of_their_password() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let (reader, values) = theirs(5);
        let taken = vault.import(reader, values).password("correct horse");
        let taken = taken.await.unwrap();
        assert_eq!(taken.iter().flatten().count(), 5);
        assert_eq!(vault.shared.hasher.hashed.load(Ordering::SeqCst), 2);
    }
}
