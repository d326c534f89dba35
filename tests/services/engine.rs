//! The store engines that the tests run on.

use std::sync::Arc;

use sealtoken::store::{MemoryStore, Store};

/// A fresh store, with the files or servers it needs while in use.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    #[cfg(feature = "sqlite")]
    _folder: Option<tempfile::TempDir>,
    #[cfg(feature = "postgres")]
    _schema: Option<sealtoken_test_servers::postgres::Schema>,
    #[cfg(feature = "dynamodb")]
    _table: Option<sealtoken_test_servers::dynamodb::Table>,
}

impl Engine {
    pub(crate) fn memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            #[cfg(feature = "sqlite")]
            _folder: None,
            #[cfg(feature = "postgres")]
            _schema: None,
            #[cfg(feature = "dynamodb")]
            _table: None,
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = sealtoken_sqlite::SqliteStore::open(folder.path().join("records.db"));
        Self {
            store: Arc::new(store.await.unwrap()),
            _folder: Some(folder),
            #[cfg(feature = "postgres")]
            _schema: None,
            #[cfg(feature = "dynamodb")]
            _table: None,
        }
    }

    /// `None` without a server; the test is then reported as skipped.
    #[cfg(feature = "postgres")]
    pub(crate) async fn postgres() -> Option<Self> {
        let schema = sealtoken_test_servers::postgres::Schema::new(&[]).await?;
        let store = sealtoken_postgres::PostgresStore::open(&schema.url);
        Some(Self {
            store: Arc::new(store.await.unwrap()),
            #[cfg(feature = "sqlite")]
            _folder: None,
            _schema: Some(schema),
            #[cfg(feature = "dynamodb")]
            _table: None,
        })
    }

    /// `None` without an emulator; the test is then reported as skipped.
    #[cfg(feature = "dynamodb")]
    pub(crate) async fn dynamodb() -> Option<Self> {
        let (store, table) = sealtoken_test_servers::dynamodb::fresh().await?;
        Some(Self {
            store: Arc::new(store),
            #[cfg(feature = "sqlite")]
            _folder: None,
            #[cfg(feature = "postgres")]
            _schema: None,
            _table: Some(table),
        })
    }
}

/// Makes each function a test on every engine that is compiled in: `memory::name`, `sqlite::name`
/// and so on.
macro_rules! on_every_engine {
    ($($name:ident,)*) => {
        mod memory {
            use crate::engine::Engine;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(Engine::memory()).await;
                }
            )*
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            use crate::engine::Engine;
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(Engine::sqlite().await).await;
                }
            )*
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            use crate::engine::Engine;
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(engine) = Engine::postgres().await {
                        super::$name(engine).await;
                    }
                }
            )*
        }

        #[cfg(feature = "dynamodb")]
        mod dynamodb {
            use crate::engine::Engine;
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(engine) = Engine::dynamodb().await {
                        super::$name(engine).await;
                    }
                }
            )*
        }
    };
}
pub(crate) use on_every_engine;
