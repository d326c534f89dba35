//! A transaction that is taken back unless it is committed.

use rusqlite::Connection;

use super::fault::Fault;
use super::file::Files;
use super::migrate;

pub(super) struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// One in which all reads see the same.
    pub(super) fn reading(connection: &'a Connection) -> Result<Self, Fault> {
        Self::begin(connection, "BEGIN")
    }

    /// The only one that writes; it waits for others now, and not in its middle.
    ///
    /// Nothing is written where another file lies in the place of this one, or its schema has become another.
    pub(super) fn writing(connection: &'a Connection, files: &Files) -> Result<Self, Fault> {
        let transaction = Self::migrating(connection)?;
        files.check()?;
        migrate::check_number(connection)?;
        Ok(transaction)
    }

    /// One that writes, and may make the schema.
    pub(super) fn migrating(connection: &'a Connection) -> Result<Self, Fault> {
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
    pub(super) fn commit(self) -> Result<(), Fault> {
        run(self.0, "COMMIT").map_err(Fault::in_commit)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is unknown is told apart by it: see `Fault::error`.
    #[test]
    fn a_commit_that_fails_is_a_fault_of_a_commit() {
        let connection = Connection::open_in_memory().unwrap();
        let transaction = Transaction::migrating(&connection).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        let failed = transaction.commit();
        assert!(matches!(failed, Err(Fault::Commit(_))), "{failed:?}");
    }
}
