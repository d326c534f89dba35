//! Scans while others write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{Change, Query, Record, Store, Values};

use super::fixture::{all_pages, changed, insert, notes, record, remove, replace, tag, write};

const STAY: u8 = 60;

/// A record between two that stay, in the order of ids and of label values.
fn passing(at: u8, round: u16) -> Record {
    let id = [&[at, 1][..], &round.to_be_bytes()].concat();
    record(id.clone()).with_label(tag(), id)
}

/// Inserts, moves and removes records, and replaces those that stay, until it is told to end.
async fn churn(store: Arc<dyn Store>, mut staying: Vec<Record>, end: Arc<AtomicBool>) -> u16 {
    let mut round = 0;
    while !end.load(Ordering::Relaxed) {
        round += 1;
        let at = u8::try_from(round % u16::from(STAY)).unwrap();
        let new = passing(at, round);
        let stays = &mut staying[usize::from(at)];
        let next = changed(stays, round.to_be_bytes());
        let batch = [Change::Insert(new.clone()), replace(stays, next.clone())];
        write(&*store, &batch).await;
        *stays = next;
        // It moves over all that stays, and then it goes.
        let mut moved = changed(&new, "moved");
        moved.labels.clear();
        let moved = moved.with_label(tag(), [STAY - at, 1, 0]);
        write(&*store, &[replace(&new, moved.clone())]).await;
        if round % 3 != 0 {
            write(&*store, &[remove(&moved.key, Some(moved.version))]).await;
        }
        tokio::task::yield_now().await;
    }
    round
}

/// A scan under churn gives what was there throughout exactly once.
pub async fn a_scan_under_churn_neither_skips_nor_repeats(store: Arc<dyn Store>) {
    let staying: Vec<_> = (0..STAY)
        .map(|at| record([at, 0]).with_label(tag(), [at, 0]))
        .collect();
    insert(&*store, staying.clone()).await;
    let end = Arc::new(AtomicBool::new(false));
    let churning = tokio::spawn(churn(store.clone(), staying, end.clone()));
    let all = Query::all(notes());
    let by_label = Query::label(notes(), tag(), Values::beginning_with(""));
    for round in 0..8 {
        for query in [&all, &by_label] {
            let query = query.clone().limit([1, 3, 7, 1000][round % 4]);
            let mut seen = BTreeMap::new();
            for record in all_pages(&*store, &query).await {
                if record.key.id[1] == 0 {
                    *seen.entry(record.key.id[0]).or_insert(0) += 1;
                }
            }
            let expected: BTreeMap<u8, i32> = (0..STAY).map(|at| (at, 1)).collect();
            assert_eq!(seen, expected, "{query:?}");
            tokio::task::yield_now().await;
        }
    }
    end.store(true, Ordering::Relaxed);
    let rounds = churning.await.expect("the writer ended");
    assert!(rounds > 0, "something was written meanwhile");
}
