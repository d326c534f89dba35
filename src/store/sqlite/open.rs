//! A file's connections, and their settings.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::error::StoreError;

use super::create::create;
use super::fault::Fault;
use super::options::SqliteOptions;
use super::pool::Pool;
use super::{Shared, SqliteStore, migrate};

/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 32;

/// The log is cut back to this size after it has grown.
const LOG: i64 = 64 * 1024 * 1024;

pub(super) fn open(options: &SqliteOptions) -> Result<SqliteStore, StoreError> {
    // An absolute path is a path: SQLite has names for databases that are no files.
    let path = std::path::absolute(&options.path).map_err(cannot)?;
    if options.create {
        create(&path).map_err(cannot)?;
    }
    let writer = writer(&path, options)?;
    if options.migrate {
        migrate::migrate(&writer)?;
    } else {
        migrate::check(&writer)?;
    }
    // Who waits here keeps an async thread: what is busy goes elsewhere.
    let quick = readers(&path, options.readers, Duration::ZERO)?;
    let slow = readers(&path, options.readers, options.busy_timeout)?;
    let shared = Arc::new(Shared {
        quick,
        slow,
        writer: Pool::new(vec![writer]),
    });
    Ok(SqliteStore { shared })
}

fn cannot(error: std::io::Error) -> StoreError {
    StoreError::Configuration(format!("the file cannot be opened ({})", error.kind()))
}

fn writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(of_open)?;
    connection
        .busy_timeout(options.busy_timeout)
        .map_err(of_open)?;
    log_ahead(&connection, options.busy_timeout)?;
    for (name, value) in [("synchronous", 2), ("journal_size_limit", LOG)] {
        // Some settings answer with a row.
        let set = connection.pragma_update_and_check(None, name, value, |_| Ok(()));
        match set {
            Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(error) => return Err(of_open(error)),
        }
    }
    Ok(connection)
}

fn readers(path: &Path, count: usize, wait: Duration) -> Result<Arc<Pool>, StoreError> {
    let reader = || -> rusqlite::Result<_> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(wait)?;
        Ok(connection)
    };
    let readers: Result<Vec<_>, _> = (0..count).map(|_| reader()).collect();
    Ok(Pool::new(readers.map_err(of_open)?))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // A connection is used by one thread at a time.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // What a stranger may have put into the schema is not run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(connection)
}

/// Puts the file into WAL mode. While another process does the same, SQLite does not wait by itself.
fn log_ahead(connection: &Connection, longest: Duration) -> Result<(), StoreError> {
    let began = Instant::now();
    loop {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode.map_err(Fault::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let what = "the file cannot be put into WAL mode";
                return Err(StoreError::Configuration(what.into()));
            }
            Err(fault) if fault.is_busy() && began.elapsed() < longest => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(fault) => return Err(of_open(fault)),
        }
    }
}

fn of_open(fault: impl Into<Fault>) -> StoreError {
    let fault = fault.into();
    if fault.is_no_database() {
        return StoreError::Configuration("the file is no SQLite database".into());
    }
    match fault.of_read() {
        StoreError::Unavailable { reason, .. } if reason.starts_with("SQLITE_CANTOPEN") => {
            StoreError::Configuration(format!("the file cannot be opened ({reason})"))
        }
        error => error,
    }
}
