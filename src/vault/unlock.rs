//! A password that is tried once for many operations.

use std::fmt;
use std::sync::Arc;

use crate::events::Operation;

use super::access::{Access, Wanted};
use super::create::Create;
use super::create_many::CreateMany;
use super::entry::DataKeys;
use super::read::{Read, ReadMany};
use super::secret::{Password, SecretBytes};
use super::update::Update;
use super::{Vault, VaultError};

/// A namespace with the data keys of one password: [`Vault::unlock`].
///
/// It reads and writes without another hash. It is as good as the password as far as values go that were there when it was made; keep it no longer than
/// a request or a job. The keys are wiped when the last clone is dropped.
#[derive(Clone)]
pub struct Unlocked {
    vault: Vault,
    keys: Arc<DataKeys>,
}

impl Vault {
    /// Tries a password once, for many operations in this namespace: a hash, and one more for each
    /// weaker [cost](super::Argon2Cost) that the vault has had.
    ///
    /// ```
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # async fn example(vault: Vault, tokens: Vec<String>) -> Result<(), VaultError> {
    /// let unlocked = vault.unlock("correct horse").await?;
    /// for token in &tokens {
    ///     let value = unlocked.read(token).await?;
    ///     unlocked.create(value).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::InvalidPassword`] when nothing is under it, [`VaultError::TooManyAttempts`], [`VaultError::Tampered`],
    /// [`VaultError::Store`].
    pub async fn unlock(&self, password: impl Into<Password>) -> Result<Unlocked, VaultError> {
        let access = Access::Password(password.into());
        let result = self.try_unlock(access).await;
        self.report(Operation::VaultUnlock, None, None, result)
    }

    async fn try_unlock(&self, access: Access) -> Result<Unlocked, VaultError> {
        let namespace = self.for_reading().await?;
        let work = async {
            let keys = self.keys_to_read(&namespace, &access, Wanted::All).await?;
            let keys = keys.ok_or(VaultError::InvalidPassword)?;
            keys.newest()?;
            Ok(keys)
        };
        let keys = self.attempt(&[namespace.subject()], work).await?;
        Ok(Unlocked {
            vault: self.clone(),
            keys,
        })
    }
}

impl Unlocked {
    /// As [`Vault::create`], under this password.
    pub fn create(&self, value: impl Into<SecretBytes>) -> Create<'_> {
        self.vault.create_with(value.into(), self.access())
    }

    /// As [`Vault::create_many`], under this password.
    pub fn create_many<V: Into<SecretBytes>>(
        &self,
        values: impl IntoIterator<Item = V>,
    ) -> CreateMany<'_> {
        let values = values.into_iter().map(Into::into).collect();
        self.vault.create_many_with(values, self.access())
    }

    /// As [`Vault::read`], under this password.
    pub fn read(&self, token: impl AsRef<str>) -> Read<'_> {
        self.vault.read_with(token.as_ref(), self.access())
    }

    /// As [`Vault::read_many`], under this password.
    pub fn read_many<T: AsRef<str>>(&self, tokens: impl IntoIterator<Item = T>) -> ReadMany<'_> {
        self.vault.read_many_with(tokens, self.access())
    }

    /// As [`Vault::update`], under this password.
    pub fn update(&self, token: impl AsRef<str>, value: impl Into<SecretBytes>) -> Update<'_> {
        self.vault
            .update_with(token.as_ref(), value.into(), self.access())
    }

    fn access(&self) -> Access {
        Access::Unlocked(Arc::clone(&self.keys))
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked")
            .field("namespace", &self.vault.namespace_name())
            .finish_non_exhaustive()
    }
}
