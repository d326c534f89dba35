//! The schema: which steps there are, which a database has had, and how it gets the others.

use std::time::Duration;

use sealtoken_store::{Migration, StoreError};
use tokio_postgres::Row;

use super::fault::Fault;
use super::lease::Pool;
use super::retry::Attempts;
use super::sql::Sql;

/// The steps, the first one first.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    sql: include_str!("schema/1.sql"),
}];

/// The number of the last step that this version has.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

/// Looks whether the database has the schema of this version.
pub(super) async fn check(pool: &Pool) -> Result<(), StoreError> {
    let (found, known) = (found(pool).await?, known());
    if found == known {
        Ok(())
    } else {
        Err(StoreError::Schema { found, known })
    }
}

/// Makes the steps that the database has not had.
///
/// Several processes may do so at once. Each step is one transaction, which ends by writing the step's number under a primary
/// key: of two that make the same one, the second fails as a whole, looks again, and finds it made.
pub(super) async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    let mut attempts = pool.attempts();
    loop {
        let found = found(pool).await?;
        let Some(next) = MIGRATIONS.iter().find(|step| step.number > found) else {
            return check(pool).await;
        };
        let step = format!("BEGIN; {} COMMIT", next.sql);
        if let Err(fault) = make(pool, &step, &attempts).await {
            let fault = match fault {
                made if is_made_elsewhere(&made) => Fault::Contended(MADE.to_owned()),
                other => other,
            };
            let again = attempts.again(fault).await;
            again.map_err(Fault::into_error)?;
        }
    }
}

/// A transaction that failed is left open: a lease that is dropped with it cuts the connection.
async fn make(pool: &Pool, step: &str, attempts: &Attempts) -> Result<(), Fault> {
    pool.lease(attempts.deadline).await?.batch(step).await
}

const MADE: &str = "others make the same schema";

/// A table, a type or a number is there already: it was not when this process looked.
fn is_made_elsewhere(fault: &Fault) -> bool {
    ["23505", "42P07", "42710"]
        .iter()
        .any(|code| fault.is_code(code))
}

/// What a statement did not do for another reason than what is in the tables.
pub(super) async fn explain(pool: &Pool, fault: Fault) -> StoreError {
    // A table, a column, a function for a column's type, or a primary key is not there; or that is checked too late.
    let is_of_schema = ["42P01", "42703", "42883", "42P10", "55000"]
        .iter()
        .any(|code| fault.is_code(code));
    if is_of_schema && let Err(error) = check(pool).await {
        return error;
    }
    fault.into_error()
}

/// Looks whether a newer program has changed the schema since this one opened it.
pub(super) async fn still_known(pool: &Pool, attempts: &mut Attempts) -> Result<(), StoreError> {
    match (number(pool, attempts).await?, known()) {
        (Look::Ours(found), known) if found != known => Err(StoreError::Schema { found, known }),
        (Look::Ours(_), _) => Ok(()),
        (Look::Missing | Look::Foreign, _) => Err(broken(SCHEMA)),
    }
}

const SCHEMA: &str = "sealtoken_schema";

/// How often, and after which pause, a table that looks like somebody else's is looked at again.
const LOOKS: u8 = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// The last migration that the database has had.
static NUMBER: Sql = Sql {
    text: "SELECT max(number)::bigint FROM sealtoken_schema",
    types: &[],
};

/// A table of the schema, and what the other statements rely on: its columns, and the key that tells rows apart.
struct Table {
    name: &'static str,
    /// Gives the columns of its key, and fails where the table is not there or has not the columns that it names.
    key: Sql,
    /// That key, in the order of the names.
    expected: &'static str,
}

/// `$1` is a table, `$2` a condition that names all its columns: it is not looked at whether it holds. A key that is checked only at the end
/// of a transaction is none that `ON CONFLICT` can take.
macro_rules! key {
    ($table:literal, $columns:literal) => {
        Sql {
            text: concat!(
                "SELECT string_agg(a.attname::text, ', ' ORDER BY a.attname::text) FROM pg_index AS i ",
                "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) ",
                "WHERE i.indrelid = '",
                $table,
                "'::regclass AND i.indisprimary AND i.indimmediate AND NOT EXISTS (SELECT 1 FROM ",
                $table,
                " WHERE ",
                $columns,
                " LIMIT 0)"
            ),
            types: &[],
        }
    };
}

static TABLES: [Table; 3] = [
    Table {
        name: SCHEMA,
        key: key!("sealtoken_schema", "number = 0::bigint"),
        expected: "number",
    },
    Table {
        name: "sealtoken_record",
        key: key!(
            "sealtoken_record",
            "collection = ''::text AND id = ''::bytea AND version = ''::bytea AND purge_at = 0::bigint \
             AND labels = ''::bytea AND body = ''::bytea"
        ),
        expected: "collection, id",
    },
    Table {
        name: "sealtoken_label",
        key: key!(
            "sealtoken_label",
            "collection = ''::text AND name = ''::text AND value = ''::bytea AND id = ''::bytea"
        ),
        expected: "collection, id, name, value",
    },
];

impl Table {
    /// Whether its key, as it was found, is the one that it should have.
    fn is_keyed(&self, rows: &[Row]) -> bool {
        let key = rows.first().and_then(|row| row.try_get(0).ok().flatten());
        key == Some(self.expected)
    }
}

/// What there is under the name of a table.
enum Look<T> {
    Missing,
    Foreign,
    Ours(T),
}

/// The number of the last step that the database has had.
///
/// # Errors
///
/// [`StoreError::BrokenSchema`] where what is there is not what that step leaves.
async fn found(pool: &Pool) -> Result<u32, StoreError> {
    let mut attempts = pool.attempts();
    let mut looks = 0_u8;
    loop {
        let number = number(pool, &mut attempts).await?;
        let found = match number {
            // Another process may be making it: a statement can see its table and not yet its row.
            Look::Foreign if looks < LOOKS => {
                looks = looks.saturating_add(1);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Look::Foreign => return Err(broken(SCHEMA)),
            Look::Missing => 0,
            Look::Ours(found) => found,
        };
        // What other steps leave, those know who know them.
        if found != 0 && found != known() {
            return Ok(found);
        }
        let mut odd = None;
        for table in &TABLES {
            odd = odd.or(
                match (look(pool, &table.key, &mut attempts).await?, found) {
                    // It is ours, and what should tell so is not there.
                    (Look::Ours(_), 0) => Some(SCHEMA),
                    (Look::Ours(rows), _) if table.is_keyed(&rows) => None,
                    (Look::Missing, 0) => None,
                    (Look::Missing | Look::Foreign | Look::Ours(_), _) => Some(table.name),
                },
            );
        }
        let Some(table) = odd else {
            return Ok(found);
        };
        // The steps come with their number. Where there is none yet, they came after this process had looked.
        if found != 0 || matches!(self::number(pool, &mut attempts).await?, Look::Missing) {
            return Err(broken(table));
        }
        let made = Fault::Contended(MADE.to_owned());
        let again = attempts.again(made).await;
        again.map_err(Fault::into_error)?;
    }
}

fn broken(table: &str) -> StoreError {
    let table = table.to_owned();
    StoreError::BrokenSchema { table }
}

/// What the schema's own table says.
async fn number(pool: &Pool, attempts: &mut Attempts) -> Result<Look<u32>, StoreError> {
    Ok(match look(pool, &NUMBER, attempts).await? {
        Look::Missing => Look::Missing,
        Look::Foreign => Look::Foreign,
        Look::Ours(rows) => {
            let number = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok());
            match number.and_then(|number| u32::try_from(number).ok()) {
                // The table came with its first row.
                None | Some(0) => Look::Foreign,
                Some(number) => Look::Ours(number),
            }
        }
    })
}

/// Asks a table for something.
async fn look(
    pool: &Pool,
    sql: &Sql,
    attempts: &mut Attempts,
) -> Result<Look<Vec<Row>>, StoreError> {
    loop {
        let rows = match pool.lease(attempts.deadline).await {
            Ok(mut lease) => lease.query_once(sql, &[]).await,
            Err(fault) => Err(fault),
        };
        match rows {
            Ok(rows) => return Ok(Look::Ours(rows)),
            Err(fault) if fault.is_code("42P01") => return Ok(Look::Missing),
            // A column is not there, or has another type or values of another one; it is no table.
            Err(fault) if FOREIGN.iter().any(|code| fault.is_code(code)) => {
                return Ok(Look::Foreign);
            }
            Err(fault) => {
                let again = attempts.again(fault.without_effect()).await;
                again.map_err(Fault::into_error)?;
            }
        }
    }
}

const FOREIGN: [&str; 7] = [
    "22003", "22P02", "42703", "42804", "42809", "42846", "42883",
];

#[cfg(test)]
mod tests {
    use super::super::sql;
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_and_write_their_number() {
        for (step, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(step.number, number);
            let end = format!("INSERT INTO sealtoken_schema (number) VALUES ({number});\n");
            assert!(step.sql.ends_with(&end), "{number}");
        }
        assert_eq!(usize::try_from(known()).unwrap(), MIGRATIONS.len());
        // What writes asks for that number.
        let asks = format!("(SELECT max(number) FROM sealtoken_schema) = {}", known());
        for sql in [
            &sql::INSERT,
            &sql::INSERT_BARE,
            &sql::REPLACE,
            &sql::REPLACE_BODY,
            &sql::REPLACE_LOCK,
            &sql::REMOVE,
            &sql::PURGE,
        ] {
            assert!(sql.text.contains(&asks), "{}", sql.text);
        }
    }
}
