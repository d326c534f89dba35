//! Records by their keys.

use rusqlite::{CachedStatement, Connection};
use sealtoken_store::{Record, RecordKey};

use super::fault::Fault;
use super::row;
use super::transaction::Transaction;

const GET: &str = concat!(
    "SELECT ",
    row::columns!(),
    " FROM sealtoken_record WHERE collection = ?1 AND id = ?2"
);

/// The record of the first key.
pub(super) fn first(connection: &Connection, keys: &[RecordKey]) -> Result<Option<Record>, Fault> {
    let mut statement = connection.prepare_cached(GET)?;
    keys.first()
        .map_or(Ok(None), |key| get(&mut statement, key))
}

/// The records of all keys, as of one moment.
pub(super) fn all(
    connection: &Connection,
    keys: &[RecordKey],
) -> Result<Vec<Option<Record>>, Fault> {
    let _same_moment = Transaction::reading(connection)?;
    let mut statement = connection.prepare_cached(GET)?;
    keys.iter().map(|key| get(&mut statement, key)).collect()
}

fn get(statement: &mut CachedStatement<'_>, key: &RecordKey) -> Result<Option<Record>, Fault> {
    let mut rows = statement.query((key.collection.as_str(), key.id.as_slice()))?;
    let row = rows.next()?;
    row.map(|row| row::record(row, 0, key)).transpose()
}
