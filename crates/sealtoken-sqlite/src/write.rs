//! Batches of changes.

use rusqlite::{CachedStatement, Connection, params};
use sealtoken_store::engine::labels;
use sealtoken_store::{Change, Label, Outcome, Record, RecordKey, Version};
use sealtoken_time::UnixTime;

use super::fault::Fault;
use super::file::Files;
use super::transaction::Transaction;
use super::{SqliteStore, read, row};

const INSERT: &str = "INSERT INTO sealtoken_record (collection, id, version, purge_at, labels, body) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (collection, id) DO NOTHING";
// Of the body, what can be told without reading it.
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
const REPLACE: &str = "UPDATE sealtoken_record SET version = ?2, purge_at = ?3, labels = ?4, body = ?5 WHERE rowid = ?1";
const REMOVE: &str = "DELETE FROM sealtoken_record WHERE rowid = ?1";
// A stranger may have put the row there.
const LABEL: &str = "INSERT INTO sealtoken_label (collection, name, value, id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const UNLABEL: &str =
    "DELETE FROM sealtoken_label WHERE collection = ?1 AND name = ?2 AND value = ?3 AND id = ?4";

// The index begins with the name: this looks at every label of the collection.
const UNLABEL_ALL: &str = "DELETE FROM sealtoken_label WHERE collection = ?1 AND id = ?2";

/// What a change finds there.
struct There {
    row: i64,
    /// None for a record that is broken: it fits no version that is expected.
    version: Option<Version>,
    /// None where an attacker has broken them.
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

/// Makes a change, if it fits.
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
        labels::encode(&record.labels),
        record.body,
    ])?;
    if inserted == 0 {
        return Ok(false);
    }
    each_label(connection, LABEL, &record.key, record.labels.iter())?;
    Ok(true)
}

fn replace(connection: &Connection, record: &Record, expected: Version) -> Result<bool, Fault> {
    let there = match find(connection, &record.key)? {
        Some(there) if there.version == Some(expected) => there,
        _ => return Ok(false),
    };
    let mut statement = connection.prepare_cached(REPLACE)?;
    statement.execute(params![
        there.row,
        record.version.as_bytes().as_slice(),
        record.purge_at.map(UnixTime::as_secs),
        labels::encode(&record.labels),
        record.body,
    ])?;
    // The rows of labels that stay are left alone.
    let before = there.labels.unwrap_or_default();
    let goes = before.iter().filter(|label| !record.labels.contains(label));
    each_label(connection, UNLABEL, &record.key, goes)?;
    let comes = record.labels.iter().filter(|label| !before.contains(label));
    each_label(connection, LABEL, &record.key, comes)?;
    Ok(true)
}

fn remove(
    connection: &Connection,
    key: &RecordKey,
    expected: Option<Version>,
) -> Result<bool, Fault> {
    match find(connection, key)? {
        None => Ok(expected.is_none()),
        Some(there) if expected.is_some() && expected != there.version => Ok(false),
        Some(there) => {
            delete(connection, key, there.row, there.labels.as_deref())?;
            Ok(true)
        }
    }
}

/// Deletes a record with its labels; where it does not say which, with all that lead to it.
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

fn find(connection: &Connection, key: &RecordKey) -> Result<Option<There>, Fault> {
    let mut statement: CachedStatement<'_> = connection.prepare_cached(FIND)?;
    let mut rows = statement.query((key.collection.as_str(), key.id.as_slice()))?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let labels = row::labels(row.get_ref(3)?);
    let body = row.get_ref(4)?.as_i64().map(usize::try_from);
    let is_whole = labels.is_some()
        && row.get_ref(2)?.as_i64_or_null().is_ok()
        && matches!(body, Ok(Ok(length)) if length <= SqliteStore::LIMITS.max_body);
    let version = row::version(row.get_ref(1)?).ok().filter(|_| is_whole);
    Ok(Some(There {
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
