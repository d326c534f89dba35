//! The settings of a vault.

use std::sync::Arc;
use std::time::Duration;

use crate::keys::KeyRing;
use crate::sealed::{ServiceError, ServiceSettings, service_setters};
use crate::store::Store;

use super::hashing::Argon2Cost;
use super::{Vault, VaultError};

/// The maximum number of earlier values that can be kept of a value.
const MAX_VERSIONS: u32 = 16;

/// Settings of a vault: [`Vault::options`].
///
/// ```
/// use sealtoken::store::MemoryStore;
/// use sealtoken::vault::{Argon2Cost, Vault};
/// use sealtoken::{Key, KeyRing};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vault = Vault::options()
///     .argon2_cost(Argon2Cost::new(32, 2, 1)?)
///     .min_password(12)
///     .keep_versions(3)
///     .open(MemoryStore::new(), &KeyRing::new(Key::generate()))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "settings do nothing until `open` is awaited"]
pub struct VaultOptions {
    settings: Settings,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) cost: Argon2Cost,
    pub(super) min_password: usize,
    pub(super) max_value: usize,
    /// `None` keeps as many as each value has now.
    pub(super) keep_versions: Option<u32>,
    pub(super) purge_margin: Duration,
    pub(super) service: ServiceSettings,
}

impl VaultOptions {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                cost: Argon2Cost::default(),
                min_password: 8,
                max_value: 1024 * 1024,
                keep_versions: Some(0),
                purge_margin: Duration::from_secs(600),
                service: ServiceSettings::default(),
            },
        }
    }

    /// The cost of one hash of a password. If the vault has a weaker one, it is raised, and
    /// passwords move to the new cost as they are used.
    ///
    /// A cost is weaker if its memory times its passes is less; a cost that is not stronger than
    /// the vault's is ignored. Raise it rarely: an unknown password is hashed at each cost that the
    /// vault has had, and a vault accepts at most eight.
    pub fn argon2_cost(mut self, cost: Argon2Cost) -> Self {
        self.settings.cost = cost;
        self
    }

    /// How many passwords are hashed at once, each with the memory of its cost: 1 to 64. Default:
    /// the number of cores, at most four.
    pub fn max_concurrent_hashes(mut self, passwords: usize) -> Self {
        self.settings.service.max_concurrent_hashes = passwords;
        self
    }

    /// Minimum length of a new password, in characters: 1 to 256. Default: 8.
    pub fn min_password(mut self, characters: usize) -> Self {
        self.settings.min_password = characters;
        self
    }

    /// Maximum length of a value, in bytes, and never more than the store accepts. Default: 1 MiB.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.settings.max_value = bytes;
        self
    }

    /// How many earlier values of each value are kept, at most 16. Default: 0.
    pub fn keep_versions(mut self, versions: u32) -> Self {
        self.settings.keep_versions = Some(versions);
        self
    }

    /// Keeps as many earlier values of each value as it has now: an update removes the oldest.
    pub fn keep_as_many_versions(mut self) -> Self {
        self.settings.keep_versions = None;
        self
    }

    /// How long after its expiry [`purge_expired`](Vault::purge_expired) leaves a value alone.
    /// Default: 10 minutes.
    ///
    /// It covers the difference of clocks: a clock that is further ahead removes values that others
    /// can still read.
    pub fn purge_margin(mut self, margin: Duration) -> Self {
        self.settings.purge_margin = margin;
        self
    }

    /// Opens the vault in this store, or creates one.
    ///
    /// # Errors
    ///
    /// As for [`Vault::open`], and [`ServiceError::InvalidSetting`].
    pub async fn open(self, store: impl Store, keys: &KeyRing) -> Result<Vault, VaultError> {
        let Self { mut settings } = self;
        let invalid = |what| Err(ServiceError::InvalidSetting(what).into());
        if settings.keep_versions > Some(MAX_VERSIONS) {
            return invalid("keep_versions takes at most 16 earlier values");
        }
        if !(1..=256).contains(&settings.min_password) {
            return invalid("min_password takes 1 to 256 characters");
        }
        // The rest of a record is far below four KiB.
        let limit = store.limits().max_body.saturating_sub(4096);
        settings.max_value = settings.max_value.min(limit);
        Vault::with_settings(Arc::new(store), keys, settings).await
    }
}

service_setters!(VaultOptions);
