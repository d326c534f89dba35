//! Importing values of other systems: each is read by the caller's code, and sealed here.

mod foreign;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::events::Observed;
use crate::limits::{QueueId, WhenFull};
use crate::sealed::{BoxFuture, NewExpiry, Progress, ServiceError, boxed};

use super::access::{Access, Wanted};
use super::create::NewValue;
use super::records::Namespace;
use super::secret::{Password, SecretBytes};
use super::target::{TokenSource, VaultToken};
use super::{Vault, VaultError, operation};

pub use self::foreign::{ForeignValue, ImportError};

/// The outcome for one value.
type Outcome<E> = Result<VaultToken, ImportError<E>>;

/// The values to import. The lock is never contended: it makes the type `Sync`.
type Values<'a, E> = Box<dyn Iterator<Item = ForeignValue<E>> + Send + 'a>;

/// Imports values: [`Vault::import`].
#[must_use = "nothing is imported until this is awaited"]
pub struct Import<'a, E> {
    vault: &'a Vault,
    values: Mutex<Values<'a, E>>,
    password: Option<Password>,
    progress: Progress<'a>,
}

impl Vault {
    /// Imports values of another system under their own tokens. Each has a result of its own, in
    /// order.
    ///
    /// Several are read at once, as many as
    /// [`max_concurrent_hashes`](super::VaultOptions::max_concurrent_hashes) allows. They wait for
    /// their turn however many passwords are being hashed. A value that was imported before is
    /// `AlreadyExists`, so you can repeat an import that was interrupted. A value that cannot be
    /// read fails alone, even if its reader panics.
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
    /// let imported = vault.import(values).password("the new password").await?;
    /// println!("{} of {}", imported.iter().flatten().count(), imported.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Errors that concern all values: [`VaultError::Service`], and an invalid password. A short
    /// password is accepted: it is not new. Values imported before the error stay;
    /// [`progress`](Import::progress) has reported how many were examined.
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

    /// Reports how many were examined so far, after each one.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Progress::new(progress);
        self
    }

    async fn run(self) -> Result<Vec<Outcome<E>>, VaultError> {
        let observed = self.vault.observe(operation::IMPORT);
        observed.run(self.import_all(&observed)).await
    }

    async fn import_all(self, observed: &Observed<'_>) -> Result<Vec<Outcome<E>>, VaultError> {
        let Self {
            vault,
            values,
            password,
            mut progress,
        } = self;
        observed.count(0);
        if let Some(password) = &password {
            password.normalised()?;
        }
        let access = password.map_or(Access::Open, Access::Imported);
        // The namespace is created first, so that the import waits in its queue, and not in the one
        // that all missing namespaces share.
        let namespace = vault.for_writing(observed).await?;
        let (mut outcomes, mut imported) = (Vec::new(), 0_u64);
        let push = |outcome: Outcome<E>| {
            imported = imported.saturating_add(u64::from(outcome.is_ok()));
            observed.count(imported);
            outcomes.push(outcome);
            progress.report(outcomes.len() as u64);
        };
        let ended = namespace.import_all(values, access, push).await;
        // Values imported before the error stay.
        ended.map_err(|error| error.after(imported))?;
        Ok(outcomes)
    }
}

impl Namespace<'_> {
    /// Imports the values, and passes the outcome for each to `push`.
    async fn import_all<E: Send + 'static>(
        &self,
        values: Mutex<Values<'_, E>>,
        mut access: Access,
        mut push: impl FnMut(Outcome<E>) + Send,
    ) -> Result<(), VaultError> {
        let hashing = VaultError::Service(ServiceError::Hashing);
        let runtime = Handle::try_current().map_err(|_| hashing.clone())?;
        let mut values = values.into_inner().unwrap_or_else(PoisonError::into_inner);
        let max_concurrent = self.vault.shared.settings.service.max_concurrent_hashes;
        loop {
            // Only as many in memory as are read at once.
            let some: Vec<_> = values.by_ref().take(max_concurrent).collect();
            if some.is_empty() {
                return Ok(());
            }
            let begin =
                |value| Reading(runtime.spawn(read(self.vault.clone(), self.queue(), value)));
            let reading: Vec<_> = some.into_iter().map(begin).collect();
            for mut read in reading {
                let outcome = match (&mut read.0).await.map_err(|_| hashing.clone())? {
                    Ok(value) => {
                        let stored = self.store_one(value, &mut access).await;
                        stored.map_err(ImportError::Vault)
                    }
                    Err(failure) => Err(failure),
                };
                match outcome {
                    Err(ImportError::Vault(error)) if concerns_all(&error) => return Err(error),
                    outcome => push(outcome),
                }
            }
        }
    }

    /// Stores one value. The first one turns a password into its data keys, for all that follow.
    async fn store_one(&self, value: Plain, access: &mut Access) -> Result<VaultToken, VaultError> {
        let mut new = NewValue::new(access.clone());
        new.source = value.source;
        new.expiry = Some(value.expiry);
        let token = self.vault.create_with(value.secret, new).await?;
        if let Access::Imported(_) = access {
            let keys = self.keys_to_read(access, Wanted::These(&[]));
            // The value is stored. If its keys cannot be read now, the next one hashes the password
            // again.
            if let Ok(Some(keys)) = keys.await {
                *access = Access::Unlocked(keys);
            }
        }
        Ok(token)
    }
}

/// A value that is being read, unless the import ends first.
struct Reading<T>(JoinHandle<T>);

impl<T> Drop for Reading<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A value that was read.
struct Plain {
    source: TokenSource,
    expiry: NewExpiry,
    secret: SecretBytes,
}

/// Reads one value on the blocking threads.
async fn read<E: Send + 'static>(
    vault: Vault,
    queue: QueueId,
    value: ForeignValue<E>,
) -> Result<Plain, ImportError<E>> {
    let (source, expiry) = (value.source(), value.expiry());
    // Limits before work: a value with an invalid token or expiry is not read.
    source.check().map_err(ImportError::Vault)?;
    let expires = expiry.seconds(vault.now());
    expires.map_err(|error| ImportError::Vault(error.into()))?;
    let hasher = &vault.shared.hasher;
    let read = hasher.pool.run(queue, WhenFull::Wait, value.into_reader());
    let read = read
        .await
        .map_err(|error| ImportError::Vault(error.into()))?;
    Ok(Plain {
        source,
        expiry,
        secret: read?,
    })
}

/// Whether every other value would fail in the same way.
const fn concerns_all(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::Service(
            ServiceError::Store(_)
                | ServiceError::UnknownKey(_)
                | ServiceError::KeysetMissing(_)
                | ServiceError::Hashing
                | ServiceError::Randomness
        )
    )
}

impl<'a, E: Send + 'static> IntoFuture for Import<'a, E> {
    type Output = Result<Vec<Result<VaultToken, ImportError<E>>>, VaultError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        boxed(move || self.run())
    }
}

impl<E> fmt::Debug for Import<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Import")
    }
}
