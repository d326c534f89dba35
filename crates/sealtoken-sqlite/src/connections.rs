//! The connections to a file, and how they are set up.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sealtoken_store::StoreError;

use super::alarm::Alarm;
use super::fault::Fault;
use super::file::{Files, Opened};
use super::pool::{Pool, wait_until};
use super::{migrate, schema};

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS: usize = 32;

/// The log is truncated to this size after it has grown.
const LOG: i64 = 64 * 1024 * 1024;

/// How connections are opened.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) create: bool,
    pub(super) migrate: bool,
    pub(super) readers: usize,
    pub(super) busy_timeout: Duration,
}

/// All connections of a store.
// Fields drop in order. The readers close before the writer: the last connection to close moves the
// log into the file. Only then does the file count as closed.
pub(super) struct Connections {
    /// For reads of a few keys, which take microseconds.
    pub(super) quick: Arc<Pool>,
    /// For longer reads, so that they do not hold up the quick ones.
    pub(super) slow: Arc<Pool>,
    pub(super) writer: Arc<Pool>,
    pub(super) files: Files,
    busy_timeout: Duration,
}

impl Connections {
    pub(super) fn open(path: &Path, settings: &Settings) -> Result<Self, StoreError> {
        let deadline = deadline(settings.busy_timeout);
        // First of all: the file counts as open as long as any connection is.
        let file = Opened::new(path, settings.create)?;
        let writer = connect(file.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set_up(&writer, settings.migrate, deadline)
            .map_err(|fault| schema::explain(fault.in_opening(file.path()), &writer))?;
        let alarm = Arc::new(Alarm::new()?);
        let readers = || -> Result<_, StoreError> {
            let reader = |_| connect(file.path(), OpenFlags::SQLITE_OPEN_READ_ONLY);
            let readers: Result<Vec<_>, _> = (0..settings.readers).map(reader).collect();
            Ok(Pool::new(readers?, &alarm))
        };
        Ok(Self {
            quick: readers()?,
            slow: readers()?,
            writer: Pool::new(vec![writer], &alarm),
            files: Files::of(file)?,
            busy_timeout: settings.busy_timeout,
        })
    }

    /// The deadline of a call that begins now.
    pub(super) fn deadline(&self) -> Instant {
        deadline(self.busy_timeout)
    }
}

/// A timeout is at most a day, so the sum exists.
fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now)
}

/// Prepares the connection that writes, and the schema.
fn set_up(connection: &Connection, may_migrate: bool, deadline: Instant) -> Result<(), Fault> {
    use_wal(connection, deadline)?;
    for (name, value) in [("synchronous", 2), ("journal_size_limit", LOG)] {
        // Some settings answer with a row.
        let set = connection.pragma_update_and_check(None, name, value, |_| Ok(()));
        match set {
            Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if may_migrate {
        migrate::migrate(connection, deadline)
    } else {
        wait_until(connection, deadline)?;
        migrate::check(connection)
    }
}

/// A connection that does not wait for locks before `wait_until` is called.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connect = || -> Result<_, Fault> {
        // One thread at a time uses a connection.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Code that an attacker may have put into the schema must not run.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        Ok(connection)
    };
    connect().map_err(|fault| fault.in_opening(path).into_error())
}

/// Puts the file into WAL mode. While another process does the same, SQLite itself does not wait.
fn use_wal(connection: &Connection, deadline: Instant) -> Result<(), Fault> {
    loop {
        // Each statement may only wait for what is left of the time.
        wait_until(connection, deadline)?;
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode.map_err(Fault::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let reason =
                    "the file cannot be put into WAL mode: is it on a network file system?";
                return Err(StoreError::configuration(reason).into());
            }
            Err(fault) if fault.is_busy() && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(fault) => return Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    /// No test can cut the power: this checks the settings by which a commit survives that.
    #[tokio::test]
    async fn each_commit_is_synced_readers_only_read_and_no_connection_trusts_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db"));
        let store = store.await.unwrap();
        let text = |connection: &Connection, name| {
            let value = connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
            value.unwrap()
        };
        let number = |connection: &Connection, name| {
            let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            value.unwrap()
        };
        let connections = &store.connections;
        for (pool, writes) in [
            (&connections.writer, true),
            (&connections.quick, false),
            (&connections.slow, false),
        ] {
            let connection = pool.take(connections.deadline()).await.unwrap();
            assert_eq!(text(&connection, "journal_mode"), "wal");
            let is_readonly = connection.is_readonly("main").unwrap();
            assert_eq!(is_readonly, !writes);
            if writes {
                assert_eq!(number(&connection, "synchronous"), 2);
            }
            for (setting, expected) in [
                (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
                (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
                (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
                (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            ] {
                assert_eq!(connection.db_config(setting), Ok(expected), "{setting:?}");
            }
        }
    }
}
