//! Waiting for other stores, for other calls, and for the runtime.

use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{Change, Effect, Outcome, Query, Store as _, StoreError};
use sealtoken_time::UnixTime;
use tokio::runtime::Builder;

use super::attacker::bare;
use super::opening::{insert, note};
use super::{block_on, folder, fresh, open};

#[test]
fn stores_of_one_file_see_and_respect_each_other() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let stores = [open(&path).unwrap(), open(&path).unwrap()];
    let mut existing = block_on(insert(&stores[0], "id"));
    for round in 0..20 {
        let (this, other) = (&stores[round % 2], &stores[(round + 1) % 2]);
        assert_eq!(
            block_on(this.get(&existing.key)),
            Ok(Some(existing.clone()))
        );
        let change = |record| Change::Replace {
            record,
            expected: existing.version,
        };
        let (won, lost) = (note("id"), note("id"));
        assert_eq!(
            block_on(this.write(&[change(won.clone())])),
            Ok(Outcome::Written)
        );
        let conflict = Outcome::Conflict {
            index: 0,
            current: Some(won.clone()),
        };
        assert_eq!(block_on(other.write(&[change(lost)])), Ok(conflict));
        existing = won;
    }
}

#[test]
fn a_writer_waits_for_a_lock_until_its_timeout_and_readers_go_on() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let wait = Duration::from_millis(100);
    let options = SqliteStore::options(&path).busy_timeout(wait).readers(0);
    let store = block_on(options.open()).unwrap();
    let record = block_on(insert(&store, "id"));
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let busy = block_on(store.write(&[Change::Insert(note("other"))]));
    assert!(began.elapsed() >= wait && began.elapsed() < wait * 20);
    assert_eq!(busy, Err(StoreError::unavailable("SQLITE_BUSY")));
    let read = block_on(async {
        let read = store.get(&record.key);
        tokio::time::timeout(Duration::from_secs(60), read).await
    });
    assert_eq!(read.expect("it has no reader"), Ok(Some(record)));
    other.execute_batch("ROLLBACK").unwrap();
    block_on(insert(&store, "other"));
}

#[test]
fn a_caller_behind_others_waits_no_longer() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let options = SqliteStore::options(&path).busy_timeout(Duration::from_millis(400));
    let store = block_on(options.open()).unwrap();
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let answers = block_on(async {
        let writers = (0..50).map(|at| {
            let store = store.clone();
            tokio::spawn(async move {
                match at {
                    0 => store
                        .purge(&note("id").key.collection, UnixTime::from_secs(1), 1)
                        .await
                        .map(|_| ()),
                    _ => store
                        .write(&[Change::Insert(note(&at.to_string()))])
                        .await
                        .map(|_| ()),
                }
            })
        });
        let mut answers = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            answers.push(writer.await.unwrap());
        }
        answers
    });
    // One after the other, they would take 20 seconds.
    assert!(began.elapsed() < Duration::from_secs(10));
    let is_away = |answer: &Result<(), StoreError>| {
        matches!(
            answer,
            Err(StoreError::Unavailable {
                effect: Effect::None,
                ..
            })
        )
    };
    assert!(answers.iter().all(is_away), "{answers:?}");
    other.execute_batch("ROLLBACK").unwrap();
    let all = Query::all(note("id").key.collection);
    assert_eq!(block_on(store.count(&all)), Ok(0));
    block_on(insert(&store, "now"));
}

#[test]
fn a_store_without_a_timeout_does_not_queue() {
    let folder = folder();
    let options = SqliteStore::options(folder.path().join("store.db")).busy_timeout(Duration::ZERO);
    let store = block_on(options.open()).unwrap();
    let answers = block_on(async {
        // Long enough for all others to arrive in the meantime.
        let batch = (0..5_000).map(|at| Change::Insert(note(&format!("batch {at}"))));
        let batches = [batch.collect(), vec![Change::Insert(note("one"))]];
        let writers = batches.map(|batch| {
            let store = store.clone();
            tokio::spawn(async move { store.write(&batch).await })
        });
        let mut answers = Vec::new();
        for writer in writers {
            answers.push(writer.await.unwrap());
        }
        answers
    });
    let refused = StoreError::unavailable("all connections are in use");
    assert_eq!(answers, [Ok(Outcome::Written), Err(refused)]);
}

#[test]
fn any_time_may_be_given_for_waiting() {
    let folder = folder();
    let path = folder.path().join("store.db");
    for wait in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let options = SqliteStore::options(&path).busy_timeout(wait);
        let store = block_on(options.open()).unwrap();
        block_on(insert(&store, &format!("{wait:?}")));
    }
    let options = SqliteStore::options(&path).busy_timeout(Duration::MAX);
    let store = block_on(options.open()).unwrap();
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (sender, done) = mpsc::channel();
    thread::spawn(move || sender.send(block_on(insert(&store, "waits"))).unwrap());
    let while_locked = done.recv_timeout(Duration::from_millis(200));
    assert_eq!(while_locked.err(), Some(mpsc::RecvTimeoutError::Timeout));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(done.recv_timeout(Duration::from_secs(60)).is_ok());
}

#[test]
fn a_runtime_that_ends_leaves_no_batch_half_done() {
    let (store, _folder) = block_on(fresh());
    for round in 0..20 {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let writer = store.clone();
        runtime.spawn(async move {
            let batch: Vec<_> = (0..50)
                .map(|at| Change::Insert(note(&format!("{round}/{at}"))))
                .collect();
            writer.write(&batch).await
        });
        thread::sleep(Duration::from_micros(round * 200));
        drop(runtime);
        let count = block_on(store.count(&Query::all(note("id").key.collection)));
        assert_eq!(count.unwrap() % 50, 0);
    }
    block_on(insert(&store, "still there"));
}

/// If the runtime ends before the work begins, nothing is done, and the error says so.
#[test]
fn work_that_never_began_says_that_nothing_was_done() {
    let (store, _folder) = block_on(fresh());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let batch = [Change::Insert(note("id"))];
    let mut write = store.write(&batch);
    let mut context = Context::from_waker(Waker::noop());
    let inside = handle.enter();
    let written = loop {
        if let Poll::Ready(written) = write.as_mut().poll(&mut context) {
            break written;
        }
        thread::yield_now();
    };
    drop(inside);
    assert_eq!(written, Err(StoreError::unavailable("shutdown")));
    let all = Query::all(note("id").key.collection);
    assert_eq!(block_on(store.count(&all)), Ok(0));
}

#[test]
fn a_purge_that_is_cut_off_after_a_part_does_not_say_that_nothing_was_done() {
    const MANY: i64 = 3_000;
    let folder = folder();
    let path = folder.path().join("store.db");
    let options = SqliteStore::options(&path).busy_timeout(Duration::from_millis(50));
    let store = block_on(options.open()).unwrap();
    let due = |at| note(&format!("{at}")).with_purge_at(UnixTime::from_secs(1));
    let batch: Vec<_> = (0..MANY).map(|at| Change::Insert(due(at))).collect();
    assert_eq!(block_on(store.write(&batch)), Ok(Outcome::Written));
    // Each of these rows is a chunk of its own, because its labels cannot be decoded.
    let other = bare(&path);
    other
        .execute("UPDATE sealtoken_record SET labels = x''", [])
        .unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    let purged = thread::scope(|scope| {
        let purge = scope.spawn(|| {
            let collection = note("id").key.collection;
            block_on(store.purge(&collection, UnixTime::from_secs(2), u32::MAX))
        });
        let left = || {
            let count = "SELECT count(*) FROM sealtoken_record";
            other.query_row(count, [], |row| row.get::<_, i64>(0))
        };
        while left().is_ok_and(|left| left == MANY) {
            thread::yield_now();
        }
        // Between two chunks.
        while !purge.is_finished() && other.execute_batch("BEGIN IMMEDIATE").is_err() {
            thread::yield_now();
        }
        purge.join().unwrap()
    });
    assert_eq!(purged, Err(StoreError::unknown("SQLITE_BUSY")));
}
