//! The row of a record.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use sealtoken_store::engine::{decode_labels, unreadable};
use sealtoken_store::{Label, Limits, Record, RecordKey, Version};
use sealtoken_time::UnixTime;

use super::fault::Fault;

/// What a row can hold.
pub(super) const LIMITS: Limits = Limits {
    max_body: 4 * 1024 * 1024,
    max_batch: 10_000,
    durable: true,
};

/// A column of a record, read only up to the length that an engine writes.
///
/// An attacker may have written a value a million times as large, and SQLite knows the length and
/// the type of a value without reading it. 4 MiB is the longest body; 16 of the longest labels take
/// 8,785 bytes. In `purge_at`, a value of another type must not read as NULL, which means that no
/// moment is set.
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

/// The record in the columns `version, purge_at, labels, body`, from this one on. A corrupt record
/// reads as a placeholder, so that it hides no other.
pub(super) fn record(row: &Row<'_>, begin: usize, key: &RecordKey) -> Result<Record, Fault> {
    match whole(row, begin, key) {
        Err(Fault::Corrupt) => Ok(unreadable(key.clone())),
        record => record,
    }
}

/// The same, but [`Fault::Corrupt`] for a corrupt record.
pub(super) fn whole(row: &Row<'_>, begin: usize, key: &RecordKey) -> Result<Record, Fault> {
    let column = |at: usize| row.get_ref(begin.saturating_add(at));
    Ok(Record {
        key: key.clone(),
        version: version(column(0)?)?,
        purge_at: column(1)?.as_i64_or_null()?.map(UnixTime::from_secs),
        labels: decode_labels(column(2)?.as_blob()?)?,
        body: column(3)?.as_blob()?.to_vec(),
    })
}

/// How many bytes of a record were fetched.
pub(super) fn fetched(row: &Row<'_>, begin: usize) -> Result<usize, Fault> {
    let mut bytes = 0_usize;
    for at in 0..4 {
        let value = row.get_ref(begin.saturating_add(at))?;
        bytes = bytes.saturating_add(value.as_bytes().map_or(0, <[u8]>::len));
    }
    Ok(bytes)
}

/// The labels in their column; `None` if they cannot be decoded.
pub(super) fn labels(value: ValueRef<'_>) -> Option<Vec<Label>> {
    decode_labels(value.as_blob().ok()?).ok()
}

pub(super) fn version(value: ValueRef<'_>) -> Result<Version, Fault> {
    let bytes = value.as_blob()?.try_into().map_err(|_| Fault::Corrupt)?;
    Ok(Version::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use sealtoken_store::LabelName;
    use sealtoken_store::engine::encode_labels;

    use super::*;

    /// A limit that is raised must be raised in the statements too.
    #[test]
    fn as_much_is_fetched_as_an_engine_writes() {
        let name = LabelName::new("n".repeat(32)).unwrap();
        let longest = Label::new(name, vec![0; Label::MAX_VALUE]);
        let labels = encode_labels(&vec![longest; Record::MAX_LABELS]).len();
        for (sql, max) in [
            (bounded!(body), LIMITS.max_body),
            (bounded!(labels), labels),
            (bounded!(id), RecordKey::MAX_ID),
        ] {
            assert!(sql.contains(&format!(" <= {max} THEN")), "{sql}: {max}");
        }
    }
}
