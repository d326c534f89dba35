//! The store: which connection does what.
//!
//! One connection writes while others read: the file is in WAL mode, and each commit is synced. A
//! few keys are read on the calling thread, which is faster than handing the work over. Everything
//! else leaves the async threads.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rusqlite::Connection;
use sealtoken_store::engine::{check_batch, check_key};
use sealtoken_store::{
    Change, Collection, Limits, Outcome, Page, Query, Record, RecordKey, Store, StoreError,
};
use sealtoken_time::UnixTime;

use super::connections::Connections;
use super::fault::Fault;
use super::file::Files;
use super::row::LIMITS;
use super::{purge, read, scan, schema, write};

/// A store in an SQLite file. Clones share its connections.
///
/// Several processes on one machine can open the same file, and one process can open it several
/// times. A store belongs to the process that opened it: after a fork, the child drops it and opens
/// its own. The file must not be on a network file system. It needs a directory in which SQLite may
/// create files beside it.
///
/// The methods need a tokio runtime of any kind.
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
    pub(super) connections: Arc<Connections>,
}

impl SqliteStore {
    /// The maximum number of keys to read on the calling thread.
    const FEW: usize = 16;

    /// Runs a job on a reader, off the async threads.
    async fn read<T: Send + 'static>(
        &self,
        deadline: Instant,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.connections.slow.take(deadline).await?.run(job).await
    }

    /// Reads a few keys on this thread; off the async threads if the file is locked.
    async fn read_few<T: Send + 'static>(
        &self,
        keys: &[RecordKey],
        job: fn(&Connection, &[RecordKey]) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let deadline = self.connections.deadline();
        let lease = self.connections.quick.take(deadline).await?;
        match job(&lease, keys) {
            Err(fault) if fault.is_busy() => {
                drop(lease);
                let keys = keys.to_vec();
                self.read(deadline, move |connection| job(connection, &keys))
                    .await
            }
            result => result.map_err(|fault| schema::explain(fault, &lease)),
        }
    }

    /// Runs a job on the writer, off the async threads.
    async fn change<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, &Files) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connections = self.connections.clone();
        let lease = connections.writer.take(connections.deadline()).await?;
        lease
            .run(move |connection| job(connection, &connections.files))
            .await
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn limits(&self) -> Limits {
        LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        self.read_few(std::slice::from_ref(key), read::first).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(check_key)?;
        if keys.len() <= Self::FEW {
            return self.read_few(keys, read::all).await;
        }
        let keys = keys.to_vec();
        self.read(self.connections.deadline(), move |connection| {
            read::all(connection, &keys)
        })
        .await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        check_batch(&LIMITS, batch)?;
        if batch.is_empty() {
            return Ok(Outcome::Written);
        }
        let batch = batch.to_vec();
        self.change(move |connection, files| write::write(connection, files, &batch))
            .await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        let query = query.clone();
        self.read(self.connections.deadline(), move |connection| {
            scan::page(connection, &query)
        })
        .await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let query = query.clone();
        self.read(self.connections.deadline(), move |connection| {
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
        // In chunks: each takes little memory, and other writers get their turn in between.
        loop {
            let chunk = limit.saturating_sub(purged).min(purge::CHUNK);
            let collection = collection.clone();
            let done = self
                .change(move |connection, files| {
                    purge::purge(connection, files, &collection, before, chunk)
                })
                .await;
            let done = done.map_err(|error| error.maybe_done(purged > 0))?;
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
    use std::time::Duration;

    use rusqlite::{Error, ffi};

    use super::*;
    use crate::SqliteOptions;

    #[test]
    fn every_public_type_can_be_shared_between_threads_and_moved() {
        fn shared<T: Send + Sync + Unpin>() {}
        shared::<(SqliteStore, SqliteOptions)>();
    }

    /// As if the file were locked: a connection that does not wait finds it busy.
    fn locked(connection: &Connection, keys: &[RecordKey]) -> Result<(ThreadId, usize), Fault> {
        match connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, i64>(0))? {
            0 => Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None).into()),
            1..=9_000 => Ok((thread::current().id(), keys.len())),
            _ => Err(Fault::Corrupt),
        }
    }

    /// A current-thread runtime runs everything else on this thread.
    #[tokio::test]
    async fn a_read_that_finds_the_file_locked_waits_for_it_on_another_thread() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteStore::options(folder.path().join("records.db"));
        let options = options.busy_timeout(Duration::from_secs(9));
        let store = options.open().await.unwrap();
        let key = RecordKey::new(Collection::from_static("test"), vec![7]);
        let (thread, keys) = store.read_few(&[key], locked).await.unwrap();
        assert_ne!(thread, thread::current().id());
        assert_eq!(keys, 1);
    }
}
