//! Writing: one change as one statement, several as one transaction.

use std::slice;
use std::sync::atomic::Ordering::Relaxed;

use sealtoken_store::engine::labels;
use sealtoken_store::{Change, Collection, Outcome, Record, RecordKey, StoreError, Version};
use sealtoken_time::UnixTime;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::PostgresStore;
use super::fault::Fault;
use super::lease::{Lease, Values};
use super::read::Broken;
use super::retry::Attempts;
use super::sql::{self, Sql};
use super::{migrate, pipeline};

impl PostgresStore {
    pub(super) async fn change(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        let mut attempts = self.pool.attempts();
        loop {
            let done = match batch {
                [] => return Ok(Outcome::Written),
                [change] => self.change_one(change, attempts.deadline).await,
                _ => self.change_all(batch, attempts.deadline).await,
            };
            let fault = match done {
                Ok(true) => return Ok(Outcome::Written),
                Ok(false) => Fault::Contended(FASTER.to_owned()),
                Err(fault) => fault,
            };
            if let Fault::Contended(_) = fault {
                if let Some(conflict) = self.judge(batch, &mut attempts).await? {
                    return Ok(conflict);
                }
                // All of it fits what is there now: it was another writer who was there meanwhile, or a newer program.
                migrate::still_known(&self.pool, &mut attempts).await?;
            }
            if let Err(fault) = attempts.again(fault).await {
                // The feature is not supported: the first time, that is taken to mean this one.
                if fault.is_code("0A000") && !self.pool.split.swap(true, Relaxed) {
                    continue;
                }
                return Err(migrate::explain(&self.pool, fault).await);
            }
        }
    }

    /// The first change that does not fit what is there.
    async fn judge(
        &self,
        batch: &[Change],
        attempts: &mut Attempts,
    ) -> Result<Option<Outcome>, StoreError> {
        let keys: Vec<RecordKey> = batch.iter().map(|change| change.key().clone()).collect();
        let there = match &keys[..] {
            // The record is what is asked for next.
            [_] => vec![],
            _ => self.versions(&keys, attempts).await?,
        };
        let mut there = there.into_iter();
        for (index, change) in batch.iter().enumerate() {
            if there.next().is_some_and(|there| fits(change, there)) {
                continue;
            }
            let key = change.key();
            let found = self.find(key, attempts).await?;
            let version = found.as_ref().map(|found| match found {
                Ok(record) => Ok(record.version),
                Err(Broken) => Err(Broken),
            });
            if !fits(change, version) {
                let current = found
                    .map(|found| found.unwrap_or_else(|Broken| Record::unreadable(key.clone())));
                return Ok(Some(Outcome::Conflict { index, current }));
            }
        }
        Ok(None)
    }

    async fn change_one(&self, change: &Change, deadline: Instant) -> Result<bool, Fault> {
        let step = Step::new(change);
        let values = step.values();
        let mut lease = self.pool.lease(deadline).await?;
        // Most replacements keep their labels. One that does not costs a round trip more.
        if let Change::Replace { .. } = change {
            let replaced = lease.query(&sql::REPLACE_BODY, &values).await?;
            if is_done(&replaced) {
                return Ok(true);
            }
            if self.pool.split.load(Relaxed) {
                drop(lease);
                return self.change_all(slice::from_ref(change), deadline).await;
            }
        }
        Ok(is_done(&lease.query(step.sql, &values).await?))
    }

    async fn change_all(&self, batch: &[Change], deadline: Instant) -> Result<bool, Fault> {
        let mut steps: Vec<Step<'_>> = batch.iter().map(Step::new).collect();
        // Writers that lock in one order do not wait for each other in a circle.
        steps.sort_unstable_by_key(|step| step.key);
        let mut lease = self.pool.lease(deadline).await?;
        let split = self.pool.split.load(Relaxed);
        lease.begin().await?;
        match all(&mut lease, &steps, split).await {
            Ok(true) => {
                // From here on it may be done, whatever becomes of the answer.
                lease.commit().await?;
                Ok(true)
            }
            undone => {
                // A connection that is worth nothing is cut, which takes it back too.
                if !matches!(undone, Err(Fault::Stale(_))) {
                    lease.roll_back().await;
                }
                undone.map_err(Fault::without_effect)
            }
        }
    }

    pub(super) async fn sweep(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut removed: u32 = 0;
        while removed < limit {
            let most = limit.saturating_sub(removed).min(PART);
            let part = self.sweep_part(collection, before, most).await;
            let gone = part.map_err(|error| {
                if removed > 0 {
                    error.after_some()
                } else {
                    error
                }
            })?;
            removed = removed.saturating_add(gone);
            if gone < most {
                break;
            }
        }
        Ok(removed)
    }

    /// Removes some of what is due, and tells how many; fewer than `most` only where there are no more.
    async fn sweep_part(
        &self,
        collection: &Collection,
        before: UnixTime,
        most: u32,
    ) -> Result<u32, StoreError> {
        let mut attempts = self.pool.attempts();
        let mut removed: u32 = 0;
        loop {
            let most = most.saturating_sub(removed);
            let values: Values<'_> = &[&collection.as_str(), &before.as_secs(), &i64::from(most)];
            let swept = match self.pool.lease(attempts.deadline).await {
                Ok(mut lease) => lease.query_once(&sql::PURGE, values).await,
                Err(fault) => Err(fault),
            };
            let fault = match swept {
                Ok(rows) => {
                    let (found, gone) = counts(&rows)?;
                    removed = removed.saturating_add(gone);
                    if found == gone {
                        return Ok(removed);
                    }
                    migrate::still_known(&self.pool, &mut attempts).await?;
                    Fault::Contended(FASTER.to_owned())
                }
                Err(fault) => fault,
            };
            match attempts.again(fault).await {
                Ok(()) => {}
                Err(Fault::Contended(_)) if removed > 0 => return Ok(removed),
                Err(fault) => {
                    let error = migrate::explain(&self.pool, fault).await;
                    return Err(if removed > 0 {
                        error.after_some()
                    } else {
                        error
                    });
                }
            }
        }
    }
}

/// The most records that one statement of a purge removes.
const PART: u32 = 500;

const FASTER: &str = "other writers were faster each time";

/// Whether a change can be made where this is.
fn fits(change: &Change, there: Option<Result<Version, Broken>>) -> bool {
    match there.transpose() {
        Ok(version) => change.fits(version),
        Err(Broken) => change.fits_broken(),
    }
}

/// All changes, in a transaction that was begun. None waits for the answer to the one before.
async fn all(lease: &mut Lease<'_>, steps: &[Step<'_>], split: bool) -> Result<bool, Fault> {
    let shared = &*lease;
    let done = shared.in_time(async {
        let client = shared.client()?;
        let mut sending = Vec::with_capacity(steps.len());
        for step in steps {
            for sql in step.statements(split) {
                let ready = shared.ready(sql).await?;
                sending.push(pipeline::boxed(async move {
                    Ok(is_done(&ready.send(client, &step.values()).await?))
                }));
            }
        }
        let answers = pipeline::in_order(sending).await;
        // Behind a statement that failed, the others fail for that alone.
        answers
            .into_iter()
            .try_fold(true, |all, done| Ok(all & done?))
    });
    let done = done.await;
    lease.judge(&done);
    done
}

/// A change as a statement.
struct Step<'a> {
    sql: &'static Sql,
    key: &'a RecordKey,
    collection: &'a str,
    put: Option<Put<'a>>,
    expected: Option<&'a [u8]>,
}

/// What a statement writes.
struct Put<'a> {
    version: &'a [u8],
    purge_at: Option<i64>,
    body: &'a [u8],
    labels: Vec<u8>,
}

impl<'a> Step<'a> {
    fn new(change: &'a Change) -> Self {
        let (sql, record, expected) = match change {
            Change::Insert(record) if record.labels.is_empty() => {
                (&sql::INSERT_BARE, Some(record), None)
            }
            Change::Insert(record) => (&sql::INSERT, Some(record), None),
            Change::Replace { record, expected } => (&sql::REPLACE, Some(record), Some(expected)),
            Change::Remove { expected, .. } => (&sql::REMOVE, None, expected.as_ref()),
        };
        Self {
            sql,
            key: change.key(),
            collection: change.key().collection.as_str(),
            put: record.map(Put::new),
            expected: expected.map(|version| &version.as_bytes()[..]),
        }
    }

    fn statements(&self, split: bool) -> Vec<&'static Sql> {
        if split && std::ptr::eq(self.sql, &raw const sql::REPLACE) {
            vec![&sql::REPLACE_LOCK, &sql::REPLACE_UNLIST, &sql::REPLACE_LIST]
        } else {
            vec![self.sql]
        }
    }

    /// The parameters, in the order that all these statements have.
    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&self.collection, &self.key.id];
        if let Some(put) = &self.put {
            values.extend::<[&(dyn ToSql + Sync); 4]>([
                &put.version,
                &put.purge_at,
                &put.body,
                &put.labels,
            ]);
        }
        if values.len() < self.sql.types.len() {
            values.push(&self.expected);
        }
        values
    }
}

impl<'a> Put<'a> {
    fn new(record: &'a Record) -> Self {
        Self {
            version: record.version.as_bytes(),
            purge_at: record.purge_at.map(UnixTime::as_secs),
            body: &record.body,
            labels: labels::encode(&record.labels),
        }
    }
}

/// Whether a statement did what it was to do: it says so in its one row, or gives none.
fn is_done(rows: &[Row]) -> bool {
    rows.first()
        .is_some_and(|row| row.try_get(0).is_ok_and(|done: bool| done))
}

/// How many records were found, and how many of them removed.
fn counts(rows: &[Row]) -> Result<(u32, u32), StoreError> {
    let row = rows.first().ok_or(StoreError::Corrupt)?;
    let number = |column: usize| {
        let number = row.try_get::<_, i64>(column).ok();
        number
            .and_then(|number| u32::try_from(number).ok())
            .ok_or(StoreError::Corrupt)
    };
    Ok((number(0)?, number(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealtoken_store::LabelName;
    use sealtoken_store::{Query, Values};

    fn record(id: u8, labels: &[u8]) -> Record {
        let key = RecordKey::new(Collection::from_static("note"), [id]);
        let record = Record::new(key, Version::draw().unwrap(), "body");
        labels.iter().fold(record, |record, label| {
            record.with_label(LabelName::from_static("tag"), [*label])
        })
    }

    /// As on a database that lets a statement change a table once.
    #[tokio::test]
    async fn replacements_can_be_split() {
        let Ok(url) = std::env::var("SEALTOKEN_TEST_POSTGRES") else {
            return;
        };
        let schema = format!("sealtoken_split_{}", std::process::id());
        let sign = if url.contains('?') { '&' } else { '?' };
        let inside = format!("{url}{sign}options=-c%20search_path%3D{schema}");
        let client = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (client, connection) = client.unwrap();
        tokio::spawn(connection);
        let create = format!("CREATE SCHEMA {schema}");
        client.batch_execute(&create).await.unwrap();
        let store = PostgresStore::open(&inside).await.unwrap();
        store.pool.split.store(true, Relaxed);

        let (one, two) = (record(1, &[1, 2]), record(2, &[1, 2]));
        let batch = [&one, &two].map(|record| Change::Insert(record.clone()));
        assert_eq!(store.change(&batch).await, Ok(Outcome::Written));
        let replace = |old: &Record, record: &Record| Change::Replace {
            record: record.clone(),
            expected: old.version,
        };
        let (three, four, five) = (record(1, &[2, 3]), record(1, &[]), record(2, &[4]));
        let lone = replace(&one, &three);
        assert_eq!(
            store.change(slice::from_ref(&lone)).await,
            Ok(Outcome::Written)
        );
        let current = Some(three.clone());
        let conflict = Outcome::Conflict { index: 0, current };
        assert_eq!(store.change(&[lone]).await, Ok(conflict));
        let tagged = async |tag: u8| {
            let values = Values::exactly([tag]);
            let query = Query::label(
                Collection::from_static("note"),
                LabelName::from_static("tag"),
                values,
            );
            let ids = store.page(&query).await.unwrap().records;
            ids.into_iter().map(|record| record.key.id[0]).collect()
        };
        let seen: [Vec<u8>; 3] = [tagged(1).await, tagged(2).await, tagged(3).await];
        assert_eq!(seen, [vec![2], vec![1, 2], vec![1]]);
        let both = [replace(&three, &four), replace(&two, &five)];
        assert_eq!(store.change(&both).await, Ok(Outcome::Written));
        let seen: [Vec<u8>; 4] = [
            tagged(1).await,
            tagged(2).await,
            tagged(3).await,
            tagged(4).await,
        ];
        assert_eq!(seen, [vec![], vec![], vec![], vec![2]]);
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        client.batch_execute(&drop).await.unwrap();
    }
}
