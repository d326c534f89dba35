//! Personal access tokens through their public API, on every engine.

mod operations;

use std::sync::Arc;

use sealtoken::pat::{PatOptions, PersonalAccessTokens};
use sealtoken::store::Store;
use sealtoken::{Key, KeyRing, ManualClock, UnixTime};

use crate::engine::Engine;

pub(crate) const NOW: i64 = 1_763_755_200;

/// Tokens with a clock of their own, and without a limit of attempts.
pub(crate) struct Bench {
    pub(crate) pats: PersonalAccessTokens,
    pub(crate) clock: ManualClock,
    pub(crate) keys: KeyRing,
    pub(crate) store: Arc<dyn Store>,
    /// What the engine needs as long as it runs.
    _engine: Engine,
}

impl Bench {
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(engine, PersonalAccessTokens::options()).await
    }

    pub(crate) async fn with(engine: Engine, options: PatOptions) -> Self {
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let keys = KeyRing::new(Key::generate());
        let store = engine.store.clone();
        let options = options.clock(clock.clone()).attempts(());
        let pats = options.open(store.clone(), &keys).await.unwrap();
        Self {
            pats,
            clock,
            keys,
            store,
            _engine: engine,
        }
    }

    /// The same tokens, opened anew as another process does.
    pub(crate) async fn again(&self, options: PatOptions) -> PersonalAccessTokens {
        let options = options.clock(self.clock.clone()).attempts(());
        options.open(self.store.clone(), &self.keys).await.unwrap()
    }
}
