//! The vault through its public API, on every engine.

mod apart;
mod around;
mod attempts;
mod bounds;
mod broken;
mod cancelled;
mod events;
mod faults;
mod guesses;
mod heavy;
mod hostile;
mod import;
mod kept;
mod lag;
mod life;
mod listing;
mod operations;
mod passwords;
mod races;
mod rivals;
mod tampered_alone;
mod tampering;
mod vectors;

use std::sync::Arc;

use sealtoken::store::Store;
use sealtoken::vault::{Vault, VaultError, VaultOptions};
use sealtoken::{ExpiryError, Key, KeyRing, ManualClock, ServiceError, UnixTime};

use crate::engine::Engine;

/// A right password.
pub(crate) const RIGHT: &str = "correct horse";
/// A wrong one.
pub(crate) const WRONG: &str = "battery staple";

pub(crate) const NOW: i64 = 1_763_755_200;

/// A vault with its own clock and without a limit of attempts.
pub(crate) struct Bench {
    pub(crate) vault: Vault,
    pub(crate) clock: ManualClock,
    pub(crate) keys: KeyRing,
    /// The first key of the ring.
    pub(crate) old: Key,
    pub(crate) store: Arc<dyn Store>,
    /// Keeps the engine running.
    _engine: Option<Engine>,
}

/// Options with which expired values can be purged at once.
fn at_once() -> VaultOptions {
    Vault::options().purge_margin(std::time::Duration::ZERO)
}

fn invalid_expiry(why: ExpiryError) -> VaultError {
    VaultError::Service(ServiceError::InvalidExpiry(why))
}

impl Bench {
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(engine, Vault::options()).await
    }

    pub(crate) async fn with(engine: Engine, options: VaultOptions) -> Self {
        let store = engine.store.clone();
        let bench = Self::over(store, options).await;
        Self {
            _engine: Some(engine),
            ..bench
        }
    }

    pub(crate) async fn over(store: Arc<dyn Store>, options: VaultOptions) -> Self {
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let old = Key::generate();
        let keys = KeyRing::new(old.clone());
        let options = options.clock(clock.clone()).limiter(());
        let vault = options.open(store.clone(), &keys).await.unwrap();
        Self {
            vault,
            clock,
            keys,
            old,
            store,
            _engine: None,
        }
    }

    /// The same vault, opened again as another process does.
    pub(crate) async fn again(&self, options: VaultOptions) -> Result<Vault, VaultError> {
        let options = options.clock(self.clock.clone()).limiter(());
        options.open(self.store.clone(), &self.keys).await
    }
}
