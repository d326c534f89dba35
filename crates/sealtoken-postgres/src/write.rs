//! Writing: one change as one statement, several as one transaction.

use sealtoken_store::engine::{encode_labels, matches};
use sealtoken_store::{Change, Collection, Outcome, Record, RecordKey, StoreError};
use sealtoken_time::UnixTime;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::fault::{Fault, Kind};
use super::lease::{Lease, Params, Pool};
use super::read::readable;
use super::retry::Attempts;
use super::sql::{self, Sql};
use super::{pipeline, schema};

/// The maximum number of records that one statement of a purge removes.
const CHUNK: u32 = 500;

const CONTENDED: &str = "others changed the same records each time";

impl Pool {
    pub(super) async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let done = match batch {
                [] => return Ok(Outcome::Written),
                [change] => self.write_one(change, attempts.deadline).await,
                _ => self.write_all(batch, attempts.deadline).await,
            };
            let fault = match done {
                Ok(true) => return Ok(Outcome::Written),
                Ok(false) => Fault::new(Kind::Contended, CONTENDED),
                Err(fault) => fault,
            };
            if fault.kind == Kind::Contended {
                if let Some(conflict) = self.conflict(batch, &mut attempts).await? {
                    return Ok(conflict);
                }
                // All changes match now: another writer interfered, or a newer program.
                schema::check_number(self, &mut attempts).await?;
            }
            if let Err(fault) = attempts.again(fault).await {
                return Err(schema::explain(self, fault).await);
            }
        }
    }

    /// The first change that does not match the existing record.
    async fn conflict(
        &self,
        batch: &[Change],
        attempts: &mut Attempts,
    ) -> Result<Option<Outcome>, StoreError> {
        let keys: Vec<RecordKey> = batch.iter().map(|change| change.key().clone()).collect();
        let versions = match &keys[..] {
            // The record is read next anyway.
            [_] => vec![],
            _ => self.versions(&keys, attempts).await?,
        };
        let mut versions = versions.into_iter();
        for (index, change) in batch.iter().enumerate() {
            if versions
                .next()
                .is_some_and(|version| matches(change, version))
            {
                continue;
            }
            let key = change.key();
            let found = self.find(key, attempts).await?;
            let read = found.as_ref().map(Result::as_ref);
            let version = read.map(|read| read.map(|record| record.version));
            if !matches(change, version) {
                let current = found.map(|found| readable(found, key));
                return Ok(Some(Outcome::Conflict { index, current }));
            }
        }
        Ok(None)
    }

    async fn write_one(&self, change: &Change, deadline: Instant) -> Result<bool, Fault> {
        let step = Step::new(change);
        let params = step.params();
        let mut lease = self.lease(deadline).await?;
        // Most replacements keep their labels. One that does not costs another round trip.
        if let Change::Replace { .. } = change {
            let replaced = lease.query(&sql::REPLACE_BODY, &params).await?;
            if is_done(&replaced) {
                return Ok(true);
            }
        }
        Ok(is_done(&lease.query(step.sql, &params).await?))
    }

    async fn write_all(&self, batch: &[Change], deadline: Instant) -> Result<bool, Fault> {
        let mut steps: Vec<Step<'_>> = batch.iter().map(Step::new).collect();
        // Writers that lock in the same order do not deadlock.
        steps.sort_unstable_by_key(|step| step.key);
        let mut lease = self.lease(deadline).await?;
        lease.begin().await?;
        match run_all(&mut lease, &steps).await {
            Ok(true) => {
                // From here on it may be done, whether or not an answer comes.
                lease.commit().await?;
                Ok(true)
            }
            undone => {
                // A useless connection is cut, which rolls back too.
                if !undone
                    .as_ref()
                    .is_err_and(|fault| fault.kind == Kind::Stale)
                {
                    lease.roll_back().await;
                }
                undone.map_err(Fault::without_effect)
            }
        }
    }

    pub(super) async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut removed: u32 = 0;
        while removed < limit {
            let max = limit.saturating_sub(removed).min(CHUNK);
            let chunk = self.purge_chunk(collection, before, max).await;
            let chunk = chunk.map_err(|error| error.maybe_done(removed > 0))?;
            removed = removed.saturating_add(chunk);
            if chunk < max {
                break;
            }
        }
        Ok(removed)
    }

    /// Removes some records that are due, and returns how many: fewer than `max` if no more are
    /// due, or if others keep changing them.
    async fn purge_chunk(
        &self,
        collection: &Collection,
        before: UnixTime,
        max: u32,
    ) -> Result<u32, StoreError> {
        let mut attempts = self.attempts();
        let mut removed: u32 = 0;
        loop {
            let max = max.saturating_sub(removed);
            let params: Params<'_> = &[&collection.as_str(), &before.as_secs(), &i64::from(max)];
            let purged = match self.lease(attempts.deadline).await {
                Ok(mut lease) => lease.query_once(&sql::PURGE, params).await,
                Err(fault) => Err(fault),
            };
            let fault = match purged {
                Ok(rows) => {
                    let (found, gone) = counts(&rows)?;
                    removed = removed.saturating_add(gone);
                    if found == gone {
                        return Ok(removed);
                    }
                    let checked = schema::check_number(self, &mut attempts).await;
                    checked.map_err(|error| error.maybe_done(removed > 0))?;
                    Fault::new(Kind::Contended, CONTENDED)
                }
                Err(fault) => fault,
            };
            match attempts.again(fault).await {
                Ok(()) => {}
                Err(fault) if fault.kind == Kind::Contended && removed > 0 => return Ok(removed),
                Err(fault) => {
                    let error = schema::explain(self, fault).await;
                    return Err(error.maybe_done(removed > 0));
                }
            }
        }
    }
}

/// Makes all changes in a transaction that was begun. None waits for the answer to the one before.
async fn run_all(lease: &mut Lease<'_>, steps: &[Step<'_>]) -> Result<bool, Fault> {
    let shared = &*lease;
    let done = shared.in_time(async {
        let client = shared.client()?;
        let mut sending = Vec::with_capacity(steps.len());
        for step in steps {
            let ready = shared.ready(step.sql).await?;
            sending.push(pipeline::boxed(async move {
                Ok(is_done(&ready.send(client, &step.params()).await?))
            }));
        }
        let answers = pipeline::in_order(sending).await;
        // After one statement fails, the others fail because of it.
        answers
            .into_iter()
            .try_fold(true, |all, done| Ok(all & done?))
    });
    let done = done.await;
    lease.retire_after(&done);
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

/// The columns that a statement writes.
struct Put<'a> {
    version: &'a [u8],
    purge_at: Option<i64>,
    body: &'a [u8],
    labels: Vec<u8>,
}

impl<'a> Step<'a> {
    fn new(change: &'a Change) -> Self {
        let (sql, expected) = match change {
            Change::Insert(record) if record.labels.is_empty() => (&sql::INSERT_BARE, None),
            Change::Insert(_) => (&sql::INSERT, None),
            Change::Replace { expected, .. } => (&sql::REPLACE, Some(expected)),
            Change::Remove { expected, .. } => (&sql::REMOVE, expected.as_ref()),
        };
        Self {
            sql,
            key: change.key(),
            collection: change.key().collection.as_str(),
            put: change.record().map(Put::new),
            expected: expected.map(|version| &version.as_bytes()[..]),
        }
    }

    /// The parameters, in the order that all these statements share.
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&self.collection, &self.key.id];
        if let Some(put) = &self.put {
            params.extend::<[&(dyn ToSql + Sync); 4]>([
                &put.version,
                &put.purge_at,
                &put.body,
                &put.labels,
            ]);
        }
        if params.len() < self.sql.types.len() {
            params.push(&self.expected);
        }
        params
    }
}

impl<'a> Put<'a> {
    fn new(record: &'a Record) -> Self {
        Self {
            version: record.version.as_bytes(),
            purge_at: record.purge_at.map(UnixTime::as_secs),
            body: &record.body,
            labels: encode_labels(&record.labels),
        }
    }
}

/// Whether a statement made its change: its one row says so, or it returns none.
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
