//! The settings of a vault.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::clock::{Clock, ClockSource};
use crate::events::EventSink;
use crate::keys::KeyRing;
use crate::limits::{AttemptLimiter, MemoryLimiter};
use crate::store::Store;

use super::hashing::Argon2Cost;
use super::{Vault, VaultError};

/// The most earlier values that can be kept of a token.
const MOST_VERSIONS: u32 = 16;

/// How a vault is opened: [`Vault::options`].
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

pub(super) struct Settings {
    pub(super) cost: Argon2Cost,
    pub(super) hash_at_once: usize,
    pub(super) min_password: usize,
    pub(super) max_value: usize,
    /// `None` keeps as many as there are.
    pub(super) keep_versions: Option<u32>,
    pub(super) sweep_margin: Duration,
    pub(super) clock: ClockSource,
    pub(super) events: Arc<dyn EventSink>,
    pub(super) limiter: Arc<dyn AttemptLimiter>,
}

impl Default for VaultOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            settings: Settings {
                cost: Argon2Cost::default(),
                hash_at_once: cores.min(4),
                min_password: 8,
                max_value: 1024 * 1024,
                keep_versions: Some(0),
                sweep_margin: Duration::from_secs(600),
                clock: ClockSource::default(),
                events: Arc::new(()),
                limiter: Arc::new(MemoryLimiter::default()),
            },
        }
    }
}

impl VaultOptions {
    /// What it costs to try a password. A vault that has a weaker cost gets this one: passwords move to it as they are used.
    ///
    /// Weaker is what has less memory times passes; a cost that is not stronger than the vault's is ignored. A password that is not
    /// found is hashed at each cost that the vault has had, and it takes at most eight in its life: raise it rarely.
    pub fn argon2_cost(mut self, cost: Argon2Cost) -> Self {
        self.settings.cost = cost;
        self
    }

    /// How many passwords are hashed at once, each with the memory of its cost: as many as there are cores unless set, at most four.
    pub fn hash_at_once(mut self, passwords: usize) -> Self {
        self.settings.hash_at_once = passwords;
        self
    }

    /// The least characters of a new password; 8 unless set.
    pub fn min_password(mut self, characters: usize) -> Self {
        self.settings.min_password = characters;
        self
    }

    /// The most bytes of a value; 1 MiB unless set, and never more than the store takes.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.settings.max_value = bytes;
        self
    }

    /// How many earlier values are kept of each token: none unless set, at most 16.
    pub fn keep_versions(mut self, versions: u32) -> Self {
        self.settings.keep_versions = Some(versions);
        self
    }

    /// Keeps as many earlier values of each token as it has: an update takes the oldest away for
    /// the one that it replaces.
    pub fn keep_as_many_versions(mut self) -> Self {
        self.settings.keep_versions = None;
        self
    }

    /// How long after its end a value is left alone by a sweep that removes: 10 minutes unless set.
    ///
    /// It is for clocks that differ. One that is ahead by more than this removes what others could
    /// still read.
    pub fn sweep_margin(mut self, margin: Duration) -> Self {
        self.settings.sweep_margin = margin;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = ClockSource::Injected(Arc::new(clock));
        self
    }

    /// Who is told of each operation.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.settings.events = Arc::new(sink);
        self
    }

    /// Who counts failed attempts: [`MemoryLimiter`] unless set.
    pub fn attempts(mut self, limiter: impl AttemptLimiter) -> Self {
        self.settings.limiter = Arc::new(limiter);
        self
    }

    /// Opens the vault in this store, or makes one.
    ///
    /// # Errors
    ///
    /// As for [`Vault::open`], and [`VaultError::InvalidSetting`].
    pub async fn open(self, store: impl Store, keys: &KeyRing) -> Result<Vault, VaultError> {
        let mut settings = self.settings;
        if !(1..=64).contains(&settings.hash_at_once) {
            return Err(VaultError::InvalidSetting(
                "1 to 64 passwords are hashed at once",
            ));
        }
        if settings.keep_versions > Some(MOST_VERSIONS) {
            return Err(VaultError::InvalidSetting(
                "at most 16 earlier values are kept",
            ));
        }
        if !(1..=256).contains(&settings.min_password) {
            return Err(VaultError::InvalidSetting(
                "the least length of a password is 1 to 256",
            ));
        }
        // What is sealed around a value is far below four KiB.
        let most = store.limits().max_body.saturating_sub(4096);
        settings.max_value = settings.max_value.min(most);
        Vault::with_settings(Arc::new(store), keys, settings).await
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("cost", &self.cost)
            .field("min_password", &self.min_password)
            .field("max_value", &self.max_value)
            .field("keep_versions", &self.keep_versions)
            .field("sweep_margin", &self.sweep_margin)
            .field("clock", &self.clock)
            .field("events", &self.events)
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
