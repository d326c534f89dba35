//! The schema: its steps, the tables that the statements rely on, and whether a database has them.

use sealtoken_store::StoreError;
use tokio_postgres::Row;

use super::fault::{Fault, Kind};
use super::lease::Pool;
use super::retry::Attempts;
use super::sql::Sql;

/// The steps, in order. Each ends by writing its number, counting from 1.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// The last step of this version.
fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Checks that the database has the schema of this version.
pub(super) async fn check(pool: &Pool) -> Result<(), StoreError> {
    let (found, known) = (found(pool).await?, known());
    if found == known {
        Ok(())
    } else {
        Err(StoreError::Schema { found, known })
    }
}

/// The error of a call that ends with this fault. A statement that does not fit its table is
/// reported as an error of the schema.
pub(super) async fn explain(pool: &Pool, fault: Fault) -> StoreError {
    // A table, a column, a function for a column's type or a primary key is missing, or the key is
    // deferrable.
    let is_of_schema = ["42P01", "42703", "42883", "42P10", "55000"]
        .iter()
        .any(|code| fault.is_code(code));
    if is_of_schema && let Err(error) = check(pool).await {
        return error;
    }
    fault.into_error()
}

/// Checks that no newer program has upgraded the open database.
pub(super) async fn check_number(pool: &Pool, attempts: &mut Attempts) -> Result<(), StoreError> {
    match (number(pool, attempts).await?, known()) {
        (Answer::Ours(found), known) if found != known => Err(StoreError::Schema { found, known }),
        (Answer::Ours(_), _) => Ok(()),
        (Answer::Missing | Answer::Foreign, _) => Err(broken(SCHEMA)),
    }
}

/// Other processes create or upgrade the same schema.
pub(super) fn contended() -> Fault {
    Fault::new(Kind::Contended, "other processes create the same schema")
}

const SCHEMA: &str = "sealtoken_schema";

/// How often a table is read again that seems to be another program's. One reread suffices on
/// PostgreSQL; compatible databases may show a table before its row for longer.
const MAX_REREADS: u8 = 7;

/// The last step that the database has had.
static NUMBER: Sql = Sql {
    text: "SELECT max(number)::bigint FROM sealtoken_schema",
    types: &[],
};

/// A table, with the columns and the primary key that the other statements rely on.
struct Table {
    name: &'static str,
    /// Returns the columns of the primary key. Fails if the table or one of its columns is missing.
    key: Sql,
    /// The columns of the key, sorted by name.
    expected: &'static str,
}

/// `$columns` is a condition that names all columns of `$table`. It is parsed but never evaluated.
/// `ON CONFLICT` needs a key that is not deferrable, so no other counts.
macro_rules! key {
    ($table:literal, $columns:literal) => {
        Sql {
            text: concat!(
                "SELECT string_agg(a.attname::text, ', ' ORDER BY a.attname::text) ",
                "FROM pg_index AS i ",
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
            "collection = ''::text AND id = ''::bytea AND version = ''::bytea \
             AND purge_at = 0::bigint AND labels = ''::bytea AND body = ''::bytea"
        ),
        expected: "collection, id",
    },
    Table {
        name: "sealtoken_label",
        key: key!(
            "sealtoken_label",
            "collection = ''::text AND name = ''::text AND value = ''::bytea \
             AND id = ''::bytea"
        ),
        expected: "collection, id, name, value",
    },
];

impl Table {
    /// Whether the key that was found is the expected one.
    fn is_keyed(&self, rows: &[Row]) -> bool {
        let key = rows.first().and_then(|row| row.try_get(0).ok().flatten());
        key == Some(self.expected)
    }
}

/// What exists under the name of a table.
enum Answer<T> {
    Missing,
    Foreign,
    Ours(T),
}

/// The number of the last step that the database has had; 0 if none of the tables exists.
///
/// # Errors
///
/// [`StoreError::BrokenSchema`] if the tables are not those that this step leaves.
pub(super) async fn found(pool: &Pool) -> Result<u32, StoreError> {
    let mut attempts = pool.attempts();
    let mut rereads = 0_u8;
    loop {
        let found = match number(pool, &mut attempts).await? {
            // Another process may be creating it: a statement can see the table before its row.
            Answer::Foreign if rereads < MAX_REREADS => {
                rereads = rereads.saturating_add(1);
                let again = attempts.again(contended()).await;
                again.map_err(Fault::into_error)?;
                continue;
            }
            Answer::Foreign => return Err(broken(SCHEMA)),
            Answer::Missing => 0,
            Answer::Ours(found) => found,
        };
        // This version does not know the tables of other steps.
        if found != 0 && found != known() {
            return Ok(found);
        }
        let Some(table) = mismatch(pool, found, &mut attempts).await? else {
            return Ok(found);
        };
        // A step writes tables and number together. If both exist now, another process was faster.
        if found != 0 || matches!(number(pool, &mut attempts).await?, Answer::Missing) {
            return Err(broken(table));
        }
        let again = attempts.again(contended()).await;
        again.map_err(Fault::into_error)?;
    }
}

/// The first table that is not as this step leaves it.
async fn mismatch(
    pool: &Pool,
    step: u32,
    attempts: &mut Attempts,
) -> Result<Option<&'static str>, StoreError> {
    let mut mismatch = None;
    for table in &TABLES {
        mismatch = mismatch.or(match (ask(pool, &table.key, attempts).await?, step) {
            // The table is ours, but the one with its number is missing.
            (Answer::Ours(_), 0) => Some(SCHEMA),
            (Answer::Ours(rows), _) if table.is_keyed(&rows) => None,
            (Answer::Missing, 0) => None,
            (Answer::Missing | Answer::Foreign | Answer::Ours(_), _) => Some(table.name),
        });
    }
    Ok(mismatch)
}

fn broken(table: &str) -> StoreError {
    let table = table.to_owned();
    StoreError::BrokenSchema { table }
}

/// The number in the schema's own table.
async fn number(pool: &Pool, attempts: &mut Attempts) -> Result<Answer<u32>, StoreError> {
    Ok(match ask(pool, &NUMBER, attempts).await? {
        Answer::Missing => Answer::Missing,
        Answer::Foreign => Answer::Foreign,
        Answer::Ours(rows) => {
            let number = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok());
            match number.and_then(|number| u32::try_from(number).ok()) {
                // A step creates the table together with its first row.
                None | Some(0) => Answer::Foreign,
                Some(number) => Answer::Ours(number),
            }
        }
    })
}

/// Runs a statement about a table.
async fn ask(
    pool: &Pool,
    sql: &Sql,
    attempts: &mut Attempts,
) -> Result<Answer<Vec<Row>>, StoreError> {
    loop {
        let rows = match pool.lease(attempts.deadline).await {
            Ok(mut lease) => lease.query_once(sql, &[]).await,
            Err(fault) => Err(fault),
        };
        match rows {
            Ok(rows) => return Ok(Answer::Ours(rows)),
            Err(fault) if fault.is_code("42P01") => return Ok(Answer::Missing),
            // A column is missing or has another type, or it is not a table.
            Err(fault) if FOREIGN.iter().any(|code| fault.is_code(code)) => {
                return Ok(Answer::Foreign);
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
            let end = format!("INSERT INTO sealtoken_schema (number) VALUES ({number});\n");
            assert!(step.ends_with(&end), "{number}");
        }
        assert_eq!(usize::try_from(known()).unwrap(), MIGRATIONS.len());
        // Each statement that writes checks that number.
        let asks = format!("(SELECT max(number) FROM sealtoken_schema) = {}", known());
        for sql in [
            &sql::INSERT,
            &sql::INSERT_BARE,
            &sql::REPLACE,
            &sql::REPLACE_BODY,
            &sql::REMOVE,
            &sql::PURGE,
        ] {
            assert!(sql.text.contains(&asks), "{}", sql.text);
        }
    }
}
