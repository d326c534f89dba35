//! Bringing a database to the schema of this version.

use sealtoken_store::StoreError;

use super::fault::Fault;
use super::lease::Pool;
use super::retry::Attempts;
use super::schema::{self, MIGRATIONS};

/// Runs the missing steps.
///
/// Several processes may do so at once. Each step is one transaction that ends by writing its
/// number under a primary key. Of two processes that run the same step, the second fails as a
/// whole, checks again, and finds it done.
pub(super) async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    let mut attempts = pool.attempts();
    loop {
        let found = schema::found(pool).await?;
        let mut steps = MIGRATIONS.iter().zip(1_u32..);
        let Some((next, _)) = steps.find(|(_, number)| *number > found) else {
            return schema::check(pool).await;
        };
        let step = format!("BEGIN; {next} COMMIT");
        if let Err(fault) = run(pool, &step, &attempts).await {
            let fault = match fault {
                exists if is_done_elsewhere(&exists) => schema::contended(),
                other => other,
            };
            let again = attempts.again(fault).await;
            again.map_err(Fault::into_error)?;
        }
    }
}

/// A failed transaction is left open: dropping the lease cuts the connection.
async fn run(pool: &Pool, step: &str, attempts: &Attempts) -> Result<(), Fault> {
    pool.lease(attempts.deadline).await?.batch(step).await
}

/// Whether a table, a type or a number exists that did not when this process checked.
fn is_done_elsewhere(fault: &Fault) -> bool {
    ["23505", "42P07", "42710"]
        .iter()
        .any(|code| fault.is_code(code))
}
