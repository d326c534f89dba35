//! Earlier values: listed, and rolled back to.

use std::sync::Arc;

use crate::crypto::clock::UnixTime;
use crate::sealed::{ServiceError, awaited, boxed};

use super::access::{Access, subjects};
use super::entry::DataKeys;
use super::info::VersionInfo;
use super::records::Namespace;
use super::row::{EarlierRow, Row};
use super::secret::{Password, SecretBytes};
use super::target::{Location, Target};
use super::{Vault, VaultError, VaultToken, operation};

/// Rolls back to an earlier value: [`Vault::roll_back`].
#[derive(Debug)]
#[must_use = "nothing is rolled back until this is awaited"]
pub struct RollBack<'a> {
    vault: &'a Vault,
    target: Target,
    number: u64,
    access: Access,
}

impl Vault {
    /// The current value and the earlier ones that are kept, the newest first, without their
    /// content. A damaged or tampered one [says so](VersionInfo::is_tampered) and does not hide
    /// others.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let store = MemoryStore::new();
    /// let vault = Vault::options().keep_versions(3).open(store, &keys).await?;
    /// let token = vault.create("old").await?;
    /// vault.update(&token, "new").await?;
    /// for version in vault.versions(&token).await? {
    ///     match version.length {
    ///         Some(length) => println!("{}: {length} bytes", version.number), // 2, then 1
    ///         None => println!("{}: damaged", version.number),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], and [`VaultError::Service`]: the current value's record is damaged
    /// or tampered with, or the store failed.
    pub async fn versions(
        &self,
        target: impl Into<Target>,
    ) -> Result<Vec<VersionInfo>, VaultError> {
        let target = target.into();
        let observed = self.observe(operation::VERSIONS);
        let work = async {
            observed.count(0);
            let (namespace, location) = self.locate(&observed, &target).await?;
            namespace.versions(&location).await
        };
        observed.run(work).await
    }

    /// Makes an earlier value the current one, as a new version. Awaited, it returns that value.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let store = MemoryStore::new();
    /// let vault = Vault::options().keep_versions(3).open(store, &keys).await?;
    /// let token = vault.create("old").await?;
    /// vault.update(&token, "new").await?;
    /// let value = vault.roll_back(&token, 1).await?;
    /// assert_eq!(value.expose(), b"old");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`update`](Vault::update), and [`VaultError::NoSuchVersion`].
    pub fn roll_back(&self, token: impl Into<VaultToken>, number: u64) -> RollBack<'_> {
        RollBack {
            vault: self,
            target: Target::from(token),
            number,
            access: Access::Open,
        }
    }
}

impl RollBack<'_> {
    /// The password that protects the value.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    async fn run(self) -> Result<SecretBytes, VaultError> {
        let observed = self.vault.observe(operation::ROLL_BACK);
        let work = async {
            let (namespace, location) = self.vault.locate(&observed, &self.target).await?;
            let subjects = subjects(&namespace, &self.access, &location.key.id);
            // Rare, and the largest future of a vault.
            let work = boxed(|| self.roll_back(&namespace, &location));
            self.vault.attempt(&subjects, work).await
        };
        observed.run(work).await
    }

    async fn roll_back(
        &self,
        namespace: &Namespace<'_>,
        location: &Location,
    ) -> Result<SecretBytes, VaultError> {
        let choose = |row: Row, keys: Arc<DataKeys>| async move {
            let keys = Some(&*keys);
            let value = namespace.reveal_version(location, &row, self.number, keys);
            value.await
        };
        let which = (None, Some(self.number));
        let work = namespace.replace_value(location, &self.access, which, choose);
        work.await
    }
}

impl Namespace<'_> {
    async fn versions(&self, location: &Location) -> Result<Vec<VersionInfo>, VaultError> {
        let row = self.row(location).await?;
        let mut versions = vec![VersionInfo {
            number: row.meta.revision,
            written_at: Some(UnixTime::from_secs(row.meta.updated)),
            length: Some(row.meta.length),
            is_current: true,
        }];
        self.observed.count(1);
        for number in (row.meta.oldest..row.meta.revision).rev() {
            let earlier = match self.earlier(&row, number).await {
                Ok(Some(earlier)) => Some(earlier),
                // It was pruned meanwhile.
                Ok(None) => continue,
                Err(VaultError::Service(ServiceError::Tampered)) => None,
                Err(error) => return Err(error),
            };
            let earlier = earlier.as_ref();
            versions.push(VersionInfo {
                number,
                written_at: earlier.map(|earlier| UnixTime::from_secs(earlier.updated)),
                length: earlier.map(|earlier| earlier.length),
                is_current: false,
            });
            self.observed.count(versions.len() as u64);
        }
        Ok(versions)
    }

    pub(super) async fn earlier(
        &self,
        row: &Row,
        number: u64,
    ) -> Result<Option<EarlierRow>, VaultError> {
        let id = &row.key.id;
        let record = self.store().get(&self.version_key(id, number)).await?;
        let Some(record) = record else {
            return Ok(None);
        };
        let earlier = EarlierRow::open(self, id, &record)?;
        if earlier.revision == number {
            Ok(Some(earlier))
        } else {
            Err(VaultError::Service(ServiceError::Tampered))
        }
    }

    /// The value with this number, if these keys open it and the current one.
    pub(super) async fn reveal_version(
        &self,
        location: &Location,
        row: &Row,
        number: u64,
        keys: Option<&DataKeys>,
    ) -> Result<SecretBytes, VaultError> {
        row.meta.check(self.vault.now())?;
        let keys = keys.ok_or(VaultError::InvalidPassword)?;
        // Whoever cannot read the current value reads no earlier one.
        let current = keys.find(row.data_key)?;
        if number == row.meta.revision {
            return row.reveal(self, current);
        }
        if !row.keeps(number) {
            return Err(VaultError::NoSuchVersion);
        }
        let Some(earlier) = self.earlier(row, number).await? else {
            // The whole value may have been removed since the row was read.
            let row = self.row(location).await?;
            row.meta.check(self.vault.now())?;
            return Err(VaultError::NoSuchVersion);
        };
        earlier.reveal(self, keys.find(earlier.data_key)?)
    }
}

awaited!(RollBack<'a> => Result<SecretBytes, VaultError>);
