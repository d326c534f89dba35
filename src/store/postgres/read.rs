//! Reading: by key, in pages, and counting.

use std::collections::HashMap;

use tokio_postgres::Row;

use crate::crypto::clock::UnixTime;
use crate::store::error::StoreError;
use crate::store::labels;
use crate::store::name::Collection;
use crate::store::query::{Page, Paging, Position, Query, Selection};
use crate::store::record::{Record, RecordKey, Version};

use super::PostgresStore;
use super::lease::Values;
use super::retry::Attempts;
use super::sql::{self, Sql};

/// The most rows that one statement is asked for.
const MOST_ROWS: u32 = 1000;

impl PostgresStore {
    /// Rows of one statement that changes nothing, so that it can be repeated: for contention, and once on another connection,
    /// since one that has lain in the pool may be dead.
    pub(super) async fn rows(&self, sql: &Sql, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let mut attempts = Attempts::default();
        let mut died = false;
        loop {
            match self.pool.query(sql, values).await {
                Ok(rows) => return Ok(rows),
                Err(fault) if fault.is_contention() => attempts.again(fault).await?,
                Err(fault) if fault.is_dead_connection() && !died => died = true,
                Err(fault) => return Err(fault.of_read()),
            }
        }
    }

    pub(super) async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let values: Values<'_> = &[&key.collection.as_str(), &key.id];
        let rows = self.rows(&sql::GET, values).await?;
        rows.first()
            .map(|row| record(row, 0, key.clone()))
            .transpose()
    }

    pub(super) async fn read_many(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (collection, ids) in by_collection(keys) {
            for row in self
                .rows(&sql::GET_MANY, &[&collection.as_str(), &ids])
                .await?
            {
                let key = RecordKey::new(collection.clone(), bytes(&row, 0)?);
                found.insert(key.clone(), record(&row, 1, key)?);
            }
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    /// Which versions are there.
    pub(super) async fn versions(
        &self,
        keys: &[RecordKey],
    ) -> Result<HashMap<RecordKey, Version>, StoreError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (collection, ids) in by_collection(keys) {
            for row in self
                .rows(&sql::VERSIONS, &[&collection.as_str(), &ids])
                .await?
            {
                let key = RecordKey::new(collection.clone(), bytes(&row, 0)?);
                found.insert(key, version(&row, 1)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let after = query
            .after
            .as_ref()
            .map(Position::from_cursor)
            .transpose()?;
        let collection = query.collection.as_str();
        let rows = i64::from(query.limit.clamp(1, MOST_ROWS));
        let most = i64::try_from(Query::PAGE_BYTES).unwrap_or(i64::MAX);
        let found = match &query.selection {
            Selection::All => {
                let id = after.map(|position| position.id).unwrap_or_default();
                let values: Values<'_> = &[&collection, &id, &rows, &most];
                self.rows(&sql::PAGE, values).await?
            }
            Selection::Label { values, .. } if values.is_empty() => Vec::new(),
            Selection::Label { name, values } => {
                // No id is empty, so this stands before the first one of the first value.
                let start = Position::new(&values.from, &[]);
                let start = after.map_or(start.clone(), |after| after.max(start));
                let (name, value, id) = (name.as_str(), &start.value, &start.id);
                match &values.until {
                    None => {
                        let values: Values<'_> = &[&collection, &name, value, id, &rows, &most];
                        self.rows(&sql::PAGE_FROM, values).await?
                    }
                    Some(until) => {
                        let values: Values<'_> =
                            &[&collection, &name, value, id, &rows, &most, until];
                        self.rows(&sql::PAGE_BETWEEN, values).await?
                    }
                }
            }
        };
        into_page(query, &found)
    }

    pub(super) async fn number(&self, query: &Query) -> Result<u64, StoreError> {
        let collection = query.collection.as_str();
        let rows = match &query.selection {
            Selection::All => self.rows(&sql::COUNT, &[&collection]).await?,
            Selection::Label { values, .. } if values.is_empty() => return Ok(0),
            Selection::Label { name, values } => {
                let (name, from) = (name.as_str(), &values.from);
                match &values.until {
                    None => {
                        let values: Values<'_> = &[&collection, &name, from];
                        self.rows(&sql::COUNT_FROM, values).await?
                    }
                    Some(until) => {
                        let values: Values<'_> = &[&collection, &name, from, until];
                        self.rows(&sql::COUNT_BETWEEN, values).await?
                    }
                }
            }
        };
        let count: i64 = rows.first().map_or(Ok(0), |row| cell(row, 0))?;
        u64::try_from(count).map_err(|_| StoreError::Corrupt)
    }
}

/// The rows of a page are value, id, the four columns of a record, and how many rows were found at all.
fn into_page(query: &Query, rows: &[Row]) -> Result<Page, StoreError> {
    let mut paging = Paging::new(query);
    let mut last = None;
    let mut found = 0;
    for row in rows {
        let id: &[u8] = cell(row, 1)?;
        last = Some(Position::new(cell(row, 0)?, id));
        found = cell::<i64>(row, 6)?;
        let key = RecordKey::new(query.collection.clone(), id);
        // A label that leads nowhere is passed by. A row that a stranger broke hides no other: it comes as one that nothing above can open.
        if cell::<Option<&[u8]>>(row, 2)?.is_some() {
            let read = record(row, 2, key.clone());
            paging.push(read.unwrap_or_else(|_| Record::unreadable(key)));
        }
    }
    let more = usize::try_from(found).is_ok_and(|found| found > rows.len());
    Ok(paging.into_page(last.as_ref().filter(|_| more)))
}

fn by_collection(keys: &[RecordKey]) -> HashMap<&Collection, Vec<&[u8]>> {
    let mut groups: HashMap<_, Vec<&[u8]>> = HashMap::new();
    for key in keys {
        groups.entry(&key.collection).or_default().push(&key.id);
    }
    groups
}

/// A record from the columns version, purge_at, body and labels.
fn record(row: &Row, first: usize, key: RecordKey) -> Result<Record, StoreError> {
    let column = |n: usize| first.saturating_add(n);
    let purge_at: Option<i64> = cell(row, column(1))?;
    Ok(Record {
        key,
        version: version(row, column(0))?,
        body: bytes(row, column(2))?.to_vec(),
        purge_at: purge_at.map(UnixTime::from_secs),
        labels: labels::decode(bytes(row, column(3))?)?,
    })
}

fn version(row: &Row, column: usize) -> Result<Version, StoreError> {
    let bytes = bytes(row, column)?.try_into();
    bytes
        .map(Version::from_bytes)
        .map_err(|_| StoreError::Corrupt)
}

fn bytes(row: &Row, column: usize) -> Result<&[u8], StoreError> {
    cell(row, column)
}

fn cell<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| StoreError::Corrupt)
}
