//! The process to be killed: writes batch after batch, with the batch's number in each record and
//! label.

use std::path::Path;

use rusqlite::{Connection, params};
use sealtoken::store::{Change, Collection, LabelName, Outcome, Record, RecordKey, Store, Version};
use sealtoken_process_tests::kill::acknowledge;
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::Builder;

#[cfg(unix)]
use crate::beside;

/// Records that every batch replaces.
pub(crate) const SLOTS: u64 = 6;

/// After how many batches an added record is removed.
pub(crate) const LIVES: u64 = 3;

pub(crate) fn notes() -> Collection {
    Collection::new("note").expect("a name")
}

pub(crate) fn batch_label() -> LabelName {
    LabelName::new("batch").expect("a name")
}

pub(crate) fn slot(at: u64) -> RecordKey {
    RecordKey::new(notes(), format!("slot {at}"))
}

/// The record that a batch adds.
pub(crate) fn added(batch: u64) -> RecordKey {
    RecordKey::new(notes(), format!("batch {batch}"))
}

pub(crate) fn record(key: RecordKey, batch: u64) -> Record {
    let version = Version::draw().expect("randomness");
    // Larger than a page, so that even one record takes several writes to the file.
    let body = batch.to_be_bytes().repeat(1500);
    Record::new(key, version, body).with_label(batch_label(), batch.to_be_bytes())
}

pub(crate) fn batch_of(record: &Record) -> u64 {
    u64::from_be_bytes(record.body[..8].try_into().expect("eight bytes"))
}

pub(crate) fn run(mode: &str, file: &Path) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        #[cfg(unix)]
        if mode == "two" {
            return beside::write(file).await;
        }
        let store = SqliteStore::open(file).await.expect("it opens");
        if mode == "one" {
            let mine = record(added(std::process::id().into()), 1);
            let written = store.write(&[Change::Insert(mine)]).await;
            assert_eq!(written, Ok(Outcome::Written));
            return acknowledge(1);
        }
        let mut there = Vec::new();
        for at in 0..SLOTS {
            there.extend(store.get(&slot(at)).await.expect("it reads"));
        }
        let mut batch = there.first().map_or(0, batch_of);
        let bare = Connection::open(file).expect("it opens");
        bare.pragma_update(None, "synchronous", "FULL")
            .expect("it is set");
        loop {
            batch += 1;
            let next: Vec<_> = (0..SLOTS).map(|at| record(slot(at), batch)).collect();
            let changes = changes(&there, &next, batch);
            if mode == "bare" {
                without_transaction(&bare, &changes).expect("it writes");
            } else {
                assert_eq!(store.write(&changes).await, Ok(Outcome::Written));
            }
            acknowledge(batch);
            there = next;
        }
    });
}

fn changes(there: &[Record], next: &[Record], batch: u64) -> Vec<Change> {
    let mut changes: Vec<_> = (0..next.len())
        .map(|at| match there.get(at) {
            None => Change::Insert(next[at].clone()),
            Some(before) => Change::Replace {
                record: next[at].clone(),
                expected: before.version,
            },
        })
        .collect();
    changes.push(Change::Insert(record(added(batch), batch)));
    if let Some(old) = batch.checked_sub(LIVES).filter(|old| *old > 0) {
        changes.push(Change::Remove {
            key: added(old),
            expected: None,
        });
    }
    changes
}

/// Runs the store's statements, each in a transaction of its own.
fn without_transaction(bare: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    for change in changes {
        let id = &change.key().id;
        bare.execute("DELETE FROM sealtoken_record WHERE id = ?1", [id])?;
        bare.execute("DELETE FROM sealtoken_label WHERE id = ?1", [id])?;
        if let Change::Insert(record) | Change::Replace { record, .. } = change {
            let value = &record.labels[0].value;
            // One label, at offset six, with a name of five bytes and a value of eight.
            let labels = [&b"\x01\x00\x06\x05\x00\x08batch"[..], value].concat();
            bare.execute(
                "INSERT INTO sealtoken_record VALUES ('note', ?1, ?2, NULL, ?3, ?4)",
                params![
                    id,
                    record.version.as_bytes().as_slice(),
                    labels,
                    record.body
                ],
            )?;
            bare.execute(
                "INSERT INTO sealtoken_label VALUES ('note', 'batch', ?1, ?2)",
                params![value, id],
            )?;
        }
    }
    Ok(())
}
