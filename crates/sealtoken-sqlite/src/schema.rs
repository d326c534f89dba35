//! The schema: its steps, the tables that the statements rely on, and whether a file has them.

use rusqlite::{Connection, OptionalExtension as _};
use sealtoken_store::StoreError;

use super::fault::Fault;

/// The steps, in order. Each ends by writing its number, counting from 1.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// A table, with the columns and the primary key that the statements rely on.
struct Table {
    name: &'static str,
    columns: &'static str,
    key: &'static str,
}

const SCHEMA: Table = Table {
    name: "sealtoken_schema",
    columns: "number, applied",
    key: "number",
};

const TABLES: [Table; 3] = [
    SCHEMA,
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

const EXISTS: &str = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
const NUMBER: &str = "SELECT max(number) FROM sealtoken_schema";

/// The error of a call that ends with this fault. A statement that does not fit its table is
/// reported as an error of the schema.
pub(super) fn explain(fault: Fault, connection: &Connection) -> StoreError {
    if !fault.is_of_statement() {
        return fault.into_error();
    }
    match check_tables(connection) {
        Err(Fault::Store(error)) => error,
        _ => StoreError::Corrupt,
    }
}

/// The number of the last step that the file has had; 0 if none of the tables exists.
pub(super) fn found(connection: &Connection) -> Result<u32, Fault> {
    let mut existing = Vec::new();
    for table in &TABLES {
        let count = connection.query_row(EXISTS, [table.name], |row| row.get::<_, i64>(0))?;
        existing.extend((count > 0).then_some(table));
    }
    match existing.first() {
        None => return Ok(0),
        Some(first) if first.name == SCHEMA.name => {
            check_table(connection, &SCHEMA)?;
            let number = number(connection)?;
            if number > 0 {
                return Ok(number);
            }
        }
        Some(_) => {}
    }
    // Without a number, the tables belong to another program; or the number has been deleted.
    for table in existing {
        check_table(connection, table)?;
    }
    Err(broken(&SCHEMA))
}

/// Checks that the number found is the one of this version.
pub(super) fn expect(found: u32) -> Result<(), Fault> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found == known {
        Ok(())
    } else {
        Err(StoreError::Schema { found, known }.into())
    }
}

/// Checks that no newer version has upgraded the open file.
pub(super) fn check_number(connection: &Connection) -> Result<(), Fault> {
    match number(connection)? {
        0 => Err(broken(&SCHEMA)),
        found => expect(found),
    }
}

/// Checks the tables. The error names the first that does not match.
pub(super) fn check_tables(connection: &Connection) -> Result<(), Fault> {
    TABLES
        .iter()
        .try_for_each(|table| check_table(connection, table))
}

fn check_table(connection: &Connection, table: &Table) -> Result<(), Fault> {
    match is_ours(connection, table) {
        Ok(true) => Ok(()),
        Ok(false) => Err(broken(table)),
        Err(fault) if fault.is_of_statement() => Err(broken(table)),
        Err(fault) => Err(fault),
    }
}

/// Prepares a statement that needs each of the columns, and the key. SQLite checks both.
fn is_ours(connection: &Connection, table: &Table) -> Result<bool, Fault> {
    let Table { name, columns, key } = table;
    connection.prepare(&format!(
        "INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE true \
         ON CONFLICT ({key}) DO NOTHING"
    ))?;
    let all = connection.prepare(&format!("SELECT * FROM {name}"))?;
    Ok(all.column_count() == columns.split(", ").count())
}

fn number(connection: &Connection) -> Result<u32, Fault> {
    let mut statement = connection.prepare_cached(NUMBER)?;
    let number = statement.query_row([], |row| row.get::<_, Option<i64>>(0));
    let number = number.optional()?.flatten().unwrap_or(0);
    u32::try_from(number).map_err(|_| Fault::Corrupt)
}

fn broken(table: &Table) -> Fault {
    let table = table.name.into();
    StoreError::BrokenSchema { table }.into()
}

#[cfg(test)]
mod tests {
    use rusqlite::{Error, ffi};

    use super::*;

    #[test]
    fn a_statement_that_fits_no_table_names_the_table() {
        let connection = Connection::open_in_memory().unwrap();
        for step in MIGRATIONS {
            connection.execute_batch(step).unwrap();
        }
        let fault = || {
            Fault::from(Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_ERROR),
                None,
            ))
        };
        assert_eq!(explain(fault(), &connection), StoreError::Corrupt);
        assert_eq!(
            explain(fault().in_commit(), &connection),
            StoreError::Corrupt
        );
        connection
            .execute_batch("DROP TABLE sealtoken_label")
            .unwrap();
        let table = "sealtoken_label".into();
        assert_eq!(
            explain(fault(), &connection),
            StoreError::BrokenSchema { table }
        );
    }
}
