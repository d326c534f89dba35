//! How a file is opened.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sealtoken_store::StoreError;

use super::pool::off_thread;
use super::{SqliteStore, open};

/// How an [`SqliteStore`] is opened, where its defaults do not fit.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sealtoken_sqlite::SqliteOptions;
///
/// # async fn run() -> Result<(), sealtoken_store::StoreError> {
/// let store = SqliteOptions::new("tokens.db")
///     .create(false)
///     .busy_timeout(Duration::from_secs(1))
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "options open nothing until `open`"]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) create: bool,
    pub(super) migrate: bool,
    pub(super) readers: usize,
    pub(super) busy_timeout: Duration,
}

impl SqliteOptions {
    /// SQLite counts milliseconds, and not very far.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The defaults, for the file at this path: see [`SqliteStore::open`]. It is a path, whatever it looks like: no URI, and
    /// nothing stands for a database in memory.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            create: true,
            migrate: true,
            readers: thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8)),
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// Whether the file is created where there is none; it is by default.
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether the schema is created and upgraded; it is by default.
    ///
    /// Otherwise [`open`](Self::open) looks whether it is there. Run the [migrations](SqliteStore::migrations) yourself.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// How many connections read at once, and as many again for scans and counts; by default one for each processor, from 2
    /// to 8. Never less than 1.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.clamp(1, 256);
        self
    }

    /// How long a call waits for others: for a process that locks the file, for calls of this one that came before it, and, a
    /// second at least, for a thread of the runtime. 5 seconds by default, and a day at most. Then it is
    /// [`StoreError::Unavailable`], nothing was done, and nothing of it is done later.
    ///
    /// A call that has begun its own work is not cut off. A purge waits anew for each of its parts, of 2,000 records.
    pub fn busy_timeout(mut self, longest: Duration) -> Self {
        self.busy_timeout = longest.min(Self::LONGEST);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`]; and [`StoreError::Schema`] where the schema is an old one that may not be upgraded.
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        off_thread(move || open::open(&self)).await
    }
}
