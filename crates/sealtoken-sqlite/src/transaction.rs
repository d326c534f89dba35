//! Transactions, which roll back unless they are committed.

use rusqlite::Connection;

use super::fault::Fault;
use super::file::Files;
use super::schema;

/// An open transaction; dropping it rolls it back.
pub(super) struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// Begins a transaction in which all reads see the same moment.
    pub(super) fn reading(connection: &'a Connection) -> Result<Self, Fault> {
        Self::begin(connection, "BEGIN")
    }

    /// Begins a transaction that writes. It waits for others now, and not halfway through.
    ///
    /// It fails if the file was replaced, or if its schema was upgraded.
    pub(super) fn writing(connection: &'a Connection, files: &Files) -> Result<Self, Fault> {
        let transaction = Self::migrating(connection)?;
        files.check()?;
        schema::check_number(connection)?;
        Ok(transaction)
    }

    /// Begins a transaction that writes, whatever the schema.
    pub(super) fn migrating(connection: &'a Connection) -> Result<Self, Fault> {
        Self::begin(connection, "BEGIN IMMEDIATE")
    }

    fn begin(connection: &'a Connection, sql: &str) -> Result<Self, Fault> {
        run(connection, sql)?;
        Ok(Self(connection))
    }

    /// Commits.
    ///
    /// # Errors
    ///
    /// If the disk fails, the commit may be in the log nevertheless.
    pub(super) fn commit(self) -> Result<(), Fault> {
        run(self.0, "COMMIT").map_err(Fault::in_commit)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // In autocommit mode, it was committed, or SQLite itself has rolled it back.
        if !self.0.is_autocommit() {
            // If this fails, the next transaction cannot begin, and reports it.
            let _ = run(self.0, "ROLLBACK");
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Fault::into_error` recognises an unknown effect by it.
    #[test]
    fn a_commit_that_fails_is_a_fault_of_a_commit() {
        let connection = Connection::open_in_memory().unwrap();
        let transaction = Transaction::migrating(&connection).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        let failed = transaction.commit();
        assert!(matches!(failed, Err(Fault::Commit(_))), "{failed:?}");
    }
}
