//! Checks a file after its writer was killed.

use std::path::Path;

use rusqlite::Connection;
use sealtoken::store::{Query, Record, Store, Values};
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::Builder;

use crate::writer::{LIVES, SLOTS, added, batch_label, batch_of, notes, slot};

/// The damage found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// An acknowledged batch is missing.
    Lost,
    /// A batch was written in part.
    Half(String),
    /// The label rows do not match the records.
    Labels(String),
    /// SQLite itself reports a broken file.
    File(String),
}

/// Checks a file whose writer was killed after it had acknowledged this batch.
pub(crate) fn check(file: &Path, acknowledged: Option<u64>) -> Result<(), Broken> {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let store = SqliteStore::open(file).await.expect("it opens");
        let batch = records(&store).await?;
        if batch < acknowledged.unwrap_or(0) {
            return Err(Broken::Lost);
        }
        labels(&store).await?;
        Ok(())
    })?;
    let integrity = Connection::open(file).and_then(|bare| {
        bare.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
    });
    match integrity {
        Ok(said) if said == "ok" => Ok(()),
        other => Err(Broken::File(format!("{other:?}"))),
    }
}

/// The number of records.
pub(crate) fn count(file: &Path) -> u64 {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let store = SqliteStore::open(file).await.expect("it opens");
        store.count(&Query::all(notes())).await.expect("it reads")
    })
}

async fn all(store: &SqliteStore, query: Query) -> Vec<Record> {
    let page = store.scan(&query.limit(1000)).await.expect("it reads");
    assert!(page.next.is_none());
    page.records
}

/// Checks that all records are those of one last batch. Returns its number; 0 before the first.
async fn records(store: &SqliteStore) -> Result<u64, Broken> {
    let all = all(store, Query::all(notes())).await;
    let batch = all.iter().map(batch_of).max().unwrap_or(0);
    let mut expected = Vec::new();
    if batch > 0 {
        expected.extend((0..SLOTS).map(|at| (slot(at), batch)));
        let oldest = (batch + 1).saturating_sub(LIVES).max(1);
        expected.extend((oldest..=batch).map(|batch| (added(batch), batch)));
    }
    expected.sort();
    let mut found: Vec<_> = all.iter().map(|r| (r.key.clone(), batch_of(r))).collect();
    found.sort();
    if found == expected {
        Ok(batch)
    } else {
        Err(Broken::Half(format!("{found:?}, expected {expected:?}")))
    }
}

/// Checks that each record is found by its label, and that no label row is left over.
async fn labels(store: &SqliteStore) -> Result<(), Broken> {
    let by_label = Query::label(notes(), batch_label(), Values::beginning_with(""));
    let rows = store.count(&by_label).await.expect("it reads");
    let records = all(store, Query::all(notes())).await;
    let mut found = 0;
    for record in &records {
        let value = &record.labels[0].value;
        if *value != batch_of(record).to_be_bytes() {
            return Err(Broken::Labels(format!("{:?} has an old label", record.key)));
        }
        let same = Query::label(notes(), batch_label(), Values::exactly(value.clone()));
        let same = all(store, same).await;
        found += u64::from(same.iter().any(|other| other.key == record.key));
    }
    let records = u64::try_from(records.len()).expect("few");
    if found == records && rows == records {
        Ok(())
    } else {
        Err(Broken::Labels(format!(
            "{records} records, {rows} rows, {found} found"
        )))
    }
}
