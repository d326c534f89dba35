//! Removing records that are due.

use rusqlite::Connection;
use sealtoken_store::{Collection, Label, RecordKey};
use sealtoken_time::UnixTime;

use super::fault::Fault;
use super::file::Files;
use super::row;
use super::transaction::Transaction;
use super::write::delete;

/// The maximum number of records in one transaction, and about the maximum size of their labels.
pub(super) const CHUNK: u32 = 2000;
const CHUNK_BYTES: usize = 1024 * 1024;

pub(super) const DUE: &str = concat!(
    "SELECT rowid, ",
    row::bounded!(id),
    ", ",
    row::bounded!(labels),
    " FROM sealtoken_record WHERE collection = ?1 AND purge_at < ?2 ORDER BY purge_at LIMIT ?3"
);

/// Removes some records that are due, and returns how many. Only 0 means that none is left.
pub(super) fn purge(
    connection: &Connection,
    files: &Files,
    collection: &Collection,
    before: UnixTime,
    limit: u32,
) -> Result<u32, Fault> {
    let transaction = Transaction::writing(connection, files)?;
    let due = due(connection, collection, before, limit)?;
    if due.is_empty() {
        return Ok(0);
    }
    for (row, key, labels) in &due {
        delete(connection, key, *row, labels.as_deref())?;
    }
    transaction.commit()?;
    Ok(u32::try_from(due.len()).unwrap_or(u32::MAX))
}

/// A row, its key and its labels.
type Due = (i64, RecordKey, Option<Vec<Label>>);

fn due(
    connection: &Connection,
    collection: &Collection,
    before: UnixTime,
    limit: u32,
) -> Result<Vec<Due>, Fault> {
    let mut statement = connection.prepare_cached(DUE)?;
    let mut rows = statement.query((collection.as_str(), before.as_secs(), limit))?;
    let (mut due, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        // Whatever is due is removed, even if an attacker broke the rest of the row.
        let id = row.get_ref(1)?.as_blob().unwrap_or_default();
        let labels = row.get_ref(2)?;
        bytes = bytes.saturating_add(id.len());
        bytes = bytes.saturating_add(labels.as_blob().map_or(CHUNK_BYTES, <[u8]>::len));
        let labels = row::labels(labels);
        // Finding the labels of a corrupt row takes long, so it ends the chunk: others get a turn.
        let is_last = labels.is_none() || bytes >= CHUNK_BYTES;
        let key = RecordKey::new(collection.clone(), id);
        due.push((row.get_ref(0)?.as_i64()?, key, labels));
        if is_last {
            break;
        }
    }
    Ok(due)
}
