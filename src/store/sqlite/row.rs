//! A record as it stands in its row.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::crypto::clock::UnixTime;
use crate::store::labels;
use crate::store::record::{Label, Record, RecordKey, Version};

use super::SqliteStore;
use super::fault::Fault;

/// The record in the columns `version, purge_at, labels, body`, which begin at this one. One that an attacker has broken
/// hides no other: it comes as a record that nothing above can open.
pub(super) fn record(row: &Row<'_>, begin: usize, key: &RecordKey) -> Result<Record, Fault> {
    match whole(row, begin, key) {
        Err(Fault::Corrupt) => Ok(Record::unreadable(key.clone())),
        record => record,
    }
}

fn whole(row: &Row<'_>, begin: usize, key: &RecordKey) -> Result<Record, Fault> {
    let column = |at: usize| row.get_ref(begin.saturating_add(at));
    let body = column(3)?.as_blob()?;
    if body.len() > SqliteStore::LIMITS.max_body {
        return Err(Fault::Corrupt);
    }
    Ok(Record {
        key: key.clone(),
        version: version(column(0)?)?,
        purge_at: column(1)?.as_i64_or_null()?.map(UnixTime::from_secs),
        labels: labels::decode(column(2)?.as_blob()?)?,
        body: body.to_vec(),
    })
}

/// The labels in their column; none where nobody can tell which.
pub(super) fn labels(value: ValueRef<'_>) -> Option<Vec<Label>> {
    labels::decode(value.as_blob().ok()?).ok()
}

pub(super) fn version(value: ValueRef<'_>) -> Result<Version, Fault> {
    let bytes = value.as_blob()?.try_into().map_err(|_| Fault::Corrupt)?;
    Ok(Version::from_bytes(bytes))
}
