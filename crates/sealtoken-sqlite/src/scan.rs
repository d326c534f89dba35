//! Pages and counts.

use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use sealtoken_store::engine::{Paging, Position};
use sealtoken_store::{Page, Query, Selection, StoreError, Values};

use super::fault::Fault;
use super::row;

macro_rules! by_label {
    ($until:literal) => {
        concat!(
            "SELECT l.id, ",
            row::columns!(),
            ", l.value, r.rowid FROM sealtoken_label AS l \
             LEFT JOIN sealtoken_record AS r ON r.collection = ?1 AND r.id = l.id \
             WHERE l.collection = ?1 AND l.name = ?2 AND (l.value, l.id) >= (?3, ?4)",
            $until,
            " ORDER BY l.value, l.id"
        )
    };
}

// Keys come as they are: SQLite reads them in full to cut them, and a page ends by their true length.
// No statement has a limit: its rows are made one by one, and no more than a page needs. A label
// without its record is a row, too, so that those that are passed by can be counted.
const ALL: &str = concat!(
    "SELECT id, ",
    row::columns!(),
    " FROM sealtoken_record WHERE collection = ?1 AND id >= ?2 ORDER BY id"
);
const LABEL: &str = by_label!("");
const LABEL_UNTIL: &str = by_label!(" AND l.value < ?5");
const COUNT: &str = "SELECT count(*) FROM sealtoken_record WHERE collection = ?1";
const COUNT_LABEL: &str =
    "SELECT count(*) FROM sealtoken_label WHERE collection = ?1 AND name = ?2 AND value >= ?3";
const COUNT_LABEL_UNTIL: &str = "SELECT count(*) FROM sealtoken_label \
    WHERE collection = ?1 AND name = ?2 AND value >= ?3 AND value < ?4";

/// A query and where its page begins.
pub(super) struct Scan {
    query: Query,
    start: Option<Position>,
}

impl Scan {
    pub(super) fn new(query: &Query) -> Result<Self, StoreError> {
        Ok(Self {
            start: query.start()?,
            query: query.clone(),
        })
    }

    pub(super) fn page(&self, connection: &Connection) -> Result<Page, Fault> {
        let collection = self.query.collection.as_str();
        let Some(Position { value, id }) = &self.start else {
            return Ok(Paging::new(&self.query).into_page(None));
        };
        match &self.query.selection {
            Selection::All => self.fill(connection, ALL, &[&collection, id]),
            Selection::Label { name, values } => {
                let name = name.as_str();
                match &values.until {
                    None => self.fill(connection, LABEL, &[&collection, &name, value, id]),
                    Some(until) => {
                        let values: [&dyn ToSql; 5] = [&collection, &name, value, id, until];
                        self.fill(connection, LABEL_UNTIL, &values)
                    }
                }
            }
        }
    }

    fn fill(
        &self,
        connection: &Connection,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Result<Page, Fault> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut paging = Paging::new(&self.query);
        let mut last = None;
        while let Some(row) = rows.next()? {
            if paging.is_full() {
                return Ok(paging.into_page(last.as_ref()));
            }
            let (value, id) = self.place(row)?;
            last = Some(Position::of_row(value, id));
            // A row that no key and no label leads to is no record, and hides none.
            match self.query.key_of_row(value, id) {
                Some(key) if !self.leads_nowhere(row)? => match row::whole(row, 1, &key) {
                    Err(Fault::Corrupt) => paging.push_unreadable(key, row::fetched(row, 1)?),
                    record => paging.push(record?),
                },
                _ => {
                    let bytes = value.len().saturating_add(id.len());
                    paging.pass(1, bytes.saturating_add(row::fetched(row, 1)?));
                }
            }
        }
        Ok(paging.into_page(None))
    }

    /// Whether a row is a label whose record is not there.
    fn leads_nowhere(&self, row: &Row<'_>) -> Result<bool, Fault> {
        Ok(match self.query.selection {
            Selection::All => false,
            Selection::Label { .. } => row.get_ref(6)? == ValueRef::Null,
        })
    }

    /// The label's value and the id of a row. SQLite sorts other types before all blobs, so they count as empty.
    fn place<'a>(&self, row: &'a Row<'_>) -> Result<(&'a [u8], &'a [u8]), Fault> {
        let value = match self.query.selection {
            Selection::All => &[],
            Selection::Label { .. } => row.get_ref(5)?.as_blob().unwrap_or_default(),
        };
        Ok((value, row.get_ref(0)?.as_blob().unwrap_or_default()))
    }
}

pub(super) fn count(connection: &Connection, query: &Query) -> Result<u64, Fault> {
    let collection = query.collection.as_str();
    let (sql, values): (_, Vec<&dyn ToSql>) = match &query.selection {
        Selection::All => (COUNT, vec![&collection]),
        Selection::Label { name, values } => {
            return count_label(connection, &collection, &name.as_str(), values);
        }
    };
    one(connection, sql, &values)
}

fn count_label(
    connection: &Connection,
    collection: &dyn ToSql,
    name: &dyn ToSql,
    values: &Values,
) -> Result<u64, Fault> {
    match &values.until {
        None => one(connection, COUNT_LABEL, &[collection, name, &values.from]),
        Some(until) => one(
            connection,
            COUNT_LABEL_UNTIL,
            &[collection, name, &values.from, until],
        ),
    }
}

fn one(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let count = match rows.next()? {
        Some(row) => row.get_ref(0)?.as_i64()?,
        None => 0,
    };
    u64::try_from(count).map_err(|_| Fault::Corrupt)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::migrate;
    use super::*;

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
        let labels = "SEARCH l USING PRIMARY KEY (collection=? AND name=? AND (value,id)>(?,?)";
        let records = "SEARCH r USING INDEX sqlite_autoindex_sealtoken_record_1 (collection=? AND id=?) LEFT-JOIN";
        let all = "SEARCH sealtoken_record USING INDEX sqlite_autoindex_sealtoken_record_1 (collection=? AND id>?)";
        assert_eq!(plan(&connection, ALL), all);
        assert_eq!(plan(&connection, LABEL), format!("{labels}); {records}"));
        let until = plan(&connection, LABEL_UNTIL);
        assert_eq!(until, format!("{labels} AND value<?); {records}"));
        for sql in [COUNT, COUNT_LABEL, COUNT_LABEL_UNTIL] {
            let plan = plan(&connection, sql);
            assert!(
                plan.starts_with("SEARCH") && !plan.contains("TEMP"),
                "{plan}"
            );
        }
        let plan = plan(&connection, super::super::purge::DUE);
        assert!(
            plan.contains("sealtoken_record_purge (collection=? AND purge_at<?)"),
            "{plan}"
        );
        assert!(!plan.contains("TEMP"), "{plan}");
    }
}
