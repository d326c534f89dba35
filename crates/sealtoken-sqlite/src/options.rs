//! How a file is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sealtoken_store::StoreError;

use super::connections::{Connections, Settings};
use super::pool::off_thread;
use super::schema::MIGRATIONS;
use super::store::SqliteStore;

impl SqliteStore {
    /// Opens the file with the default options. Creates the file or its tables if they are missing;
    /// only its owner can read or write a new file (0600).
    ///
    /// # Errors
    ///
    /// - [`StoreError::Configuration`] if the path cannot be opened, is no regular file or no
    ///   SQLite database, has several hard links, or there is no tokio runtime.
    /// - [`StoreError::Schema`] if a newer version of this crate has upgraded the file. A store
    ///   that was open before says so at its next write.
    /// - [`StoreError::BrokenSchema`] if a table is missing or belongs to another program.
    /// - [`StoreError::Replaced`] if the file is replaced during the call; later, each write to a
    ///   file that has been deleted or replaced gives it.
    /// - [`StoreError::Unavailable`] if another process locks the file for more than 5 seconds.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::options(path).open().await
    }

    /// The options for opening a file. The path is taken literally: it is no URI, and no name
    /// stands for a database in memory.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use sealtoken_sqlite::SqliteStore;
    ///
    /// # async fn run() -> Result<(), sealtoken_store::StoreError> {
    /// let store = SqliteStore::options("tokens.db")
    ///     .create(false)
    ///     .busy_timeout(Duration::from_secs(1))
    ///     .open()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn options(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions {
            path: path.as_ref().to_owned(),
            settings: Settings {
                create: true,
                migrate: true,
                readers: thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8)),
                busy_timeout: Duration::from_secs(5),
            },
        }
    }

    /// The steps of the schema as SQL, to run by hand: see [`SqliteOptions::migrate`].
    ///
    /// Run those that the file lacks, in this order, each in one transaction. The last statement of
    /// a step writes its number into the file, counting from 1.
    /// `SELECT max(number) FROM sealtoken_schema` is the number of steps that it has; a new one has
    /// no such table.
    ///
    /// ```
    /// use sealtoken_sqlite::SqliteStore;
    ///
    /// for step in SqliteStore::migrations() {
    ///     println!("BEGIN;\n{step}COMMIT;");
    /// }
    /// ```
    #[must_use]
    pub fn migrations() -> &'static [&'static str] {
        MIGRATIONS
    }
}

/// The options of [`SqliteStore::options`].
#[derive(Debug, Clone)]
#[must_use = "options do nothing until `open`"]
pub struct SqliteOptions {
    path: PathBuf,
    settings: Settings,
}

impl SqliteOptions {
    /// SQLite counts milliseconds in 32 bits.
    const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

    /// Whether to create a missing file. Default: yes.
    pub fn create(mut self, create: bool) -> Self {
        self.settings.create = create;
        self
    }

    /// Whether to create and upgrade the schema. Default: yes.
    ///
    /// If not, [`open`](Self::open) only checks the schema, and you run the
    /// [migrations](SqliteStore::migrations) yourself.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.settings.migrate = migrate;
        self
    }

    /// How many connections read single records at once; as many again serve scans and counts.
    /// Default: one for each processor, from 2 to 8. At least 1.
    pub fn readers(mut self, readers: usize) -> Self {
        self.settings.readers = readers.clamp(1, 256);
        self
    }

    /// How long a call waits: for a process that locks the file, for earlier calls of this one,
    /// and, for at least a second, for a thread of the runtime. Default: 5 seconds. At most a day.
    /// After that it fails with [`StoreError::Unavailable`], and nothing is done, not even later.
    ///
    /// A call that has begun its own work is not interrupted. A purge may wait this long for each
    /// chunk of 2,000 records.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.busy_timeout = timeout.min(Self::MAX_TIMEOUT);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`]; and [`StoreError::Schema`] for an old schema that may not be
    /// upgraded.
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        off_thread(move || {
            Ok(SqliteStore {
                connections: Arc::new(Connections::open(&self.path, &self.settings)?),
            })
        })
        .await
    }
}
