//! Reading: by key, in pages, and counting.

use std::collections::HashMap;

use tokio_postgres::Row;

use crate::crypto::clock::UnixTime;
use crate::store::error::StoreError;
use crate::store::labels;
use crate::store::query::{Page, Paging, Position, Query, Selection};
use crate::store::record::{Record, RecordKey, Version};

use super::PostgresStore;
use super::lease::Values;
use super::migrate;
use super::retry::Attempts;
use super::sql::{self, Sql};

/// The most rows that one statement is asked for.
const MOST_ROWS: u32 = 1000;

impl PostgresStore {
    /// Rows of one statement that changes nothing, so that it can be repeated: on another connection, too, since one that has lain
    /// in the pool may be dead.
    pub(super) async fn rows(
        &self,
        sql: &Sql,
        values: Values<'_>,
        attempts: &mut Attempts,
    ) -> Result<Vec<Row>, StoreError> {
        loop {
            let rows = match self.pool.lease(attempts.deadline).await {
                Ok(mut lease) => lease.query(sql, values).await,
                Err(fault) => Err(fault),
            };
            match rows {
                Ok(rows) => return Ok(rows),
                Err(fault) => {
                    if let Err(fault) = attempts.again(fault.without_effect()).await {
                        return Err(migrate::explain(&self.pool, fault).await);
                    }
                }
            }
        }
    }

    pub(super) async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let found = self.find(key, &mut self.pool.attempts()).await?;
        Ok(found.map(|record| record.unwrap_or_else(|Broken| Record::unreadable(key.clone()))))
    }

    /// The record, where one is, if it is whole.
    pub(super) async fn find(
        &self,
        key: &RecordKey,
        attempts: &mut Attempts,
    ) -> Result<Option<Result<Record, Broken>>, StoreError> {
        let values: Values<'_> = &[&key.collection.as_str(), &key.id];
        let rows = self.rows(&sql::GET, values, attempts).await?;
        Ok(rows.first().map(|row| record(row, 0, key.clone())))
    }

    pub(super) async fn read_many(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let (collections, ids) = columns(keys);
        let values: Values<'_> = &[&collections, &ids];
        let attempts = &mut self.pool.attempts();
        let rows = self.rows(&sql::GET_MANY, values, attempts).await?;
        let mut rows = by_place(&rows)?;
        let read = keys.iter().zip(1_i64..).map(|(key, place)| {
            let record = record(rows.remove(&place)?, 1, key.clone());
            Some(record.unwrap_or_else(|Broken| Record::unreadable(key.clone())))
        });
        Ok(read.collect())
    }

    /// Which versions are there, as far as they can be read.
    pub(super) async fn versions(
        &self,
        keys: &[RecordKey],
        attempts: &mut Attempts,
    ) -> Result<Vec<Option<Result<Version, Broken>>>, StoreError> {
        let (collections, ids) = columns(keys);
        let values: Values<'_> = &[&collections, &ids];
        let rows = self.rows(&sql::VERSIONS, values, attempts).await?;
        let mut rows = by_place(&rows)?;
        let places = keys.iter().zip(1_i64..);
        let found = places.map(|(_, place)| Some(version(rows.remove(&place)?, 1)));
        Ok(found.collect())
    }

    pub(super) async fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let attempts = &mut self.pool.attempts();
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
                self.rows(&sql::PAGE, values, attempts).await?
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
                        self.rows(&sql::PAGE_FROM, values, attempts).await?
                    }
                    Some(until) => {
                        let values: Values<'_> =
                            &[&collection, &name, value, id, &rows, &most, until];
                        self.rows(&sql::PAGE_BETWEEN, values, attempts).await?
                    }
                }
            }
        };
        into_page(query, &found)
    }

    pub(super) async fn number(&self, query: &Query) -> Result<u64, StoreError> {
        let attempts = &mut self.pool.attempts();
        let collection = query.collection.as_str();
        let rows = match &query.selection {
            Selection::All => self.rows(&sql::COUNT, &[&collection], attempts).await?,
            Selection::Label { values, .. } if values.is_empty() => return Ok(0),
            Selection::Label { name, values } => {
                let (name, from) = (name.as_str(), &values.from);
                match &values.until {
                    None => {
                        let values: Values<'_> = &[&collection, &name, from];
                        self.rows(&sql::COUNT_FROM, values, attempts).await?
                    }
                    Some(until) => {
                        let values: Values<'_> = &[&collection, &name, from, until];
                        self.rows(&sql::COUNT_BETWEEN, values, attempts).await?
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
            paging.push(read.unwrap_or_else(|Broken| Record::unreadable(key)));
        }
    }
    let more = usize::try_from(found).is_ok_and(|found| found > rows.len());
    Ok(paging.into_page(last.as_ref().filter(|_| more)))
}

/// A row that this engine does not write.
#[derive(Debug)]
pub(super) struct Broken;

impl From<Broken> for StoreError {
    fn from(Broken: Broken) -> Self {
        Self::Corrupt
    }
}

fn columns(keys: &[RecordKey]) -> (Vec<&str>, Vec<&[u8]>) {
    let columns = keys.iter();
    columns
        .map(|key| (key.collection.as_str(), &*key.id))
        .unzip()
}

/// The rows that were found, by the places of their keys, which count from one.
fn by_place(rows: &[Row]) -> Result<HashMap<i64, &Row>, StoreError> {
    let rows = rows.iter().map(|row| Ok((cell(row, 0)?, row)));
    rows.collect()
}

/// A record from the columns version, purge_at, body and labels.
fn record(row: &Row, first: usize, key: RecordKey) -> Result<Record, Broken> {
    let column = |n: usize| first.saturating_add(n);
    let purge_at: Option<i64> = cell(row, column(1))?;
    let labels = labels::decode(cell(row, column(3))?);
    Ok(Record {
        key,
        version: version(row, column(0))?,
        body: cell::<&[u8]>(row, column(2))?.to_vec(),
        purge_at: purge_at.map(UnixTime::from_secs),
        labels: labels.map_err(|_| Broken)?,
    })
}

fn version(row: &Row, column: usize) -> Result<Version, Broken> {
    let bytes: &[u8] = cell(row, column)?;
    let bytes = bytes.try_into().map_err(|_| Broken)?;
    Ok(Version::from_bytes(bytes))
}

fn cell<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, Broken> {
    row.try_get(column).map_err(|_| Broken)
}
