//! Records of `sealtoken` in PostgreSQL, or in a database that speaks its language.
//!
//! [`PostgresStore`] is an engine of its vault and personal access tokens: it sees ids, labels and sealed bodies, and no plaintext.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod fault;
mod lease;
mod migrate;
mod options;
mod pipeline;
mod read;
mod retired;
mod retry;
mod sql;
mod tls;
mod url;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use sealtoken_store::{
    Change, Collection, Limits, Migration, Outcome, Page, Query, Record, RecordKey, Store,
    StoreError,
};
use sealtoken_time::UnixTime;

pub use options::PostgresOptions;

/// Records in a PostgreSQL database. Clones share its connections.
///
/// A batch of one change is one statement and one round trip, or two where it changes the labels of a record; a larger batch is a
/// transaction of three round trips. It works at READ COMMITTED, REPEATABLE READ and SERIALIZABLE; a serialisation failure or
/// a deadlock is tried again, a bounded number of times.
///
/// It needs no advisory locks, notifications, triggers or foreign keys, so that it can run on databases that are compatible with
/// PostgreSQL. The tests run on PostgreSQL alone. Where such a database does not create tables and change rows in one
/// transaction, or knows no `COLLATE`, adapt the [migrations](Self::migrations) and run them by hand. What was acknowledged is
/// as durable as the server's settings make it: `fsync` and `synchronous_commit`.
///
/// ```no_run
/// use sealtoken_postgres::PostgresStore;
/// use sealtoken_store::{Change, Collection, Record, RecordKey, Store as _, Version};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::open("postgres://app:secret@db.example.com/app").await?;
/// let key = RecordKey::new(Collection::new("note")?, "first");
/// let outcome = store.write(&[Change::Insert(Record::new(key, Version::draw()?, "text"))]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Arc<lease::Pool>,
}

impl PostgresStore {
    const LIMITS: Limits = Limits {
        max_body: 4 * 1024 * 1024,
        max_batch: 1000,
        durable: true,
    };

    /// Opens the database at a URL, and creates or upgrades its schema.
    ///
    /// `postgres://user:password@host:port/database`, with percent signs for what has a meaning in a URL. `?` may be followed by what
    /// `libpq` knows: `host`, `hostaddr`, `port`, `dbname`, `user`, `password`, `options`, `application_name`, `sslmode`, `sslrootcert`,
    /// `sslnegotiation`, `channel_binding`, `connect_timeout`, `tcp_user_timeout`, `keepalives`, `keepalives_idle`,
    /// `keepalives_interval`, `keepalives_retries`, `target_session_attrs` and `load_balance_hosts`.
    /// [`PostgresOptions`] has what stands in no URL.
    ///
    /// # Errors
    ///
    /// [`StoreError::Configuration`] for a URL or a certificate that cannot be used, [`StoreError::Schema`] for a database of a newer
    /// version, [`StoreError::Unavailable`] when it does not answer or refuses the user.
    ///
    /// # Security
    ///
    /// Without `sslmode` in the URL, TLS is required to every host but this machine. `sslmode=require` and `verify-full` are the
    /// same: the certificate and the name in it are checked, always, against the authorities that the system trusts or those in
    /// `sslrootcert`. `sslmode=prefer` goes unencrypted where the server has no TLS, or where someone on the way says so;
    /// `sslmode=disable` always does.
    ///
    /// The crate `log` gets the parameters of statements at the level `debug` from the driver: ids, labels and sealed bodies.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        PostgresOptions::new(url).open().await
    }

    /// The steps of the schema, for who runs them by hand.
    ///
    /// ```
    /// use sealtoken_postgres::PostgresStore;
    ///
    /// for step in PostgresStore::migrations() {
    ///     println!("BEGIN;\n{}COMMIT;", step.sql);
    /// }
    /// ```
    #[must_use]
    pub fn migrations() -> &'static [Migration] {
        migrate::MIGRATIONS
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn limits(&self) -> Limits {
        Self::LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        key.check()?;
        self.read(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(RecordKey::check)?;
        self.read_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        Self::LIMITS.check(batch)?;
        self.change(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.page(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.number(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.sweep(collection, before, limit).await
    }
}
