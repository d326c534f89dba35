//! The schema: which steps there are, which a file has had, and how it gets the others.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _};
use sealtoken_store::{Migration, StoreError};

use super::fault::Fault;
use super::pool::wait_until;
use super::transaction::Transaction;

/// The steps, the first one first.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    sql: include_str!("schema/1.sql"),
}];

/// A table of the schema, and what the other statements rely on: its columns, and the key that tells rows apart.
struct Table {
    name: &'static str,
    columns: &'static str,
    key: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        name: "sealtoken_schema",
        columns: "number, applied",
        key: "number",
    },
    Table {
        name: "sealtoken_record",
        columns: "collection, id, version, purge_at, labels, body",
        key: "collection, id",
    },
    Table {
        name: "sealtoken_label",
        columns: "collection, name, value, id",
        key: "collection, name, value, id",
    },
];

const IS_THERE: &str = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
const NUMBER: &str = "SELECT max(number) FROM sealtoken_schema";

/// The number of the last step that this version has.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

/// Looks whether the file has the whole schema of this version.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    let _same_moment = Transaction::reading(connection)?;
    expect(found(connection)?)?;
    check_tables(connection)
}

/// Looks whether the number of the schema is still the one of this version: a newer one may have upgraded the file since.
pub(super) fn check_number(connection: &Connection) -> Result<(), Fault> {
    let [schema, ..] = &TABLES;
    match number(connection)? {
        0 => Err(broken(schema).into()),
        found => expect(found),
    }
}

/// Makes the steps that the file has not had, each in one transaction. Several processes may do so at once: they wait for each
/// other where a transaction begins, and look again in it. All of it waits until this moment at
/// most.
pub(super) fn migrate(connection: &Connection, until: Instant) -> Result<(), Fault> {
    for step in MIGRATIONS {
        wait_until(connection, until)?;
        let found_before = {
            let _same_moment = Transaction::reading(connection)?;
            found(connection)?
        };
        if found_before >= step.number {
            continue;
        }
        wait_until(connection, until)?;
        let transaction = Transaction::migrating(connection)?;
        if found(connection)? < step.number {
            connection.execute_batch(step.sql)?;
            transaction.commit()?;
        }
    }
    wait_until(connection, until)?;
    check(connection)
}

/// Looks whether the tables are ours. One that is not is named.
pub(super) fn check_tables(connection: &Connection) -> Result<(), Fault> {
    TABLES
        .iter()
        .try_for_each(|table| check_table(connection, table))
}

fn check_table(connection: &Connection, table: &Table) -> Result<(), Fault> {
    match is_ours(connection, table) {
        Ok(true) => Ok(()),
        Ok(false) => Err(broken(table).into()),
        Err(fault) if fault.is_of_statement() => Err(broken(table).into()),
        Err(fault) => Err(fault),
    }
}

/// Prepares what only a table of this kind can take: SQLite looks for each column, and for the key.
fn is_ours(connection: &Connection, table: &Table) -> Result<bool, Fault> {
    let Table { name, columns, key } = table;
    connection.prepare(&format!(
        "INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE true ON CONFLICT ({key}) DO NOTHING"
    ))?;
    let all = connection.prepare(&format!("SELECT * FROM {name}"))?;
    Ok(all.column_count() == columns.split(", ").count())
}

fn broken(table: &Table) -> StoreError {
    let table = table.name.into();
    StoreError::BrokenSchema { table }
}

fn expect(found: u32) -> Result<(), Fault> {
    let known = known();
    if found == known {
        Ok(())
    } else {
        Err(StoreError::Schema { found, known }.into())
    }
}

/// The number of the last step that the file has had; 0 where there is nothing of ours.
fn found(connection: &Connection) -> Result<u32, Fault> {
    let mut there = Vec::new();
    for table in &TABLES {
        let count = connection.query_row(IS_THERE, [table.name], |row| row.get::<_, i64>(0))?;
        there.extend((count > 0).then_some(table));
    }
    let [schema, ..] = &TABLES;
    match there.first() {
        None => return Ok(0),
        Some(first) if first.name == schema.name => {
            check_table(connection, schema)?;
            let number = number(connection)?;
            if number > 0 {
                return Ok(number);
            }
        }
        Some(_) => {}
    }
    // Tables that no step has made are somebody else's; or it is not known any more which steps there were.
    for table in there {
        check_table(connection, table)?;
    }
    Err(broken(schema).into())
}

fn number(connection: &Connection) -> Result<u32, Fault> {
    let mut statement = connection.prepare_cached(NUMBER)?;
    let number = statement.query_row([], |row| row.get::<_, Option<i64>>(0));
    let number = number.optional()?.flatten().unwrap_or(0);
    u32::try_from(number).map_err(|_| Fault::Corrupt)
}
