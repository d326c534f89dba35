//! Reading a value.

use crate::sealed::awaited;
use crate::store::Record;

use super::access::{Access, Wanted, subjects};
use super::entry::DataKeys;
use super::namespace::Namespace;
use super::row::Row;
use super::secret::{Password, SecretBytes};
use super::target::{Location, Target};
use super::{Vault, VaultError, operation};

/// Reads a value: [`Vault::read`].
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct Read<'a> {
    vault: &'a Vault,
    target: Target,
    access: Access,
}

impl Vault {
    /// Reads the value of a token.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Deleted`], [`VaultError::Expired`],
    /// [`VaultError::InvalidPassword`] and [`VaultError::Service`].
    ///
    /// # Security
    ///
    /// A password is hashed whether the token exists or not, so the time tells no more than the
    /// microseconds of a lookup. Tell callers no more than [`public`](VaultError::public) does.
    pub fn read(&self, token: impl AsRef<str>) -> Read<'_> {
        self.read_with(token.as_ref(), Access::Open)
    }

    pub(super) fn read_with(&self, token: &str, access: Access) -> Read<'_> {
        Read {
            vault: self,
            target: token.into(),
            access,
        }
    }

    /// The row of a value, also where that is expired or soft-deleted.
    pub(super) async fn row(
        &self,
        namespace: &Namespace,
        location: &Location,
    ) -> Result<Row, VaultError> {
        let found: Option<Record> = self.store().get(&location.key).await?;
        Row::open(namespace, location.accept(namespace, found)?)
    }

    /// The value of a row, if these keys open it.
    pub(super) fn reveal(
        &self,
        namespace: &Namespace,
        row: &Row,
        keys: Option<&DataKeys>,
    ) -> Result<SecretBytes, VaultError> {
        row.meta.check(self.now())?;
        let keys = keys.ok_or(VaultError::InvalidPassword)?;
        row.reveal(namespace, keys.find(row.data_key)?)
    }
}

impl Read<'_> {
    /// The password that protects the value.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    async fn run(self) -> Result<SecretBytes, VaultError> {
        let Self {
            vault,
            target,
            access,
        } = self;
        let observed = vault.observe(operation::READ);
        let work = async {
            let (namespace, location) = vault.locate(&observed, &target).await?;
            let read = async {
                let row = vault.row(&namespace, &location).await;
                // Whatever the row says, the password costs the same.
                let wanted: Vec<[u8; 16]> = row.iter().map(|row| row.data_key).collect();
                let wanted = Wanted::These(&wanted);
                let keys = vault.keys_to_read(&namespace, &access, wanted).await?;
                vault.reveal(&namespace, &row?, keys.as_deref())
            };
            let subjects = subjects(&namespace, &access, &location.key.id);
            vault.attempt(&subjects, read).await
        };
        observed.run(work).await
    }
}

awaited!(Read<'a> => Result<SecretBytes, VaultError>);
