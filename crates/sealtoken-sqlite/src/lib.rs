//! Records of `sealtoken` in an SQLite file.
//!
//! [`SqliteStore`] is an engine of its vault and personal access tokens: it sees ids, labels and sealed bodies, and no plaintext.
//!
//! One connection writes, others read beside it: the file is in WAL mode, and each commit is synced. A few keys are read on the
//! thread that asks, which takes less time than handing the work over; all else leaves the async threads.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod alarm;
mod fault;
mod file;
mod migrate;
mod open;
mod options;
mod pool;
mod purge;
mod read;
mod row;
mod scan;
mod transaction;
mod write;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::Connection;
use sealtoken_store::{
    Change, Collection, Limits, Migration, Outcome, Page, Query, Record, RecordKey, Store,
    StoreError,
};
use sealtoken_time::UnixTime;

use fault::Fault;
use file::Files;
use pool::Pool;

pub use options::SqliteOptions;

/// Records in an SQLite file. Clones share its connections.
///
/// Several processes on one machine can have the same file open, and one process several stores of it. A store stays with the
/// process that opened it: after a fork, the child drops it and opens its own. The file must not lie on a network file system, and needs a
/// directory in which SQLite may create files beside it.
///
/// Its methods need a tokio runtime, of any kind.
///
/// ```
/// use sealtoken_sqlite::SqliteStore;
/// use sealtoken_store::{Collection, Query, Store as _};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("sealtoken-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("tokens.db");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = SqliteStore::open(path).await?;
/// assert_eq!(store.count(&Query::all(Collection::new("note")?)).await?, 0);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

// The readers are closed before the writer: the last one to close moves the log into the file. Then it is no longer open.
struct Shared {
    /// For reads of a few keys, which are over in microseconds.
    quick: Arc<Pool>,
    /// For what takes longer, so that it hinders no quick one.
    slow: Arc<Pool>,
    writer: Arc<Pool>,
    files: Arc<Files>,
    /// How long a call waits.
    longest: Duration,
}

impl Shared {
    /// Until when a call waits that begins now.
    fn until(&self) -> Instant {
        until(self.longest)
    }
}

/// The moment after so long: less than a day.
fn until(longest: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(longest).unwrap_or(now)
}

impl SqliteStore {
    const LIMITS: Limits = Limits {
        max_body: 4 * 1024 * 1024,
        max_batch: 10_000,
        durable: true,
    };

    /// The most keys that are read on the thread that asks.
    const FEW: usize = 16;

    /// Opens the file, and creates it, or its tables, where they are not there. A new file is its owner's alone (0600).
    ///
    /// For other settings, see [`SqliteOptions`].
    ///
    /// # Errors
    ///
    /// - [`StoreError::Configuration`] where the path cannot be opened, is no regular file or no SQLite database, has several
    ///   hard links, or there is no tokio runtime.
    /// - [`StoreError::Schema`] where a newer version of this crate has upgraded the file. A store that was open before
    ///   says so at its next write.
    /// - [`StoreError::BrokenSchema`] where a table is missing, or is another program's.
    /// - [`StoreError::Replaced`] where the file was replaced in this moment; and later by each write to a file that has been
    ///   deleted or replaced.
    /// - [`StoreError::Unavailable`] where another process locks it for longer than 5 seconds.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        SqliteOptions::new(path).open().await
    }

    /// The steps of the schema, for who runs them by hand: see [`SqliteOptions::migrate`].
    #[must_use]
    pub fn migrations() -> &'static [Migration] {
        migrate::MIGRATIONS
    }

    /// Runs a job on a reader, off the async threads.
    async fn read<T: Send + 'static>(
        &self,
        until: Instant,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.slow.take(until).await?.run(job).await
    }

    /// Reads a few keys here; where the file is locked for a moment, off the async threads.
    async fn read_few<T: Send + 'static>(
        &self,
        keys: &[RecordKey],
        job: fn(&Connection, &[RecordKey]) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let until = self.shared.until();
        let lease = self.shared.quick.take(until).await?;
        match job(&lease, keys) {
            Err(fault) if fault.is_busy() => {
                drop(lease);
                let keys = keys.to_vec();
                self.read(until, move |connection| job(connection, &keys))
                    .await
            }
            result => result.map_err(|fault| fault.told(&lease)),
        }
    }

    /// Runs a job on the writer, off the async threads.
    async fn change<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, &Files) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let files = self.shared.files.clone();
        let lease = self.shared.writer.take(self.shared.until()).await?;
        lease.run(move |connection| job(connection, &files)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn limits(&self) -> Limits {
        Self::LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        key.check()?;
        self.read_few(std::slice::from_ref(key), read::first).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(RecordKey::check)?;
        if keys.len() <= Self::FEW {
            return self.read_few(keys, read::all).await;
        }
        let keys = keys.to_vec();
        self.read(self.shared.until(), move |connection| {
            read::all(connection, &keys)
        })
        .await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        Self::LIMITS.check(batch)?;
        if batch.is_empty() {
            return Ok(Outcome::Written);
        }
        let batch = batch.to_vec();
        self.change(move |connection, files| write::write(connection, files, &batch))
            .await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        let scan = scan::Scan::new(query)?;
        self.read(self.shared.until(), move |connection| scan.page(connection))
            .await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let query = query.clone();
        self.read(self.shared.until(), move |connection| {
            scan::count(connection, &query)
        })
        .await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut purged: u32 = 0;
        // In parts, so that it holds little in memory and other writers come in between.
        loop {
            let part = limit.saturating_sub(purged).min(purge::PART);
            let collection = collection.clone();
            let done = self.change(move |connection, files| {
                purge::purge(connection, files, &collection, before, part)
            });
            let done = done.await.map_err(|error| {
                if purged > 0 {
                    error.after_some()
                } else {
                    error
                }
            })?;
            purged = purged.saturating_add(done);
            if done == 0 || purged >= limit {
                return Ok(purged);
            }
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use rusqlite::{Error, ffi};

    use super::*;

    /// As where the file is locked: whoever does not wait finds it busy.
    fn locked(connection: &Connection, keys: &[RecordKey]) -> Result<(ThreadId, usize), Fault> {
        match connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, i64>(0))? {
            0 => Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None).into()),
            1..=9_000 => Ok((thread::current().id(), keys.len())),
            _ => Err(Fault::Corrupt),
        }
    }

    /// On this thread a runtime has all it runs.
    #[tokio::test]
    async fn a_read_that_finds_the_file_locked_waits_for_it_on_another_thread() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("records.db"));
        let options = options.busy_timeout(Duration::from_secs(9));
        let store = options.open().await.unwrap();
        let key = RecordKey::new(Collection::from_static("test"), vec![7]);
        let (thread, keys) = store.read_few(&[key], locked).await.unwrap();
        assert_ne!(thread, thread::current().id());
        assert_eq!(keys, 1);
    }
}
