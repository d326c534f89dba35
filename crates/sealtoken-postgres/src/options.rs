//! How a database is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, QueueMode, Runtime};
use sealtoken_store::StoreError;
use tokio_postgres::NoTls;
use zeroize::Zeroizing;

use super::lease::Pool;
use super::migrate;
use super::retired::Retired;
use super::schema;
use super::store::PostgresStore;
use super::tls;
use super::url::Address;

impl PostgresStore {
    /// Opens the database at a URL with the default options. Creates or upgrades its schema.
    ///
    /// The URL is `postgres://user:password@host:port/database`, with percent signs for characters
    /// that have a meaning in a URL. After `?` it may have these parameters of `libpq`: `host`,
    /// `hostaddr`, `port`, `dbname`, `user`, `password`, `options`, `application_name`, `sslmode`,
    /// `sslrootcert`, `sslnegotiation`, `channel_binding`, `connect_timeout`, `tcp_user_timeout`,
    /// `keepalives`, `keepalives_idle`, `keepalives_interval`, `keepalives_retries`,
    /// `target_session_attrs` and `load_balance_hosts`. For everything else, see
    /// [`options`](Self::options).
    ///
    /// # Errors
    ///
    /// - [`StoreError::Configuration`] for an unusable URL or certificate.
    /// - [`StoreError::Schema`] for a database of a newer version.
    /// - [`StoreError::BrokenSchema`] if a table is missing or belongs to another program.
    /// - [`StoreError::Unavailable`] if the server does not answer, or refuses the user.
    ///
    /// # Security
    ///
    /// Without `sslmode` in the URL, TLS is required to every host but this machine.
    /// `sslmode=require` and `verify-full` are the same: both check the certificate and the name in
    /// it, against the authorities that the system trusts or those in `sslrootcert`.
    /// `sslmode=prefer` connects without encryption if the server has no TLS, or if an attacker on
    /// the network says so; `sslmode=disable` always does.
    ///
    /// At the level `debug` of the crate `log`, the driver logs the parameters of statements: ids,
    /// labels and sealed bodies.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::options(url).open().await
    }

    /// The options for opening the database at a URL: see [`open`](Self::open).
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use sealtoken_postgres::PostgresStore;
    ///
    /// # async fn run() -> Result<(), sealtoken_store::StoreError> {
    /// let store = PostgresStore::options("postgres://app:secret@db.example.com/app")
    ///     .connections(20)
    ///     .statement_timeout(Duration::from_secs(5))
    ///     .open()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn options(url: impl Into<String>) -> PostgresOptions {
        PostgresOptions {
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

    /// The steps of the schema as SQL, to run by hand: see [`PostgresOptions::migrate`].
    ///
    /// Run those that the database lacks, in this order, each in one transaction. The last
    /// statement of a step writes its number into the database, counting from 1.
    /// `SELECT max(number) FROM sealtoken_schema` is the number of steps that it has; a new one has
    /// no such table.
    ///
    /// ```
    /// use sealtoken_postgres::PostgresStore;
    ///
    /// for step in PostgresStore::migrations() {
    ///     println!("BEGIN;\n{step}COMMIT;");
    /// }
    /// ```
    #[must_use]
    pub fn migrations() -> &'static [&'static str] {
        schema::MIGRATIONS
    }
}

/// The options of [`PostgresStore::options`].
#[derive(Clone)]
#[must_use = "options do nothing until `open`"]
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
    /// The maximum number of connections, which are opened when needed. Default: 10. At least 1.
    pub fn connections(mut self, count: usize) -> Self {
        self.connections = count.max(1);
        self
    }

    /// How long opening a connection may take. Default: 5 seconds. `connect_timeout` in the URL
    /// takes precedence.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a call waits for a connection while all are in use. Default: 5 seconds.
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// How long a call may take. Default: 30 seconds.
    ///
    /// This includes the wait for a connection, for locks of others (a `CREATE INDEX` holds one
    /// until it ends) and for the server, and all retries. After that, the connection is cut. A
    /// purge may take this long for each chunk of 500 records.
    ///
    /// A write that takes longer is [`Effect::Unknown`](sealtoken_store::Effect::Unknown), unless
    /// its commit was not sent. To wait less for locks, set `lock_timeout` in the URL, as in
    /// `?options=-c%20lock_timeout%3D2s`: a write that ends by it has no effect.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Whether to create and upgrade the schema. Default: yes.
    ///
    /// If not, [`open`](Self::open) only checks the schema and needs no right to create tables. You
    /// run the [migrations](PostgresStore::migrations) yourself.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Whether to prepare each statement once for each connection. Default: yes.
    ///
    /// Turn this off behind a pooler that gives each transaction another connection and does not
    /// support prepared statements:
    ///
    /// - Supabase's pooler, Supavisor, in transaction mode (port 6543);
    /// - PgBouncer in transaction mode before version 1.21, or with `max_prepared_statements = 0`.
    ///
    /// The server then parses each statement each time, still in one round trip.
    pub fn prepared_statements(mut self, prepared: bool) -> Self {
        self.prepared = prepared;
        self
    }

    /// Trusts these certificates, in PEM, instead of those that the system trusts.
    ///
    /// It does what `sslrootcert=FILE` does in the URL, and takes precedence over it.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::open`]; and [`StoreError::Schema`] for an old schema that may not be
    /// upgraded.
    pub async fn open(self) -> Result<PostgresStore, StoreError> {
        let pool = self.pool()?;
        if self.migrate {
            migrate::migrate(&pool).await?;
        } else {
            schema::check(&pool).await?;
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
                    let (file, kind) = (file.display(), error.kind());
                    let reason = format!("sslrootcert: {file} cannot be read: {kind}");
                    StoreError::configuration(reason).with_source(error)
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
        let checked = retired.clone();
        let connections = deadpool_postgres::Pool::builder(manager)
            .pre_recycle(Hook::sync_fn(move |_, metrics| {
                if checked.has(metrics.created) {
                    return Err(HookError::message("the connection is retired"));
                }
                Ok(())
            }))
            .max_size(self.connections)
            // The connection that was used last is the most likely to have its statements prepared.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(self.wait_timeout))
            .create_timeout(Some(connect))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                StoreError::configuration("the connection pool cannot be built").with_source(error)
            })?;
        Ok(Pool {
            connections,
            retired,
            tls,
            statement_timeout: self.statement_timeout,
            prepared: self.prepared,
        })
    }
}

impl fmt::Debug for PostgresOptions {
    /// Without the URL, which contains a password.
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
