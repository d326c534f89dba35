//! Reading: by key, in pages, and counting.

use std::collections::HashMap;

use sealtoken_store::engine::{Paging, Position, labels};
use sealtoken_store::{Page, Query, Record, RecordKey, Selection, StoreError, Version};
use sealtoken_time::UnixTime;
use tokio_postgres::Row;

use super::PostgresStore;
use super::lease::Values;
use super::migrate;
use super::retry::Attempts;
use super::sql::{self, Sql};

/// The most rows that one statement is asked for.
const MOST_ROWS: i64 = 1000;

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
        let mut paging = Paging::new(query);
        let mut start = query.start()?;
        while let Some(place) = start {
            let rows = self.rows_from(query, &place, &paging, attempts).await?;
            let Some(last) = take(query, &rows, &mut paging)? else {
                break;
            };
            if paging.is_full() {
                return Ok(paging.into_page(Some(&last)));
            }
            start = query.behind(&last);
        }
        Ok(paging.into_page(None))
    }

    /// Some rows of a page, from a place on.
    async fn rows_from(
        &self,
        query: &Query,
        place: &Position,
        paging: &Paging,
        attempts: &mut Attempts,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = i64::try_from(paging.wanted()).map_or(MOST_ROWS, |rows| rows.min(MOST_ROWS));
        let most = i64::try_from(paging.room()).unwrap_or(i64::MAX);
        let (collection, Position { value, id }) = (query.collection.as_str(), place);
        match &query.selection {
            Selection::All => {
                let values: Values<'_> = &[&collection, id, &rows, &most];
                self.rows(&sql::PAGE, values, attempts).await
            }
            Selection::Label { name, values } => {
                let name = name.as_str();
                match &values.until {
                    None => {
                        let values: Values<'_> = &[&collection, &name, value, id, &rows, &most];
                        self.rows(&sql::PAGE_FROM, values, attempts).await
                    }
                    Some(until) => {
                        let values: Values<'_> =
                            &[&collection, &name, value, id, &rows, &most, until];
                        self.rows(&sql::PAGE_BETWEEN, values, attempts).await
                    }
                }
            }
        }
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

/// Takes rows into a page: value, id, the four columns of a record, how many rows were found at all, and how many bytes of a
/// record were fetched. Gives where the last of them stands, if there are more behind it.
fn take(query: &Query, rows: &[Row], paging: &mut Paging) -> Result<Option<Position>, Broken> {
    let mut last = None;
    let mut found = 0;
    for row in rows {
        if paging.is_full() {
            return Ok(last);
        }
        let (value, id): (&[u8], &[u8]) = (cell(row, 0)?, cell(row, 1)?);
        last = Some(Position::of_row(value, id));
        found = cell::<i64>(row, 6)?;
        let fetched = usize::try_from(cell::<i64>(row, 7)?).unwrap_or(usize::MAX);
        let is_there = cell::<Option<&[u8]>>(row, 2)?.is_some();
        match query.key_of_row(value, id) {
            // A row that a stranger broke hides no other: it comes as one that nothing above can open.
            Some(key) if is_there => match record(row, 2, key.clone()) {
                Ok(record) => paging.push(record),
                Err(Broken) => paging.push_unreadable(key, fetched),
            },
            // A label that leads nowhere, or what only a stranger writes.
            _ => {
                let bytes = value.len().saturating_add(id.len());
                paging.pass(1, bytes.saturating_add(fetched));
            }
        }
    }
    let more = usize::try_from(found).is_ok_and(|found| found > rows.len());
    Ok(last.filter(|_| more))
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
