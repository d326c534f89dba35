//! Writing batches.

use rusqlite::{CachedStatement, Connection, params};
use sealtoken_store::engine::encode_labels;
use sealtoken_store::{Change, Label, Outcome, Record, RecordKey, Version};
use sealtoken_time::UnixTime;

use super::fault::Fault;
use super::file::Files;
use super::transaction::Transaction;
use super::{read, row};

const INSERT: &str = "INSERT INTO sealtoken_record \
    (collection, id, version, purge_at, labels, body) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (collection, id) DO NOTHING";
// Of the body, only what SQLite knows without reading it.
const FIND: &str = concat!(
    "SELECT rowid, ",
    row::bounded!(version),
    ", ",
    row::bounded!(purge_at),
    ", ",
    row::bounded!(labels),
    ", CASE typeof(body) WHEN 'blob' THEN length(body) END \
     FROM sealtoken_record WHERE collection = ?1 AND id = ?2"
);
const REPLACE: &str = "UPDATE sealtoken_record \
    SET version = ?2, purge_at = ?3, labels = ?4, body = ?5 WHERE rowid = ?1";
const REMOVE: &str = "DELETE FROM sealtoken_record WHERE rowid = ?1";
// An attacker may have added the row before.
const LABEL: &str = "INSERT INTO sealtoken_label (collection, name, value, id) \
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const UNLABEL: &str =
    "DELETE FROM sealtoken_label WHERE collection = ?1 AND name = ?2 AND value = ?3 AND id = ?4";

// The index begins with the name, so this reads every label of the collection.
const UNLABEL_ALL: &str = "DELETE FROM sealtoken_label WHERE collection = ?1 AND id = ?2";

/// The existing record that a change replaces or removes.
struct Existing {
    row: i64,
    /// `None` for a corrupt record: it matches no expected version.
    version: Option<Version>,
    /// `None` if they cannot be decoded.
    labels: Option<Vec<Label>>,
}

pub(super) fn write(
    connection: &Connection,
    files: &Files,
    batch: &[Change],
) -> Result<Outcome, Fault> {
    let transaction = Transaction::writing(connection, files)?;
    for (index, change) in batch.iter().enumerate() {
        if !make(connection, change)? {
            let current = read::first(connection, std::slice::from_ref(change.key()))?;
            return Ok(Outcome::Conflict { index, current });
        }
    }
    transaction.commit()?;
    Ok(Outcome::Written)
}

/// Makes a change, if it matches the existing record.
fn make(connection: &Connection, change: &Change) -> Result<bool, Fault> {
    match change {
        Change::Insert(record) => insert(connection, record),
        Change::Replace { record, expected } => replace(connection, record, *expected),
        Change::Remove { key, expected } => remove(connection, key, *expected),
    }
}

fn insert(connection: &Connection, record: &Record) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(INSERT)?;
    let inserted = statement.execute(params![
        record.key.collection.as_str(),
        record.key.id,
        record.version.as_bytes().as_slice(),
        record.purge_at.map(UnixTime::as_secs),
        encode_labels(&record.labels),
        record.body,
    ])?;
    if inserted == 0 {
        return Ok(false);
    }
    each_label(connection, LABEL, &record.key, record.labels.iter())?;
    Ok(true)
}

fn replace(connection: &Connection, record: &Record, expected: Version) -> Result<bool, Fault> {
    let existing = match find(connection, &record.key)? {
        Some(existing) if existing.version == Some(expected) => existing,
        _ => return Ok(false),
    };
    let mut statement = connection.prepare_cached(REPLACE)?;
    statement.execute(params![
        existing.row,
        record.version.as_bytes().as_slice(),
        record.purge_at.map(UnixTime::as_secs),
        encode_labels(&record.labels),
        record.body,
    ])?;
    // The rows of labels that stay are not touched.
    let before = existing.labels.unwrap_or_default();
    let removed = before.iter().filter(|label| !record.labels.contains(label));
    each_label(connection, UNLABEL, &record.key, removed)?;
    let added = record.labels.iter().filter(|label| !before.contains(label));
    each_label(connection, LABEL, &record.key, added)?;
    Ok(true)
}

fn remove(
    connection: &Connection,
    key: &RecordKey,
    expected: Option<Version>,
) -> Result<bool, Fault> {
    match find(connection, key)? {
        None => Ok(expected.is_none()),
        Some(existing) if expected.is_some() && expected != existing.version => Ok(false),
        Some(existing) => {
            delete(connection, key, existing.row, existing.labels.as_deref())?;
            Ok(true)
        }
    }
}

/// Deletes a record and its labels. If its labels cannot be decoded, deletes all that lead to it.
pub(super) fn delete(
    connection: &Connection,
    key: &RecordKey,
    row: i64,
    labels: Option<&[Label]>,
) -> Result<(), Fault> {
    connection.prepare_cached(REMOVE)?.execute([row])?;
    match labels {
        Some(labels) => each_label(connection, UNLABEL, key, labels.iter()),
        None => unlabel_all(connection, key),
    }
}

fn find(connection: &Connection, key: &RecordKey) -> Result<Option<Existing>, Fault> {
    let mut statement: CachedStatement<'_> = connection.prepare_cached(FIND)?;
    let mut rows = statement.query((key.collection.as_str(), key.id.as_slice()))?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let labels = row::labels(row.get_ref(3)?);
    let body = row.get_ref(4)?.as_i64().map(usize::try_from);
    let is_whole = labels.is_some()
        && row.get_ref(2)?.as_i64_or_null().is_ok()
        && matches!(body, Ok(Ok(length)) if length <= row::LIMITS.max_body);
    let version = row::version(row.get_ref(1)?).ok().filter(|_| is_whole);
    Ok(Some(Existing {
        row: row.get_ref(0)?.as_i64()?,
        version,
        labels,
    }))
}

fn unlabel_all(connection: &Connection, key: &RecordKey) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(UNLABEL_ALL)?;
    statement.execute((key.collection.as_str(), key.id.as_slice()))?;
    Ok(())
}

fn each_label<'a>(
    connection: &Connection,
    sql: &str,
    key: &RecordKey,
    labels: impl Iterator<Item = &'a Label>,
) -> Result<(), Fault> {
    let mut labels = labels.peekable();
    if labels.peek().is_none() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(sql)?;
    for label in labels {
        let (collection, name) = (key.collection.as_str(), label.name.as_str());
        statement.execute((collection, name, label.value.as_slice(), key.id.as_slice()))?;
    }
    Ok(())
}
