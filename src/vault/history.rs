//! Earlier values: listed, read, brought back.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::store::RecordKey;

use super::access::{Access, Wanted, subjects};
use super::entry::DataKeys;
use super::namespace::Namespace;
use super::row::{EarlierRow, Row};
use super::secret::{Password, SecretBytes};
use super::target::{Target, Whereabouts, token_key};
use super::text::VaultToken;
use super::{Vault, VaultError};

/// An earlier value, or the present one: [`Vault::versions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written; unknown where its record was changed from outside.
    pub written_at: Option<UnixTime>,
    /// Its bytes; unknown there, too.
    pub length: Option<u64>,
    /// Whether it is the present one.
    pub is_current: bool,
}

impl Version {
    /// Whether its record was changed from outside: nobody can read it.
    #[must_use]
    pub const fn is_tampered(&self) -> bool {
        self.written_at.is_none()
    }
}

/// What is to be done with an earlier value.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    Read,
    RollBack,
}

/// Gets an earlier value, or brings it back: [`Vault::read_version`] and [`Vault::roll_back`].
#[must_use = "nothing is done until this is awaited"]
pub struct VersionRead<'a> {
    vault: &'a Vault,
    token: VaultToken,
    number: u64,
    access: Access,
    goal: Goal,
}

impl Vault {
    /// The values that a token has and had, as far as they are kept, the newest first. An earlier one that was changed from outside
    /// [says so](Version::is_tampered), and hides no other.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotFound`], [`VaultError::Tampered`] where the token's own record was changed, [`VaultError::Store`].
    pub async fn versions(&self, target: impl Into<Target>) -> Result<Vec<Version>, VaultError> {
        let namespace = self.begin(Operation::VaultVersions).await?;
        let at = target.into().find(&namespace);
        let result = self.try_versions(&namespace, &at).await;
        let count = result.as_ref().ok().map(|all| all.len() as u64);
        let token = Some(namespace.fingerprint(&at.key.id));
        self.report(Operation::VaultVersions, token, count, result)
    }

    async fn try_versions(
        &self,
        namespace: &Namespace,
        at: &Whereabouts,
    ) -> Result<Vec<Version>, VaultError> {
        let row = self.row_of(namespace, at).await?;
        let mut versions = vec![Version {
            number: row.meta.revision,
            written_at: Some(UnixTime::from_secs(row.meta.updated)),
            length: Some(row.meta.length),
            is_current: true,
        }];
        for number in (row.meta.oldest..row.meta.revision).rev() {
            let earlier = match self.earlier(namespace, &row, number).await {
                Ok(Some(earlier)) => Some(earlier),
                // One that was pruned meanwhile is not there any more.
                Ok(None) => continue,
                Err(VaultError::Tampered) => None,
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

    /// Gets an earlier value, with the password that protects the present one.
    ///
    /// # Errors
    ///
    /// As for [`read`](Vault::read), and [`VaultError::NoSuchVersion`].
    pub fn read_version(&self, token: impl AsRef<str>, number: u64) -> VersionRead<'_> {
        self.version(token.as_ref(), number, Goal::Read)
    }

    /// Makes an earlier value the present one, as a new version; the awaited builder gives that value.
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
            token: VaultToken::presented(token),
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
            Err(VaultError::Tampered)
        }
    }

    /// The data keys that a value is under, and the earlier one with this number: a password may
    /// have them in two entries.
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
            // Whether it is there, and as it was written, is judged once there are keys.
            match self.earlier(namespace, row, number).await {
                Ok(earlier) => wanted.extend(earlier.map(|earlier| earlier.data_key)),
                Err(VaultError::Tampered) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted)
    }

    async fn reveal_version(
        &self,
        namespace: &Namespace,
        row: &Row,
        number: u64,
        keys: &DataKeys,
    ) -> Result<SecretBytes, VaultError> {
        // Who does not have the present value gets no earlier one.
        let current = keys.find(row.data_key)?;
        if number == row.meta.revision {
            return row.reveal(namespace, current);
        }
        if !(row.meta.oldest..row.meta.revision).contains(&number) {
            return Err(VaultError::NoSuchVersion);
        }
        let Some(earlier) = self.earlier(namespace, row, number).await? else {
            // It may have gone with the whole value since the row was read.
            self.row(namespace, &row.key)
                .await?
                .meta
                .check(self.now())?;
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
            Goal::Read => Operation::VaultReadVersion,
            Goal::RollBack => Operation::VaultRollBack,
        };
        let namespace = vault.begin(operation).await?;
        let key = token_key(&namespace, self.token.expose());
        let work = async {
            match self.goal {
                Goal::Read => self.read(&namespace, &key).await,
                Goal::RollBack => self.roll_back(&namespace, &key).await,
            }
        };
        let result = vault
            .attempt(&subjects(&namespace, &self.access, &key.id), work)
            .await;
        vault.report(
            operation,
            Some(namespace.fingerprint(&key.id)),
            None,
            result,
        )
    }

    async fn read(
        &self,
        namespace: &Namespace,
        key: &RecordKey,
    ) -> Result<SecretBytes, VaultError> {
        let vault = self.vault;
        let row = vault.row(namespace, key).await;
        let wanted = vault
            .keys_wanted(namespace, row.as_ref().ok(), Some(self.number))
            .await?;
        let keys = vault
            .keys_to_read(namespace, &self.access, Wanted::These(&wanted))
            .await?;
        let row = row?;
        row.meta.check(vault.now())?;
        let keys = keys.ok_or(VaultError::InvalidPassword)?;
        vault
            .reveal_version(namespace, &row, self.number, &keys)
            .await
    }

    async fn roll_back(
        &self,
        namespace: &Namespace,
        key: &RecordKey,
    ) -> Result<SecretBytes, VaultError> {
        let vault = self.vault;
        let brought = Mutex::new(None);
        let choose = |row: Row, keys: Arc<DataKeys>| {
            let brought = &brought;
            async move {
                let value = vault
                    .reveal_version(namespace, &row, self.number, &keys)
                    .await?;
                let mut brought = brought.lock().unwrap_or_else(PoisonError::into_inner);
                *brought = Some(value.clone());
                Ok(value)
            }
        };
        let which = (None, Some(self.number));
        let work = vault.replace_value(namespace, key, &self.access, which, choose);
        work.await?;
        let brought = brought.into_inner().unwrap_or_else(PoisonError::into_inner);
        brought.ok_or(VaultError::NoSuchVersion)
    }
}

impl fmt::Debug for VersionRead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionRead")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

awaited!(VersionRead => SecretBytes);
