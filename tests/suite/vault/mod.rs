//! The vault through its public API, on every engine.

mod operations;

use sealtoken::store::{MemoryStore, Store};
use sealtoken::vault::{Vault, VaultError, VaultOptions};
use sealtoken::{Key, KeyRing, ManualClock, UnixTime};

/// A right password.
pub(crate) const RIGHT: &str = "correct horse";
/// A wrong one.
pub(crate) const WRONG: &str = "battery staple";

pub(crate) const NOW: i64 = 1_763_755_200;

/// A vault with a clock of its own.
pub(crate) struct Bench {
    pub(crate) vault: Vault,
    pub(crate) clock: ManualClock,
    pub(crate) keys: KeyRing,
    /// The one key of the ring at first.
    pub(crate) old: Key,
    pub(crate) store: std::sync::Arc<dyn Store>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(MemoryStore::new(), Vault::options()).await
    }

    pub(crate) async fn with(store: impl Store, options: VaultOptions) -> Self {
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let old = Key::generate();
        let keys = KeyRing::new(old.clone());
        let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(store);
        let options = options.clock(clock.clone()).attempts(());
        let vault = options.open(store.clone(), &keys).await.unwrap();
        Self {
            vault,
            clock,
            keys,
            old,
            store,
        }
    }

    /// The same vault, opened anew as another process does.
    pub(crate) async fn again(&self, options: VaultOptions) -> Result<Vault, VaultError> {
        let options = options.clock(self.clock.clone()).attempts(());
        options.open(self.store.clone(), &self.keys).await
    }
}
