//! Reading: by key, in pages, and counting.

use std::collections::HashMap;

use sealtoken_store::engine::{Paging, Position, decode_labels, unreadable};
use sealtoken_store::{Page, Query, Record, RecordKey, Selection, StoreError, Version};
use sealtoken_time::UnixTime;
use tokio_postgres::Row;

use super::lease::{Params, Pool};
use super::retry::Attempts;
use super::schema;
use super::sql::{self, Sql};

/// The maximum number of rows that one statement fetches.
const MAX_ROWS: i64 = 1000;

impl Pool {
    /// Runs a statement that changes nothing, so it can be repeated on another connection if this
    /// one turns out to be dead.
    pub(super) async fn rows(
        &self,
        sql: &Sql,
        params: Params<'_>,
        attempts: &mut Attempts,
    ) -> Result<Vec<Row>, StoreError> {
        loop {
            let rows = match self.lease(attempts.deadline).await {
                Ok(mut lease) => lease.query(sql, params).await,
                Err(fault) => Err(fault),
            };
            match rows {
                Ok(rows) => return Ok(rows),
                Err(fault) => {
                    if let Err(fault) = attempts.again(fault.without_effect()).await {
                        return Err(schema::explain(self, fault).await);
                    }
                }
            }
        }
    }

    pub(super) async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let found = self.find(key, &mut self.attempts()).await?;
        Ok(found.map(|record| readable(record, key)))
    }

    /// The record, if one exists and is not corrupt.
    pub(super) async fn find(
        &self,
        key: &RecordKey,
        attempts: &mut Attempts,
    ) -> Result<Option<Result<Record, Corrupt>>, StoreError> {
        let params: Params<'_> = &[&key.collection.as_str(), &key.id];
        let rows = self.rows(&sql::GET, params, attempts).await?;
        Ok(rows.first().map(|row| record(row, 0, key.clone())))
    }

    pub(super) async fn read_many(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let (collections, ids) = columns(keys);
        let params: Params<'_> = &[&collections, &ids];
        let rows = self
            .rows(&sql::GET_MANY, params, &mut self.attempts())
            .await?;
        let mut rows = by_ordinal(&rows)?;
        let read = keys.iter().zip(1_i64..).map(|(key, ordinal)| {
            let record = record(rows.remove(&ordinal)?, 1, key.clone());
            Some(readable(record, key))
        });
        Ok(read.collect())
    }

    /// The versions of the existing records, as far as they can be read.
    pub(super) async fn versions(
        &self,
        keys: &[RecordKey],
        attempts: &mut Attempts,
    ) -> Result<Vec<Option<Result<Version, Corrupt>>>, StoreError> {
        let (collections, ids) = columns(keys);
        let params: Params<'_> = &[&collections, &ids];
        let rows = self.rows(&sql::VERSIONS, params, attempts).await?;
        let mut rows = by_ordinal(&rows)?;
        let ordinals = keys.iter().zip(1_i64..);
        let found = ordinals.map(|(_, ordinal)| Some(version(rows.remove(&ordinal)?, 1)));
        Ok(found.collect())
    }

    pub(super) async fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let attempts = &mut self.attempts();
        let mut paging = Paging::new(query)?;
        while let Some(start) = paging.start() {
            let rows = self.rows_from(query, &start, &paging, attempts).await?;
            if !take(&rows, &mut paging)? {
                break;
            }
            if paging.is_full() {
                return Ok(paging.into_page(true));
            }
        }
        Ok(paging.into_page(false))
    }

    /// Some rows of a page, from a position on.
    async fn rows_from(
        &self,
        query: &Query,
        start: &Position,
        paging: &Paging<'_>,
        attempts: &mut Attempts,
    ) -> Result<Vec<Row>, StoreError> {
        let (rows, bytes) = paging.room();
        let rows = i64::try_from(rows).map_or(MAX_ROWS, |rows| rows.min(MAX_ROWS));
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let (collection, Position { value, id }) = (query.collection.as_str(), start);
        match &query.selection {
            Selection::All => {
                let params: Params<'_> = &[&collection, id, &rows, &bytes];
                self.rows(&sql::PAGE, params, attempts).await
            }
            Selection::Label { name, values } => {
                let (name, until) = (name.as_str(), &values.until);
                let params: Params<'_> = &[&collection, &name, value, id, until, &rows, &bytes];
                self.rows(&sql::PAGE_LABEL, params, attempts).await
            }
        }
    }

    pub(super) async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let attempts = &mut self.attempts();
        let collection = query.collection.as_str();
        let rows = match &query.selection {
            Selection::All => self.rows(&sql::COUNT, &[&collection], attempts).await?,
            Selection::Label { name, values } => {
                let name = name.as_str();
                let params: Params<'_> = &[&collection, &name, &values.from, &values.until];
                self.rows(&sql::COUNT_LABEL, params, attempts).await?
            }
        };
        let count: i64 = rows.first().map_or(Ok(0), |row| cell(row, 0))?;
        u64::try_from(count).map_err(|_| StoreError::Corrupt)
    }
}

/// Adds rows to a page, and says whether there are more.
///
/// The columns are the value and the id, the four columns of a record, the number of rows found at
/// all, and the number of bytes fetched of the record.
fn take(rows: &[Row], paging: &mut Paging<'_>) -> Result<bool, Corrupt> {
    let mut found = 0;
    for row in rows {
        if paging.is_full() {
            return Ok(true);
        }
        let (value, id): (&[u8], &[u8]) = (cell(row, 0)?, cell(row, 1)?);
        found = cell::<i64>(row, 6)?;
        let fetched = usize::try_from(cell::<i64>(row, 7)?).unwrap_or(usize::MAX);
        let exists = cell::<Option<&[u8]>>(row, 2)?.is_some();
        match paging.move_to(value, id) {
            // A corrupt record hides no other: it reads as a placeholder.
            Some(key) if exists => {
                let record = record(row, 2, key.clone());
                if record.is_err() {
                    paging.skip(0, fetched);
                }
                paging.push(readable(record, &key));
            }
            // A label without a record, or a row of an attacker.
            _ => {
                let bytes = value.len().saturating_add(id.len());
                paging.skip(1, bytes.saturating_add(fetched));
            }
        }
    }
    Ok(usize::try_from(found).is_ok_and(|found| found > rows.len()))
}

/// A row that this engine does not write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corrupt;

impl From<Corrupt> for StoreError {
    fn from(Corrupt: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// The record, or a placeholder for a corrupt one.
pub(super) fn readable(record: Result<Record, Corrupt>, key: &RecordKey) -> Record {
    record.unwrap_or_else(|Corrupt| unreadable(key.clone()))
}

fn columns(keys: &[RecordKey]) -> (Vec<&str>, Vec<&[u8]>) {
    let columns = keys.iter();
    columns
        .map(|key| (key.collection.as_str(), &*key.id))
        .unzip()
}

/// The rows by the ordinal of their key, which counts from 1.
fn by_ordinal(rows: &[Row]) -> Result<HashMap<i64, &Row>, StoreError> {
    let rows = rows.iter().map(|row| Ok((cell(row, 0)?, row)));
    rows.collect()
}

/// A record from the columns version, purge_at, body and labels.
fn record(row: &Row, first: usize, key: RecordKey) -> Result<Record, Corrupt> {
    let column = |n: usize| first.saturating_add(n);
    let purge_at: Option<i64> = cell(row, column(1))?;
    let labels = decode_labels(cell(row, column(3))?);
    Ok(Record {
        key,
        version: version(row, column(0))?,
        body: cell::<&[u8]>(row, column(2))?.to_vec(),
        purge_at: purge_at.map(UnixTime::from_secs),
        labels: labels.map_err(|_| Corrupt)?,
    })
}

fn version(row: &Row, column: usize) -> Result<Version, Corrupt> {
    let bytes: &[u8] = cell(row, column)?;
    let bytes = bytes.try_into().map_err(|_| Corrupt)?;
    Ok(Version::from_bytes(bytes))
}

fn cell<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, Corrupt> {
    row.try_get(column).map_err(|_| Corrupt)
}
