//! A file's connections, and their settings.

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
use super::options::SqliteOptions;
use super::pool::{Pool, wait_until};
use super::{Shared, SqliteStore, migrate, until};

/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 32;

/// The log is cut back to this size after it has grown.
const LOG: i64 = 64 * 1024 * 1024;

pub(super) fn open(options: &SqliteOptions) -> Result<SqliteStore, StoreError> {
    let until = until(options.busy_timeout);
    // First and last: it counts as open as long as any connection is.
    let file = Opened::new(&options.path, options.create)?;
    let writer = connect(file.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let set_up = set_up(&writer, options.migrate, until);
    set_up.map_err(|fault| fault.in_opening().told(&writer))?;
    let alarm = Arc::new(Alarm::new()?);
    let (quick, slow) = (
        readers(file.path(), options, &alarm)?,
        readers(file.path(), options, &alarm)?,
    );
    let files = Files::of(file)?;
    let shared = Arc::new(Shared {
        quick,
        slow,
        writer: Pool::new(vec![writer], &alarm),
        files: Arc::new(files),
        longest: options.busy_timeout,
    });
    Ok(SqliteStore { shared })
}

/// Makes the connection the one that writes, and the schema what it is to be.
fn set_up(connection: &Connection, may_migrate: bool, until: Instant) -> Result<(), Fault> {
    log_ahead(connection, until)?;
    for (name, value) in [("synchronous", 2), ("journal_size_limit", LOG)] {
        // Some settings answer with a row.
        let set = connection.pragma_update_and_check(None, name, value, |_| Ok(()));
        match set {
            Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if may_migrate {
        migrate::migrate(connection, until)
    } else {
        wait_until(connection, until)?;
        migrate::check(connection)
    }
}

fn readers(
    path: &Path,
    options: &SqliteOptions,
    alarm: &Arc<Alarm>,
) -> Result<Arc<Pool>, StoreError> {
    let reader = |_| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let readers: Result<Vec<_>, _> = (0..options.readers).map(reader).collect();
    Ok(Pool::new(readers?, alarm))
}

/// A connection that does not wait for others, unless it is told to.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connect = || -> Result<_, Fault> {
        // A connection is used by one thread at a time.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // What an attacker may have put into the schema is not run.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        Ok(connection)
    };
    connect().map_err(|fault| fault.in_opening().error())
}

/// Puts the file into WAL mode. While another process does the same, SQLite does not wait by itself.
fn log_ahead(connection: &Connection, until: Instant) -> Result<(), Fault> {
    loop {
        // What was waited for by earlier statements is waited no more.
        wait_until(connection, until)?;
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode.map_err(Fault::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let what = "the file cannot be put into WAL mode";
                return Err(StoreError::Configuration(what.into()).into());
            }
            Err(fault) if fault.is_busy() && Instant::now() < until => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(fault) => return Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no test sees from outside: whether a commit outlives a loss of power.
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
        let shared = &store.shared;
        for (pool, writes) in [
            (&shared.writer, true),
            (&shared.quick, false),
            (&shared.slow, false),
        ] {
            let connection = pool.take(shared.until()).await.unwrap();
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
