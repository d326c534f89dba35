//! Earlier values: listed, read, and rolled back to.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::crypto::clock::UnixTime;
use crate::sealed::{ServiceError, awaited, boxed};

use super::access::{Access, Wanted, subjects};
use super::entry::DataKeys;
use super::namespace::Namespace;
use super::row::{EarlierRow, Row};
use super::secret::{Password, SecretBytes};
use super::target::{Location, Target};
use super::{Vault, VaultError, operation};

/// An earlier value or the current one: [`Vault::versions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written; unknown where its record was changed from outside.
    pub written_at: Option<UnixTime>,
    /// Its length in bytes; unknown there, too.
    pub length: Option<u64>,
    /// Whether it is the current one.
    pub is_current: bool,
}

impl Version {
    /// Whether its record was changed from outside: nobody can read it.
    #[must_use]
    pub const fn is_tampered(&self) -> bool {
        self.written_at.is_none()
    }
}

/// What is done with an earlier value.
#[derive(Clone, Copy)]
enum Goal {
    Read,
    RollBack,
}

/// Reads an earlier value or rolls back to it: [`Vault::read_version`] and [`Vault::roll_back`].
#[must_use = "nothing is done until this is awaited"]
pub struct VersionRead<'a> {
    vault: &'a Vault,
    target: Target,
    number: u64,
    access: Access,
    goal: Goal,
}

impl Vault {
    /// The current value and the earlier ones that are kept, the newest first, without their
    /// content. One that was changed from outside [says so](Version::is_tampered) and hides no
    /// other.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], and [`VaultError::Service`]: the current value's record was
    /// changed from outside, or the store failed.
    pub async fn versions(&self, target: impl Into<Target>) -> Result<Vec<Version>, VaultError> {
        let target = target.into();
        let observed = self.observe(operation::VERSIONS);
        let work = async {
            let (namespace, location) = self.locate(&observed, &target).await?;
            let versions = self.all_versions(&namespace, &location).await?;
            observed.count(versions.len() as u64);
            Ok(versions)
        };
        observed.run(work).await
    }

    async fn all_versions(
        &self,
        namespace: &Namespace,
        location: &Location,
    ) -> Result<Vec<Version>, VaultError> {
        let row = self.row(namespace, location).await?;
        let mut versions = vec![Version {
            number: row.meta.revision,
            written_at: Some(UnixTime::from_secs(row.meta.updated)),
            length: Some(row.meta.length),
            is_current: true,
        }];
        for number in (row.meta.oldest..row.meta.revision).rev() {
            let earlier = match self.earlier(namespace, &row, number).await {
                Ok(Some(earlier)) => Some(earlier),
                // It was pruned meanwhile.
                Ok(None) => continue,
                Err(VaultError::Service(ServiceError::Tampered)) => None,
                Err(error) => return Err(error),
            };
            let earlier = earlier.as_ref();
            versions.push(Version {
                number,
                written_at: earlier.map(|earlier| UnixTime::from_secs(earlier.updated)),
                length: earlier.map(|earlier| earlier.length),
                is_current: false,
            });
        }
        Ok(versions)
    }

    /// Reads an earlier value, with the password that protects the current one.
    ///
    /// # Errors
    ///
    /// As for [`read`](Vault::read), and [`VaultError::NoSuchVersion`].
    pub fn read_version(&self, token: impl AsRef<str>, number: u64) -> VersionRead<'_> {
        self.version(token.as_ref(), number, Goal::Read)
    }

    /// Makes an earlier value the current one, as a new version. Awaited, it gives that value.
    ///
    /// # Errors
    ///
    /// As for [`update`](Vault::update), and [`VaultError::NoSuchVersion`].
    pub fn roll_back(&self, token: impl AsRef<str>, number: u64) -> VersionRead<'_> {
        self.version(token.as_ref(), number, Goal::RollBack)
    }

    fn version(&self, token: &str, number: u64, goal: Goal) -> VersionRead<'_> {
        VersionRead {
            vault: self,
            target: token.into(),
            number,
            access: Access::Open,
            goal,
        }
    }

    async fn earlier(
        &self,
        namespace: &Namespace,
        row: &Row,
        number: u64,
    ) -> Result<Option<EarlierRow>, VaultError> {
        let id = &row.key.id;
        let record = self.store().get(&namespace.version_key(id, number)).await?;
        let Some(record) = record else {
            return Ok(None);
        };
        let earlier = EarlierRow::open(namespace, id, &record)?;
        if earlier.revision == number {
            Ok(Some(earlier))
        } else {
            Err(VaultError::Service(ServiceError::Tampered))
        }
    }

    /// The data keys of a value and of the earlier one with this number: a password may have them
    /// in two entries.
    pub(super) async fn keys_wanted(
        &self,
        namespace: &Namespace,
        row: Option<&Row>,
        number: Option<u64>,
    ) -> Result<Vec<[u8; 16]>, VaultError> {
        let Some(row) = row else {
            return Ok(Vec::new());
        };
        let mut wanted = vec![row.data_key];
        let is_kept = |number: &u64| (row.meta.oldest..row.meta.revision).contains(number);
        if let Some(number) = number.filter(is_kept) {
            // Whether it exists, and as it was written, is judged once there are keys.
            match self.earlier(namespace, row, number).await {
                Ok(earlier) => wanted.extend(earlier.map(|earlier| earlier.data_key)),
                Err(VaultError::Service(ServiceError::Tampered)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted)
    }

    async fn reveal_version(
        &self,
        namespace: &Namespace,
        location: &Location,
        row: &Row,
        number: u64,
        keys: &DataKeys,
    ) -> Result<SecretBytes, VaultError> {
        // Whoever cannot read the current value reads no earlier one.
        let current = keys.find(row.data_key)?;
        if number == row.meta.revision {
            return row.reveal(namespace, current);
        }
        if !(row.meta.oldest..row.meta.revision).contains(&number) {
            return Err(VaultError::NoSuchVersion);
        }
        let Some(earlier) = self.earlier(namespace, row, number).await? else {
            // The whole value may have been removed since the row was read.
            let row = self.row(namespace, location).await?;
            row.meta.check(self.now())?;
            return Err(VaultError::NoSuchVersion);
        };
        earlier.reveal(namespace, keys.find(earlier.data_key)?)
    }
}

impl VersionRead<'_> {
    /// The password that protects the value.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.access = Access::Password(password.into());
        self
    }

    async fn run(self) -> Result<SecretBytes, VaultError> {
        let vault = self.vault;
        let operation = match self.goal {
            Goal::Read => operation::READ_VERSION,
            Goal::RollBack => operation::ROLL_BACK,
        };
        let observed = vault.observe(operation);
        let work = async {
            let (namespace, location) = vault.locate(&observed, &self.target).await?;
            let work = async {
                match self.goal {
                    Goal::Read => self.read(&namespace, &location).await,
                    // Rare, and the largest future of a vault.
                    Goal::RollBack => boxed(|| self.roll_back(&namespace, &location)).await,
                }
            };
            let subjects = subjects(&namespace, &self.access, &location.key.id);
            vault.attempt(&subjects, work).await
        };
        observed.run(work).await
    }

    async fn read(
        &self,
        namespace: &Namespace,
        location: &Location,
    ) -> Result<SecretBytes, VaultError> {
        let Self { vault, number, .. } = *self;
        let row = vault.row(namespace, location).await;
        let wanted = vault.keys_wanted(namespace, row.as_ref().ok(), Some(number));
        let wanted = wanted.await?;
        let keys = vault.keys_to_read(namespace, &self.access, Wanted::These(&wanted));
        let keys = keys.await?;
        let row = row?;
        row.meta.check(vault.now())?;
        let keys = keys.ok_or(VaultError::InvalidPassword)?;
        let value = vault.reveal_version(namespace, location, &row, number, &keys);
        value.await
    }

    async fn roll_back(
        &self,
        namespace: &Namespace,
        location: &Location,
    ) -> Result<SecretBytes, VaultError> {
        let Self { vault, number, .. } = *self;
        let chosen = Mutex::new(None);
        let choose = |row: Row, keys: Arc<DataKeys>| {
            let chosen = &chosen;
            async move {
                let value = vault.reveal_version(namespace, location, &row, number, &keys);
                let value = value.await?;
                let mut chosen = chosen.lock().unwrap_or_else(PoisonError::into_inner);
                *chosen = Some(value.clone());
                Ok(value)
            }
        };
        let which = (None, Some(number));
        let work = vault.replace_value(namespace, location, &self.access, which, choose);
        work.await?;
        let chosen = chosen.into_inner().unwrap_or_else(PoisonError::into_inner);
        chosen.ok_or(VaultError::NoSuchVersion)
    }
}

impl fmt::Debug for VersionRead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionRead")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

awaited!(VersionRead<'a> => Result<SecretBytes, VaultError>);
