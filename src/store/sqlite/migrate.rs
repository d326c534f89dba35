//! The schema: which steps there are, which a file has had, and how it gets the others.

use rusqlite::Connection;

use crate::store::error::StoreError;
use crate::store::migration::Migration;

use super::fault::Fault;
use super::transaction::Transaction;

/// The steps, the first one first.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    sql: include_str!("schema/1.sql"),
}];

const IS_THERE: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'sealtoken_schema'";
const FOUND: &str = "SELECT coalesce(max(number), 0) FROM sealtoken_schema";

/// The number of the last step that this version has.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

/// Looks whether the file has the schema of this version.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (found(connection).map_err(Fault::of_read)?, known());
    if found == known {
        Ok(())
    } else {
        Err(StoreError::Schema { found, known })
    }
}

/// Makes the steps that the file has not had, each in one transaction. Several processes may do so at once: they wait for each
/// other where a transaction begins, and look again in it.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    for step in MIGRATIONS {
        if found(connection).map_err(Fault::of_read)? >= step.number {
            continue;
        }
        let transaction = Transaction::writing(connection).map_err(Fault::of_write)?;
        if found(connection).map_err(Fault::of_write)? < step.number {
            make(connection, step).map_err(Fault::of_write)?;
            transaction.commit()?;
        }
    }
    check(connection)
}

fn make(connection: &Connection, step: &Migration) -> Result<(), Fault> {
    Ok(connection.execute_batch(step.sql)?)
}

/// The number of the last step that the file has had.
fn found(connection: &Connection) -> Result<u32, Fault> {
    if number(connection, IS_THERE)? == 0 {
        return Ok(0);
    }
    number(connection, FOUND)
}

fn number(connection: &Connection, sql: &str) -> Result<u32, Fault> {
    let number = connection.query_row(sql, [], |row| row.get::<_, i64>(0))?;
    u32::try_from(number).map_err(|_| Fault::Corrupt)
}
