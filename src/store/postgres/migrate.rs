//! The schema: which steps there are, which a database has had, and how it gets the others.

use crate::store::error::StoreError;
use crate::store::migration::Migration;

use super::fault::Fault;
use super::lease::Pool;
use super::retry::Attempts;
use super::sql;

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
    let mut attempts = Attempts::default();
    loop {
        let found = found(pool).await?;
        let Some(next) = MIGRATIONS.iter().find(|step| step.number > found) else {
            return check(pool).await;
        };
        let step = format!("BEGIN; {} COMMIT", next.sql);
        match make(pool, &step).await {
            Ok(()) => {}
            Err(fault) if fault.is_contention() || is_made_elsewhere(&fault) => {
                attempts.again(fault).await?;
            }
            Err(fault) => return Err(fault.of_write()),
        }
    }
}

/// A transaction that failed is left open: a lease that is dropped with it cuts the connection.
async fn make(pool: &Pool, step: &str) -> Result<(), Fault> {
    pool.lease().await?.batch(step).await
}

/// A table, a type or a number is there already: it was not when this process looked.
fn is_made_elsewhere(fault: &Fault) -> bool {
    ["23505", "42P07", "42710"]
        .iter()
        .any(|code| fault.is_code(code))
}

/// The number of the last step that the database has had.
async fn found(pool: &Pool) -> Result<u32, StoreError> {
    let mut attempts = Attempts::default();
    loop {
        match pool.query(&sql::SCHEMA, &[]).await {
            Ok(rows) => {
                let number = rows.first().map(|row| row.try_get::<_, Option<i64>>(0));
                let number = number.and_then(Result::ok).flatten().unwrap_or_default();
                return u32::try_from(number).map_err(|_| StoreError::Corrupt);
            }
            // There is no such table.
            Err(fault) if fault.is_code("42P01") => return Ok(0),
            Err(fault) if fault.is_contention() => attempts.again(fault).await?,
            Err(fault) => return Err(fault.of_read()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_and_write_their_number() {
        for (step, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(step.number, number);
            let end = format!("INSERT INTO sealtoken_schema (number) VALUES ({number});\n");
            assert!(step.sql.ends_with(&end), "{number}");
        }
        assert_eq!(usize::try_from(known()).unwrap(), MIGRATIONS.len());
    }
}
