//! Trying a password once for many operations.

use std::fmt;
use std::sync::Arc;

use super::access::{Access, Wanted};
use super::create::{Create, NewValue};
use super::entry::DataKeys;
use super::read::Read;
use super::read_many::ReadMany;
use super::secret::{Password, SecretBytes};
use super::target::Target;
use super::update::Update;
use super::{Vault, VaultError, VaultToken, operation};

/// A namespace with the data keys of one password: [`Vault::unlock`].
///
/// It reads and writes without another hash. For the values that exist now it is as good as the
/// password: keep it no longer than a request or a job. The keys are wiped with the last clone.
#[derive(Clone)]
pub struct Unlocked {
    vault: Vault,
    keys: Arc<DataKeys>,
}

impl Vault {
    /// Tries a password once for many operations in this namespace. It costs one hash, and one more
    /// for each weaker [cost](super::Argon2Cost) that the vault has had.
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
    /// [`VaultError::InvalidPassword`] if it protects nothing, and [`VaultError::Service`].
    pub async fn unlock(&self, password: impl Into<Password>) -> Result<Unlocked, VaultError> {
        let access = Access::Password(password.into());
        let observed = self.observe(operation::UNLOCK);
        let work = async {
            let namespace = self.for_reading(&observed).await?;
            let attempt = async {
                let keys = namespace.keys_to_read(&access, Wanted::All).await?;
                let keys = keys.ok_or(VaultError::InvalidPassword)?;
                keys.newest()?;
                Ok(keys)
            };
            let keys = self.attempt(&[namespace.subject()], attempt).await?;
            Ok(Unlocked {
                vault: self.clone(),
                keys,
            })
        };
        observed.run(work).await
    }
}

impl Unlocked {
    /// As [`Vault::create`], under this password.
    ///
    /// # Errors
    ///
    /// As for [`Vault::create`].
    pub fn create(&self, value: impl Into<SecretBytes>) -> Create<'_> {
        let new = NewValue::new(self.access());
        self.vault.create_with(value.into(), new)
    }

    /// As [`Vault::create_many`], under this password.
    ///
    /// # Errors
    ///
    /// As for [`Vault::create_many`].
    pub fn create_many<V: Into<SecretBytes>>(
        &self,
        values: impl IntoIterator<Item = V>,
    ) -> Create<'_, Vec<SecretBytes>> {
        self.vault.create_many_with(values, self.access())
    }

    /// As [`Vault::read`], under this password.
    ///
    /// # Errors
    ///
    /// As for [`Vault::read`].
    pub fn read(&self, token: impl Into<VaultToken>) -> Read<'_> {
        self.vault.read_with(token.into(), self.access())
    }

    /// As [`Vault::read_many`], under this password.
    ///
    /// # Errors
    ///
    /// As for [`Vault::read_many`].
    pub fn read_many(
        &self,
        tokens: impl IntoIterator<Item = impl Into<VaultToken>>,
    ) -> ReadMany<'_> {
        self.vault.read_many_with(tokens, self.access())
    }

    /// As [`Vault::update`], under this password.
    ///
    /// # Errors
    ///
    /// As for [`Vault::update`].
    pub fn update(
        &self,
        token: impl Into<VaultToken>,
        value: impl Into<SecretBytes>,
    ) -> Update<'_> {
        let target = Target::from(token);
        self.vault.update_with(target, value.into(), self.access())
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
