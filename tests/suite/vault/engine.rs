//! The engines that the tests run on.

use std::sync::Arc;

use sealtoken::store::{MemoryStore, Store};

/// A fresh store, and what it needs as long as it is used.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    #[cfg(feature = "sqlite")]
    _folder: Option<tempfile::TempDir>,
}

impl Engine {
    pub(crate) fn memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            #[cfg(feature = "sqlite")]
            _folder: None,
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = sealtoken::store::SqliteStore::open(folder.path().join("vault.db"));
        Self {
            store: Arc::new(store.await.unwrap()),
            _folder: Some(folder),
        }
    }
}

/// Makes of each function a test on every engine that is compiled in: `memory::name`, `sqlite::name` and so on.
macro_rules! on_every_engine {
    ($($name:ident,)*) => {
        mod memory {
            use crate::vault::engine::Engine;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(Engine::memory()).await;
                }
            )*
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            use crate::vault::engine::Engine;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(Engine::sqlite().await).await;
                }
            )*
        }
    };
}
pub(crate) use on_every_engine;
