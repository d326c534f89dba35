//! Pages and counts.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Rows};
use sealtoken_store::engine::{Paging, Position, unreadable};
use sealtoken_store::{Page, Query, Selection};

use super::fault::Fault;
use super::row;

// Keys are fetched whole: to cut one, SQLite would read it whole anyway, and a page counts its true
// length. The statements have no LIMIT: SQLite makes rows one by one, and a page takes what it
// needs. A label without its record gives a row too, so that skipped rows can be counted.
const ALL: &str = concat!(
    "SELECT id, ",
    row::columns!(),
    " FROM sealtoken_record WHERE collection = ?1 AND id >= ?2 ORDER BY id"
);
const LABEL: &str = concat!(
    "SELECT l.id, ",
    row::columns!(),
    ", l.value, r.rowid FROM sealtoken_label AS l \
     LEFT JOIN sealtoken_record AS r ON r.collection = ?1 AND r.id = l.id \
     WHERE l.collection = ?1 AND l.name = ?2 AND (l.value, l.id) >= (?3, ?4) AND l.value < ?5 \
     ORDER BY l.value, l.id"
);
const COUNT: &str = "SELECT count(*) FROM sealtoken_record WHERE collection = ?1";
const COUNT_LABEL: &str = "SELECT count(*) FROM sealtoken_label \
    WHERE collection = ?1 AND name = ?2 AND value >= ?3 AND value < ?4";

pub(super) fn page(connection: &Connection, query: &Query) -> Result<Page, Fault> {
    let mut paging = Paging::new(query)?;
    let Some(Position { value, id }) = paging.start() else {
        return Ok(paging.into_page(false));
    };
    let collection = query.collection.as_str();
    let more = match &query.selection {
        Selection::All => {
            let mut statement = connection.prepare_cached(ALL)?;
            fill(&mut paging, statement.query((collection, id))?, false)
        }
        Selection::Label { name, values } => {
            let mut statement = connection.prepare_cached(LABEL)?;
            let values = (collection, name.as_str(), value, id, &*values.until);
            fill(&mut paging, statement.query(values)?, true)
        }
    }?;
    Ok(paging.into_page(more))
}

/// Fills a page, and says whether there is more.
fn fill(paging: &mut Paging<'_>, mut rows: Rows<'_>, by_label: bool) -> Result<bool, Fault> {
    while let Some(row) = rows.next()? {
        if paging.is_full() {
            return Ok(true);
        }
        let id = bytes(row, 0)?;
        let value = if by_label { bytes(row, 5)? } else { &[] };
        let key = paging.move_to(value, id);
        let is_stray = by_label && row.get_ref(6)? == ValueRef::Null;
        match key {
            Some(key) if !is_stray => match row::whole(row, 1, &key) {
                Err(Fault::Corrupt) => {
                    paging.skip(0, row::fetched(row, 1)?);
                    paging.push(unreadable(key));
                }
                record => paging.push(record?),
            },
            _ => {
                let bytes = value.len().saturating_add(id.len());
                paging.skip(1, bytes.saturating_add(row::fetched(row, 1)?));
            }
        }
    }
    Ok(false)
}

/// A part of a key. SQLite sorts other types before all blobs, so they count as empty.
fn bytes<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8], Fault> {
    Ok(row.get_ref(column)?.as_blob().unwrap_or_default())
}

pub(super) fn count(connection: &Connection, query: &Query) -> Result<u64, Fault> {
    let collection = query.collection.as_str();
    let count: i64 = match &query.selection {
        Selection::All => {
            let mut statement = connection.prepare_cached(COUNT)?;
            statement.query_row([collection], |row| row.get(0))?
        }
        Selection::Label { name, values } => {
            let mut statement = connection.prepare_cached(COUNT_LABEL)?;
            let name = name.as_str();
            let range = (collection, name, &*values.from, &*values.until);
            statement.query_row(range, |row| row.get(0))?
        }
    };
    u64::try_from(count).map_err(|_| Fault::Corrupt)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rusqlite::params_from_iter;

    use super::*;
    use crate::{migrate, purge};

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
        let rows = statement.query_map(params_from_iter(nothing), |row| row.get::<_, String>(3));
        rows.unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn every_scan_goes_along_an_index_and_sorts_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&connection, Instant::now()).unwrap();
        assert_eq!(
            plan(&connection, ALL),
            "SEARCH sealtoken_record USING INDEX sqlite_autoindex_sealtoken_record_1 \
             (collection=? AND id>?)"
        );
        assert_eq!(
            plan(&connection, LABEL),
            "SEARCH l USING PRIMARY KEY \
             (collection=? AND name=? AND (value,id)>(?,?) AND value<?); \
             SEARCH r USING INDEX sqlite_autoindex_sealtoken_record_1 (collection=? AND id=?) \
             LEFT-JOIN"
        );
        for sql in [COUNT, COUNT_LABEL] {
            let plan = plan(&connection, sql);
            assert!(
                plan.starts_with("SEARCH") && !plan.contains("TEMP"),
                "{plan}"
            );
        }
        let plan = plan(&connection, purge::DUE);
        assert!(
            plan.contains("sealtoken_record_purge (collection=? AND purge_at<?)"),
            "{plan}"
        );
        assert!(!plan.contains("TEMP"), "{plan}");
    }
}
