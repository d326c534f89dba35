//! Reading a value.

use crate::sealed::{ServiceError, awaited};

use super::access::{Access, Wanted, subjects};
use super::entry::DataKeys;
use super::records::Namespace;
use super::row::Row;
use super::secret::{Password, SecretBytes};
use super::target::{Location, Target};
use super::{Vault, VaultError, VaultToken, operation};

/// Reads a value: [`Vault::read`].
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct Read<'a> {
    vault: &'a Vault,
    target: Target,
    access: Access,
    version: Option<u64>,
}

impl Vault {
    /// Reads the value of a token.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// let token = vault.create("db-password").password("correct horse").await?;
    /// let secret = vault.read(&token).password("correct horse").await?;
    /// assert_eq!(secret.expose(), b"db-password");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Deleted`], [`VaultError::Expired`],
    /// [`VaultError::InvalidPassword`] and [`VaultError::Service`]. With a
    /// [`version`](Read::version) that is not kept, [`VaultError::NoSuchVersion`].
    ///
    /// # Security
    ///
    /// A password is hashed whether the token exists or not, so the time tells no more than the
    /// microseconds of a lookup. Tell callers no more than [`public`](VaultError::public) does.
    pub fn read(&self, token: impl Into<VaultToken>) -> Read<'_> {
        self.read_with(token.into(), Access::Open)
    }

    pub(super) fn read_with(&self, token: VaultToken, access: Access) -> Read<'_> {
        Read {
            vault: self,
            target: token.into(),
            access,
            version: None,
        }
    }
}

impl Read<'_> {
    /// The password that protects the value.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    /// Reads the value with this number, current or earlier: [`Vault::versions`] lists them. The
    /// password is the one that protects the current value.
    pub fn version(mut self, number: u64) -> Self {
        self.version = Some(number);
        self
    }

    async fn run(self) -> Result<SecretBytes, VaultError> {
        let operation = match self.version {
            Some(_) => operation::READ_VERSION,
            None => operation::READ,
        };
        let observed = self.vault.observe(operation);
        let work = async {
            let (namespace, location) = self.vault.locate(&observed, &self.target).await?;
            let subjects = subjects(&namespace, &self.access, &location.key.id);
            let read = self.read(&namespace, &location);
            self.vault.attempt(&subjects, read).await
        };
        observed.run(work).await
    }

    async fn read(
        &self,
        namespace: &Namespace<'_>,
        location: &Location,
    ) -> Result<SecretBytes, VaultError> {
        let row = namespace.row(location).await;
        // Whatever the row says, the password costs the same.
        let wanted = namespace
            .keys_wanted(row.as_ref().ok(), self.version)
            .await?;
        let wanted = Wanted::These(&wanted);
        let keys = namespace.keys_to_read(&self.access, wanted).await?;
        let (row, keys) = (row?, keys.as_deref());
        match self.version {
            Some(number) => namespace.reveal_version(location, &row, number, keys).await,
            None => namespace.reveal(&row, keys),
        }
    }
}

impl Namespace<'_> {
    /// The data keys of a value and of the earlier one with this number: a password may have them
    /// in two entries.
    pub(super) async fn keys_wanted(
        &self,
        row: Option<&Row>,
        number: Option<u64>,
    ) -> Result<Vec<[u8; 16]>, VaultError> {
        let Some(row) = row else {
            return Ok(Vec::new());
        };
        let mut wanted = vec![row.data_key];
        if let Some(number) = number.filter(|number| row.keeps(*number)) {
            // Whether it exists and is intact is checked once the keys are known.
            match self.earlier(row, number).await {
                Ok(earlier) => wanted.extend(earlier.map(|earlier| earlier.data_key)),
                Err(VaultError::Service(ServiceError::Tampered)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted)
    }

    /// The value of a row, if these keys open it.
    pub(super) fn reveal(
        &self,
        row: &Row,
        keys: Option<&DataKeys>,
    ) -> Result<SecretBytes, VaultError> {
        row.meta.check(self.vault.now())?;
        let keys = keys.ok_or(VaultError::InvalidPassword)?;
        row.reveal(self, keys.find(row.data_key)?)
    }
}

awaited!(Read<'a> => Result<SecretBytes, VaultError>);
