//! A record as it stands in its row.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use sealtoken_store::engine::labels;
use sealtoken_store::{Label, Record, RecordKey, Version};
use sealtoken_time::UnixTime;

use super::fault::Fault;

/// Columns of a record, as far as an engine writes them: each can be a million times as large where an attacker made it, and its
/// length and its type are known without reading it. 4 MiB is the longest body, and 8,785 bytes are 16 of the longest labels.
/// A value of another type must not read as NULL, which means that no moment is set.
macro_rules! bounded {
    (id) => {
        "CASE WHEN octet_length(id) <= 1024 THEN id END"
    };
    (version) => {
        "CASE WHEN octet_length(version) <= 16 THEN version END"
    };
    (purge_at) => {
        "iif(typeof(purge_at) IN ('integer', 'null'), purge_at, x'')"
    };
    (labels) => {
        "CASE WHEN octet_length(labels) <= 8785 THEN labels END"
    };
    (body) => {
        "CASE WHEN octet_length(body) <= 4194304 THEN body END"
    };
}
pub(super) use bounded;

macro_rules! columns {
    () => {
        concat!(
            row::bounded!(version),
            ", ",
            row::bounded!(purge_at),
            ", ",
            row::bounded!(labels),
            ", ",
            row::bounded!(body)
        )
    };
}
pub(super) use columns;

/// The record in the columns `version, purge_at, labels, body`, which begin at this one. One that an attacker has broken
/// hides no other: it comes as a record that nothing above can open.
pub(super) fn record(row: &Row<'_>, begin: usize, key: &RecordKey) -> Result<Record, Fault> {
    match whole(row, begin, key) {
        Err(Fault::Corrupt) => Ok(Record::unreadable(key.clone())),
        record => record,
    }
}

/// The same, or [`Fault::Corrupt`].
pub(super) fn whole(row: &Row<'_>, begin: usize, key: &RecordKey) -> Result<Record, Fault> {
    let column = |at: usize| row.get_ref(begin.saturating_add(at));
    Ok(Record {
        key: key.clone(),
        version: version(column(0)?)?,
        purge_at: column(1)?.as_i64_or_null()?.map(UnixTime::from_secs),
        labels: labels::decode(column(2)?.as_blob()?)?,
        body: column(3)?.as_blob()?.to_vec(),
    })
}

/// How many bytes of a record stand in its columns.
pub(super) fn fetched(row: &Row<'_>, begin: usize) -> Result<usize, Fault> {
    let mut bytes = 0_usize;
    for at in 0..4 {
        let value = row.get_ref(begin.saturating_add(at))?;
        bytes = bytes.saturating_add(value.as_bytes().map_or(0, <[u8]>::len));
    }
    Ok(bytes)
}

/// The labels in their column; none where nobody can tell which.
pub(super) fn labels(value: ValueRef<'_>) -> Option<Vec<Label>> {
    labels::decode(value.as_blob().ok()?).ok()
}

pub(super) fn version(value: ValueRef<'_>) -> Result<Version, Fault> {
    let bytes = value.as_blob()?.try_into().map_err(|_| Fault::Corrupt)?;
    Ok(Version::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use sealtoken_store::RecordKey;
    use sealtoken_store::engine::labels;

    use super::super::SqliteStore;

    /// A limit that is raised is raised in the statements, too.
    #[test]
    fn what_is_fetched_is_as_long_as_an_engine_writes_it() {
        let labels = labels::LONGEST;
        for (sql, most) in [
            (bounded!(body), SqliteStore::LIMITS.max_body),
            (bounded!(labels), labels),
            (bounded!(id), RecordKey::MAX_ID),
        ] {
            assert!(sql.contains(&format!(" <= {most} THEN")), "{sql}: {most}");
        }
    }
}
