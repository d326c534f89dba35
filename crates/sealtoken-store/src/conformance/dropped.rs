//! Futures that are dropped before they end.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use crate::{Change, Query, Record, Store, Values};

use super::fixture::{
    assert_there, changed, found, get, insert, key, notes, record, remove, replace, tag, write,
};

const RECORDS: u8 = 20;

/// Polls a future so often, with a moment between, and drops it.
async fn poll_and_drop<F: Future>(future: F, polls: usize, pause: Duration) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut context).is_ready() {
            return;
        }
        if pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
        }
    }
}

/// How many of the records have this mark in body and label; `None` while body and label disagree.
async fn marked(store: &dyn Store, mark: u8) -> Option<usize> {
    let mut by_key = Vec::new();
    for at in 0..RECORDS {
        let there = get(store, &key([at])).await;
        by_key.extend(there.filter(|r| r.body[0] == mark).map(|r| r.key.id));
    }
    let query = Query::label(notes(), tag(), Values::exactly([mark]));
    (found(store, &query).await == by_key).then_some(by_key.len())
}

/// Waits until a batch that was left alone is whole. It may still be under way.
async fn assert_whole(store: &dyn Store, mark: u8) -> bool {
    let began = Instant::now();
    loop {
        match marked(store, mark).await {
            Some(0) => return false,
            Some(count) if count == usize::from(RECORDS) => return true,
            other => assert!(
                began.elapsed() < Duration::from_secs(5),
                "half a batch stays: {other:?} of {RECORDS}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn marked_records(mark: u8) -> impl Iterator<Item = Record> {
    (0..RECORDS).map(move |at| changed(&record([at]), [mark]).with_label(tag(), [mark]))
}

/// A write that is dropped is done or not done, labels included, and the store goes on.
pub async fn a_dropped_write_leaves_nothing_half_done(store: Arc<dyn Store>) {
    let mut there: Vec<_> = marked_records(1).collect();
    insert(&*store, there.clone()).await;
    for (attempt, polls) in (2..40_u8).zip([0, 1, 2, 3, 4, 6, 9, 13].into_iter().cycle()) {
        let pause = Duration::from_micros(u64::from(attempt / 8) * 150);
        let next: Vec<_> = marked_records(attempt).collect();
        let batch: Vec<_> = there
            .iter()
            .zip(&next)
            .map(|(a, b)| replace(a, b.clone()))
            .collect();
        poll_and_drop(store.write(&batch), polls, pause).await;
        // What is written now comes after what was dropped, or before it: then one of them is told.
        let other = record("other");
        write(&*store, &[Change::Insert(other.clone())]).await;
        assert_there(&*store, &other).await;
        write(&*store, &[remove(&other.key, Some(other.version))]).await;
        if assert_whole(&*store, attempt).await {
            there = next;
        } else {
            // It may come late, but not after a write that takes its place.
            let outcome = store.write(&batch).await.expect("no error");
            drop(outcome);
            assert!(assert_whole(&*store, attempt).await);
            there = next;
        }
    }
    for record in there {
        assert_there(&*store, &record).await;
    }
}

/// Reads, scans, counts and purges that are dropped leave the store as usable as it was.
pub async fn dropped_reads_leave_the_store_usable(store: Arc<dyn Store>) {
    let records: Vec<_> = marked_records(1).collect();
    insert(&*store, records.clone()).await;
    let keys: Vec<_> = records
        .iter()
        .cycle()
        .take(100)
        .map(|r| r.key.clone())
        .collect();
    let query = Query::all(notes());
    let epoch = sealtoken_time::UnixTime::from_secs(0);
    for round in 0..100_usize {
        let (polls, pause) = (round % 4, Duration::ZERO);
        poll_and_drop(store.get(&keys[0]), polls, pause).await;
        poll_and_drop(store.get_many(&keys), polls, pause).await;
        poll_and_drop(store.scan(&query), polls, pause).await;
        poll_and_drop(store.count(&query), polls, pause).await;
        poll_and_drop(store.purge(&notes(), epoch, 10), polls, pause).await;
    }
    for record in &records {
        assert_there(&*store, record).await;
    }
    assert_eq!(store.count(&query).await, Ok(u64::from(RECORDS)));
}
