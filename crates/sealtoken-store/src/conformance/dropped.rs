//! Futures that are dropped before they complete.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use crate::{Change, Query, Record, Store, Values};

use super::fixture::{
    assert_exists, changed, found, get, insert, key, notes, record, remove, replace, tag, write,
};

const RECORDS: u8 = 20;

/// Polls a future this many times, with pauses in between, and drops it.
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

/// How many records have this mark in body and label; `None` while body and label disagree.
async fn marked(store: &dyn Store, mark: u8) -> Option<usize> {
    let mut by_key = Vec::new();
    for at in 0..RECORDS {
        let existing = get(store, &key([at])).await;
        by_key.extend(existing.filter(|r| r.body[0] == mark).map(|r| r.key.id));
    }
    let query = Query::label(notes(), tag(), Values::exactly([mark]));
    (found(store, &query).await == by_key).then_some(by_key.len())
}

/// Waits until an abandoned batch is whole, since it may still be in progress. Returns whether it
/// was written.
async fn assert_whole(store: &dyn Store, mark: u8) -> bool {
    let began = Instant::now();
    loop {
        match marked(store, mark).await {
            Some(0) => return false,
            Some(count) if count == usize::from(RECORDS) => return true,
            other => assert!(
                began.elapsed() < Duration::from_secs(5),
                "the batch stays half written: {other:?} of {RECORDS}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn marked_records(mark: u8) -> impl Iterator<Item = Record> {
    (0..RECORDS).map(move |at| changed(&record([at]), [mark]).with_label(tag(), [mark]))
}

/// A dropped write is made or not made, labels included, and the store stays usable.
pub(super) async fn a_dropped_write_leaves_nothing_half_done(store: Arc<dyn Store>) {
    let mut existing: Vec<_> = marked_records(1).collect();
    insert(&*store, existing.clone()).await;
    for (attempt, polls) in (2..40_u8).zip([0, 1, 2, 3, 4, 6, 9, 13].into_iter().cycle()) {
        let pause = Duration::from_micros(u64::from(attempt / 8) * 150);
        let next: Vec<_> = marked_records(attempt).collect();
        let batch: Vec<_> = existing
            .iter()
            .zip(&next)
            .map(|(a, b)| replace(a, b.clone()))
            .collect();
        poll_and_drop(store.write(&batch), polls, pause).await;
        // A write made now comes before or after the dropped one. It must succeed either way.
        let other = record("other");
        write(&*store, &[Change::Insert(other.clone())]).await;
        assert_exists(&*store, &other).await;
        write(&*store, &[remove(&other.key, Some(other.version))]).await;
        if assert_whole(&*store, attempt).await {
            existing = next;
        } else {
            // The dropped write may still arrive late, but not after a write that replaces it.
            let outcome = store.write(&batch).await.expect("no error");
            drop(outcome);
            assert!(assert_whole(&*store, attempt).await);
            existing = next;
        }
    }
    for record in existing {
        assert_exists(&*store, &record).await;
    }
}

/// Dropped reads, scans, counts and purges leave the store usable.
pub(super) async fn dropped_reads_leave_the_store_usable(store: Arc<dyn Store>) {
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
        assert_exists(&*store, record).await;
    }
    assert_eq!(store.count(&query).await, Ok(u64::from(RECORDS)));
}
