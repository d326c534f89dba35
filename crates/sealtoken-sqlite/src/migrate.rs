//! Bringing a file to the schema of this version.

use std::time::Instant;

use rusqlite::Connection;

use super::fault::Fault;
use super::pool::wait_until;
use super::schema::{self, MIGRATIONS};
use super::transaction::Transaction;

/// Checks that the file has the complete schema of this version.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    let _same_moment = Transaction::reading(connection)?;
    schema::expect(schema::found(connection)?)?;
    schema::check_tables(connection)
}

/// Runs the missing steps, each in one transaction.
///
/// Several processes may do so at once: they wait for each other when a transaction begins, and
/// check again inside it. None of this waits beyond the deadline.
pub(super) fn migrate(connection: &Connection, deadline: Instant) -> Result<(), Fault> {
    for (step, number) in MIGRATIONS.iter().zip(1..) {
        wait_until(connection, deadline)?;
        let found_before = {
            let _same_moment = Transaction::reading(connection)?;
            schema::found(connection)?
        };
        if found_before >= number {
            continue;
        }
        wait_until(connection, deadline)?;
        let transaction = Transaction::migrating(connection)?;
        if schema::found(connection)? < number {
            connection.execute_batch(step)?;
            transaction.commit()?;
        }
    }
    wait_until(connection, deadline)?;
    check(connection)
}
