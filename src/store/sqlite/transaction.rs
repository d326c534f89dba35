//! A transaction that is taken back unless it is committed.

use rusqlite::Connection;

use crate::store::error::StoreError;

use super::fault::Fault;

pub(super) struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// One in which all reads see the same.
    pub(super) fn reading(connection: &'a Connection) -> Result<Self, Fault> {
        Self::begin(connection, "BEGIN")
    }

    /// The only one that writes; it waits for others now, and not in its middle.
    pub(super) fn writing(connection: &'a Connection) -> Result<Self, Fault> {
        Self::begin(connection, "BEGIN IMMEDIATE")
    }

    fn begin(connection: &'a Connection, sql: &str) -> Result<Self, Fault> {
        run(connection, sql)?;
        Ok(Self(connection))
    }

    /// Makes what was written last.
    ///
    /// # Errors
    ///
    /// Where it fails on the disk, its end may be in the log nevertheless.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        run(self.0, "COMMIT").map_err(Fault::of_commit)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Committed, or taken back by the engine itself.
        if !self.0.is_autocommit() {
            // There is nothing to be done about a failure, after which the next one cannot begin and says so.
            let _unlikely = run(self.0, "ROLLBACK");
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
