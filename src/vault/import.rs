//! Importing values of other systems: each is read there, and sealed here.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::crypto::clock::UnixTime;
use crate::events::Observed;
use crate::limits::{Lane, WhenFull};
use crate::sealed::{BoxFuture, NewExpiry, Progress, ServiceError, boxed};

use super::access::{Access, Wanted};
use super::create::NewValue;
use super::namespace::Namespace;
use super::secret::{Password, SecretBytes};
use super::text::{TokenSource, VaultToken};
use super::{Vault, VaultError, operation};

/// A value that another system stored, for [`Vault::import`].
///
/// It has the token that it keeps, and the code that reads it, which may fail with an `E` of your
/// own.
///
/// ```
/// use sealtoken::vault::ForeignValue;
///
/// # fn decrypt(_: &[u8]) -> Result<Vec<u8>, std::io::Error> { Ok(Vec::new()) }
/// # let (token, stored) = ("a-token-of-that-system".to_owned(), Vec::new());
/// let value = ForeignValue::new(token, move || decrypt(&stored));
/// ```
#[must_use = "this describes a value; `Vault::import` takes it in"]
pub struct ForeignValue<E> {
    token: String,
    expires_at: Option<UnixTime>,
    read: Mutex<Reader<E>>,
}

/// Reads a value. The lock is never contended: it makes the type `Sync`.
type Reader<E> = Box<dyn FnOnce() -> Result<SecretBytes, E> + Send>;

/// Why one value was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFailure<E> {
    /// It could not be read.
    Read(E),
    /// It could not be stored.
    Vault(VaultError),
}

impl<E> ForeignValue<E> {
    /// A value under its own token: 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// `read` gives the plaintext. It runs on a thread where it may block, so it can derive a key
    /// from a password. It is not called where the token is invalid.
    pub fn new<V: Into<SecretBytes>>(
        token: impl Into<String>,
        read: impl FnOnce() -> Result<V, E> + Send + 'static,
    ) -> Self {
        Self {
            token: token.into(),
            expires_at: None,
            read: Mutex::new(Box::new(move || read().map(Into::into))),
        }
    }

    /// When it expires; never unless set. A moment in the past is kept: the value is taken in as
    /// expired.
    pub fn expires(mut self, at: impl Into<UnixTime>) -> Self {
        self.expires_at = Some(at.into());
        self
    }
}

impl<E> ImportFailure<E> {
    /// The stable name of what is wrong: `unreadable`, or that of the vault's error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "unreadable",
            Self::Vault(error) => error.code(),
        }
    }
}

/// The values to take in. The lock is never contended: it makes the type `Sync`.
type Values<'a, E> = Box<dyn Iterator<Item = ForeignValue<E>> + Send + 'a>;

/// Takes values in: [`Vault::import`].
#[must_use = "nothing is taken in until this is awaited"]
pub struct Import<'a, E> {
    vault: &'a Vault,
    values: Mutex<Values<'a, E>>,
    password: Option<Password>,
    progress: Progress<'a>,
}

impl Vault {
    /// Takes in values of another system under their own tokens. Each has a result of its own, in
    /// order.
    ///
    /// Several are read at once, as many as [`hash_at_once`](super::VaultOptions::hash_at_once)
    /// allows. They wait for their turn however many passwords are being hashed. A value that was
    /// taken in before is `AlreadyExists`, so you can repeat an import that was interrupted.
    ///
    /// ```
    /// use sealtoken::vault::{ForeignValue, Vault, VaultError};
    ///
    /// # fn decrypt(_: &[u8]) -> Result<Vec<u8>, std::io::Error> { Ok(Vec::new()) }
    /// # struct Row { token: String, stored: Vec<u8> }
    /// # async fn example(vault: Vault, rows: Vec<Row>) -> Result<(), VaultError> {
    /// let values = rows
    ///     .into_iter()
    ///     .map(|row| ForeignValue::new(row.token, move || decrypt(&row.stored)));
    /// let taken = vault.import(values).password("the new password").await?;
    /// println!("{} of {}", taken.iter().flatten().count(), taken.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What concerns all values: [`VaultError::Service`], and an invalid password. A short password
    /// is accepted: it is not new. Values taken in before the error stay;
    /// [`progress`](Import::progress) has reported how many were looked at.
    pub fn import<'a, E, I>(&'a self, values: I) -> Import<'a, E>
    where
        E: Send + 'static,
        I: IntoIterator<Item = ForeignValue<E>>,
        I::IntoIter: Send + 'a,
    {
        Import {
            vault: self,
            values: Mutex::new(Box::new(values.into_iter())),
            password: None,
            progress: Progress::default(),
        }
    }
}

impl<'a, E: Send + 'static> Import<'a, E> {
    /// The password that will protect the values here. Without one, only the keyset does.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Reports how many were looked at so far, after each one.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Progress::new(progress);
        self
    }

    async fn run(self) -> Result<Vec<Result<VaultToken, ImportFailure<E>>>, VaultError> {
        let observed = self.vault.observe(operation::IMPORT);
        let work = async {
            let mut results = Vec::new();
            let ended = self.take_in(&observed, &mut results).await;
            let count = results.iter().flatten().count() as u64;
            observed.count(count);
            // Values taken in before the error stay.
            ended.map_err(|error| error.after(count))?;
            Ok(results)
        };
        observed.run(work).await
    }

    async fn take_in(
        self,
        observed: &Observed<'_>,
        results: &mut Vec<Result<VaultToken, ImportFailure<E>>>,
    ) -> Result<(), VaultError> {
        let Self {
            vault,
            values,
            password,
            mut progress,
        } = self;
        let mut values = values.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(password) = &password {
            password.normalised()?;
        }
        let mut access = password.map_or(Access::Open, Access::Imported);
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| VaultError::Service(ServiceError::Hashing))?;
        let at_once = vault.shared.settings.hash_at_once;
        // The namespace is created first, so that the import waits in its lane, and not in the one
        // of all made-up names.
        let namespace = vault.for_writing(observed).await?;
        let lane = namespace.lane();
        loop {
            // Only as many in memory as are read at once.
            let some: Vec<ForeignValue<E>> = values.by_ref().take(at_once).collect();
            if some.is_empty() {
                return Ok(());
            }
            let read: Vec<_> = some
                .into_iter()
                .map(|value| runtime.spawn(read(vault.clone(), lane, value)))
                .collect();
            for task in read {
                let taken = match task
                    .await
                    .map_err(|_| VaultError::Service(ServiceError::Hashing))?
                {
                    Ok(value) => {
                        let taken = vault.take_in(&namespace, value, &mut access).await;
                        taken.map_err(ImportFailure::Vault)
                    }
                    Err(failure) => Err(failure),
                };
                match taken {
                    Err(ImportFailure::Vault(error)) if concerns_all(&error) => {
                        return Err(error);
                    }
                    taken => results.push(taken),
                }
                progress.report(results.len() as u64);
            }
        }
    }
}

/// Whether every other value would fail in the same way.
const fn concerns_all(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::Service(
            ServiceError::Store(_)
                | ServiceError::UnknownKey(_)
                | ServiceError::KeysetGone(_)
                | ServiceError::Hashing
                | ServiceError::Randomness
        )
    )
}

/// A value that was read.
struct Plain {
    source: TokenSource,
    expires_at: Option<UnixTime>,
    secret: SecretBytes,
}

/// Reads one value on the blocking threads.
async fn read<E: Send + 'static>(
    vault: Vault,
    lane: Lane,
    value: ForeignValue<E>,
) -> Result<Plain, ImportFailure<E>> {
    let source = TokenSource::custom(&value.token);
    // Limits before work: a value under an invalid token is not read.
    source.check().map_err(ImportFailure::Vault)?;
    let hasher = &vault.shared.hasher;
    let read = value.read.into_inner();
    let read = read.unwrap_or_else(PoisonError::into_inner);
    let read = hasher.run(lane, WhenFull::Wait, read).await;
    let read = read.map_err(|error| ImportFailure::Vault(error.into()))?;
    Ok(Plain {
        source,
        expires_at: value.expires_at,
        secret: read.map_err(ImportFailure::Read)?,
    })
}

impl Vault {
    /// Stores one value. The first one turns a password into its data keys, for all that follow.
    async fn take_in(
        &self,
        namespace: &Namespace,
        value: Plain,
        access: &mut Access,
    ) -> Result<VaultToken, VaultError> {
        let mut new = NewValue::new(access.clone());
        new.source = value.source;
        new.expiry = value.expires_at.map(NewExpiry::Imported);
        let token = self.create_with(value.secret, new).await?;
        if let Access::Imported(_) = access {
            let keys = self.keys_to_read(namespace, access, Wanted::These(&[]));
            // The value is stored. If its keys cannot be read now, the next one hashes the password
            // again.
            if let Ok(Some(keys)) = keys.await {
                *access = Access::Unlocked(keys);
            }
        }
        Ok(token)
    }
}

impl<'a, E: Send + 'static> IntoFuture for Import<'a, E> {
    type Output = Result<Vec<Result<VaultToken, ImportFailure<E>>>, VaultError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        boxed(move || self.run())
    }
}

impl<E> fmt::Debug for ForeignValue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignValue")
    }
}

impl<E> fmt::Debug for Import<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Import")
    }
}

impl<E: fmt::Display> fmt::Display for ImportFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl<E: Error> Error for ImportFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => error.source(),
            Self::Vault(error) => error.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::crypto::clock::{ExpiryError, MAX_SECONDS};
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;

    #[derive(Debug, Clone, PartialEq)]
    struct Damaged;

    impl fmt::Display for Damaged {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("damaged")
        }
    }

    impl Error for Damaged {}

    /// That many readable values.
    fn values(count: usize) -> Vec<ForeignValue<Damaged>> {
        let value = |n| ForeignValue::new(format!("taken-in-under-number-{n}"), || Ok("value"));
        (0..count).map(value).collect()
    }

    /// The namespace's lane is full when the import begins.
    #[tokio::test]
    async fn an_import_waits_for_its_turn_and_fails_no_value() {
        let keys = KeyRing::new(Key::generate());
        let options = Vault::options().hash_at_once(1).attempts(());
        let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
        vault.create("v").await.unwrap();
        let observed = vault.observe(operation::IMPORT);
        let lane = vault.for_reading(&observed).await.unwrap().lane();
        let run = |work: Box<dyn FnOnce() + Send>| {
            let hasher = vault.shared.hasher.clone();
            tokio::spawn(async move { hasher.run(lane, WhenFull::Refuse, work).await })
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
            let vault = vault.clone();
            async move { vault.import(values(2)).password("correct horse").await }
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(go_on);
        let taken = import.await.unwrap().unwrap();
        assert!(taken.iter().all(Result::is_ok), "{taken:?}");
        first.await.unwrap().unwrap();
    }

    /// Reading a value may cost a slow hash.
    #[tokio::test]
    async fn a_value_under_an_invalid_token_is_not_read() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let read = Arc::new(AtomicU64::new(0));
        let damaged = |token: &str| {
            let read = Arc::clone(&read);
            ForeignValue::new(token, move || {
                read.fetch_add(1, Ordering::SeqCst);
                Err::<&str, _>(Damaged)
            })
        };
        let values = [damaged("short"), damaged("a-token-of-that-system")];
        let taken = vault.import(values).await.unwrap();
        let failures: Vec<_> = taken.into_iter().filter_map(Result::err).collect();
        let invalid = ImportFailure::Vault(VaultError::InvalidToken);
        assert_eq!(failures, [invalid, ImportFailure::Read(Damaged)]);
        assert_eq!(read.load(Ordering::SeqCst), 1);
        let codes: Vec<_> = failures.iter().map(ImportFailure::code).collect();
        assert_eq!(codes, ["invalid_token", "unreadable"]);
    }

    #[tokio::test]
    async fn an_expiry_beyond_the_calendar_is_refused() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let end = MAX_SECONDS;
        let value = |n, at| {
            let value = ForeignValue::new(format!("taken-in-under-number-{n}"), || {
                Ok::<_, Damaged>("value")
            });
            value.expires(UnixTime::from_secs(at))
        };
        let values = [value(1, end), value(2, end + 1), value(3, i64::MAX)];
        let taken = vault.import(values).await.unwrap();
        let failures: Vec<_> = taken.into_iter().map(Result::err).collect();
        let refused = ServiceError::InvalidExpiry(ExpiryError::OutOfRange);
        let refused = Some(ImportFailure::Vault(VaultError::Service(refused)));
        assert_eq!(failures, [None, refused.clone(), refused]);
    }

    /// The first value creates the entry, and its keys are read once, however many values follow.
    #[tokio::test]
    async fn many_values_cost_two_hashes_of_their_password() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let taken = vault.import(values(5)).password("correct horse");
        let taken = taken.await.unwrap();
        assert_eq!(taken.iter().flatten().count(), 5);
        assert_eq!(vault.shared.hasher.hashed.load(Ordering::SeqCst), 2);
    }
}
