//! How a database is opened.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, QueueMode, Runtime};
use sealtoken_store::StoreError;
use tokio_postgres::NoTls;
use zeroize::Zeroizing;

use super::PostgresStore;
use super::lease::Pool;
use super::retired::Retired;
use super::url::Address;
use super::{migrate, tls};

/// How a [`PostgresStore`] is opened, where its defaults do not fit.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sealtoken_postgres::PostgresOptions;
///
/// # async fn run() -> Result<(), sealtoken_store::StoreError> {
/// let store = PostgresOptions::new("postgres://app:secret@db.example.com/app")
///     .connections(20)
///     .statement_timeout(Duration::from_secs(5))
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options open nothing until `open`"]
pub struct PostgresOptions {
    url: Zeroizing<String>,
    roots: Option<Vec<u8>>,
    connections: usize,
    connect_timeout: Duration,
    wait_timeout: Duration,
    statement_timeout: Duration,
    migrate: bool,
    prepared: bool,
}

impl PostgresOptions {
    /// The defaults, for the database at this URL: see [`PostgresStore::open`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Zeroizing::new(url.into()),
            roots: None,
            connections: 10,
            connect_timeout: Duration::from_secs(5),
            wait_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            migrate: true,
            prepared: true,
        }
    }

    /// The most connections; 10 by default, and never less than 1. They are opened when needed.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// How long opening a connection may take; 5 seconds by default.
    pub fn connect_timeout(mut self, longest: Duration) -> Self {
        self.connect_timeout = longest;
        self
    }

    /// How long a call waits for a connection while all are in use; 5 seconds by default.
    pub fn wait_timeout(mut self, longest: Duration) -> Self {
        self.wait_timeout = longest;
        self
    }

    /// How long a call may take, 30 seconds by default: the wait for a connection, for the locks of others (`CREATE INDEX` holds one for
    /// as long as it takes), for the server, and what is tried again. After that its connection is cut. A purge may take so long for each
    /// 500 records.
    ///
    /// A write that takes longer is [`Effect::Unknown`](sealtoken_store::Effect::Unknown), unless it was not committed yet. To have a lock
    /// waited for less long, set `lock_timeout` in the URL, as `?options=-c%20lock_timeout%3D2s`: a write that ends by it has no effect.
    pub fn statement_timeout(mut self, longest: Duration) -> Self {
        self.statement_timeout = longest;
        self
    }

    /// Whether the schema is created and upgraded; it is by default.
    ///
    /// Otherwise [`open`](Self::open) looks whether it is there, and needs no right to create tables. Run the
    /// [migrations](PostgresStore::migrations) yourself.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Whether statements are prepared once a connection; they are by default.
    ///
    /// Turn it off behind a pooler that gives each transaction another connection and does not know prepared statements:
    /// `pgbouncer` before 1.21, for one. Each statement is then parsed each time, still in one round trip.
    pub fn prepared_statements(mut self, prepared: bool) -> Self {
        self.prepared = prepared;
        self
    }

    /// Trusts these certificates, as PEM, instead of those that the system trusts.
    ///
    /// The same as `sslrootcert=FILE` in the URL, over which it wins.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::open`].
    pub async fn open(self) -> Result<PostgresStore, StoreError> {
        let pool = self.pool()?;
        if self.migrate {
            migrate::migrate(&pool).await?;
        } else {
            migrate::check(&pool).await?;
        }
        Ok(PostgresStore {
            pool: Arc::new(pool),
        })
    }

    fn pool(&self) -> Result<Pool, StoreError> {
        let mut address = Address::parse(&self.url)?;
        let connect = address.config.get_connect_timeout().copied();
        let connect = connect.unwrap_or(self.connect_timeout);
        address.config.connect_timeout(connect);
        let tls = if address.wants_tls() {
            let file = match (&self.roots, &address.roots) {
                (None, Some(file)) => Some(std::fs::read(file).map_err(|error| {
                    let kind = error.kind();
                    StoreError::Configuration(format!("sslrootcert cannot be read: {kind}"))
                })?),
                _ => None,
            };
            Some(tls::connector(self.roots.as_deref().or(file.as_deref()))?)
        } else {
            None
        };
        let how = ManagerConfig::default();
        let manager = match tls.clone() {
            Some(tls) => Manager::from_config(address.config, tls, how),
            None => Manager::from_config(address.config, NoTls, how),
        };
        let retired = Arc::new(Retired::default());
        let worthless = retired.clone();
        let connections = deadpool_postgres::Pool::builder(manager)
            .pre_recycle(Hook::sync_fn(move |_, metrics| {
                if worthless.has(metrics.created) {
                    return Err(HookError::message("it is retired"));
                }
                Ok(())
            }))
            .max_size(self.connections)
            // The connection that was used last has its statements prepared.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(self.wait_timeout))
            .create_timeout(Some(connect))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| StoreError::Configuration("the pool cannot be made".to_owned()))?;
        Ok(Pool {
            connections,
            retired,
            tls,
            statement_timeout: self.statement_timeout,
            prepared: self.prepared,
            split: AtomicBool::new(false),
        })
    }
}

impl fmt::Debug for PostgresOptions {
    /// Without the URL, which has a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("wait_timeout", &self.wait_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("migrate", &self.migrate)
            .field("prepared_statements", &self.prepared)
            .finish_non_exhaustive()
    }
}
