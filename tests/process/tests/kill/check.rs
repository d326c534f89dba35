//! What must be so after a kill.

use std::path::Path;

use rusqlite::Connection;
use sealtoken::store::{Query, Record, Store, Values};
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::Builder;

use crate::writer::{LIVES, SLOTS, added, batch_label, batch_of, notes, slot};

/// What is not so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A batch that was acknowledged is not there.
    Lost,
    /// A batch is there in part.
    Half(String),
    /// The rows of labels are not those of the records.
    Labels(String),
    /// SQLite itself says that the file is broken.
    File(String),
}

/// Looks at a file whose writer was killed after it had acknowledged this batch.
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

/// How many records there are.
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

/// That all records are of one last batch, which it returns; 0 before the first.
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
        Err(Broken::Half(format!("{found:?}, and not {expected:?}")))
    }
}

/// That each record is found by its label, and nothing else is found by any.
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
