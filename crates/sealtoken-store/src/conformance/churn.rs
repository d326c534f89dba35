//! Scans while others write.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use crate::{Change, Query, Record, Store, Values};

use super::fixture::{changed, insert, notes, page, record, remove, replace, tag, write};

const STAY: u8 = 60;

/// A record between two permanent ones, in the order of ids and of label values.
fn passing(at: u8, round: u16) -> Record {
    let id = [&[at, 1][..], &round.to_be_bytes()].concat();
    record(id.clone()).with_label(tag(), id)
}

/// Inserts, moves and removes records, and replaces the permanent ones, until the scans end.
async fn churn(store: Arc<dyn Store>, mut staying: Vec<Record>, rounds: watch::Sender<u16>) {
    let mut moving = VecDeque::new();
    let mut round = 0_u16;
    while !rounds.is_closed() {
        round = round.wrapping_add(1);
        let at = u8::try_from(round % u16::from(STAY)).unwrap();
        let new = passing(at, round);
        let stays = &mut staying[usize::from(at)];
        let next = changed(stays, round.to_be_bytes());
        let batch = [Change::Insert(new.clone()), replace(stays, next.clone())];
        write(&*store, &batch).await;
        *stays = next;
        // It moves past all permanent records, and is removed later.
        let mut moved = changed(&new, "moved");
        moved.labels.clear();
        let moved = moved.with_label(tag(), [STAY - at, 1, 0]);
        write(&*store, &[replace(&new, moved.clone())]).await;
        moving.push_back(moved);
        if moving.len() > 20 {
            let gone: Record = moving.pop_front().expect("a moving record");
            write(&*store, &[remove(&gone.key, Some(gone.version))]).await;
        }
        rounds.send_replace(round);
        tokio::task::yield_now().await;
    }
}

/// How often a scan sees each permanent record, with writes between every few pages.
async fn seen(
    store: &dyn Store,
    mut query: Query,
    rounds: &mut watch::Receiver<u16>,
) -> BTreeMap<u8, u32> {
    let mut seen = BTreeMap::new();
    for at in 0..10_000 {
        if at % 3 == 0 {
            rounds.changed().await.expect("the writer goes on");
        }
        let page = page(store, &query).await;
        let staying = page.records.iter().filter(|record| record.key.id[1] == 0);
        for record in staying {
            *seen.entry(record.key.id[0]).or_insert(0) += 1;
        }
        query.after = page.next;
        if query.after.is_none() {
            return seen;
        }
    }
    panic!("the scan does not end");
}

/// A scan during changes returns each permanent record exactly once.
pub(super) async fn a_scan_under_churn_neither_skips_nor_repeats(store: Arc<dyn Store>) {
    let staying: Vec<_> = (0..STAY)
        .map(|at| record([at, 0]).with_label(tag(), [at, 0]))
        .collect();
    insert(&*store, staying.clone()).await;
    let (sender, mut rounds) = watch::channel(0);
    let churning = tokio::spawn(churn(store.clone(), staying, sender));
    let expected: BTreeMap<u8, u32> = (0..STAY).map(|at| (at, 1)).collect();
    for limit in [1, 3, 7, 1000] {
        for query in [
            Query::all(notes()),
            Query::label(notes(), tag(), Values::beginning_with("")),
        ] {
            let query = query.limit(limit);
            let seen = seen(&*store, query.clone(), &mut rounds).await;
            assert_eq!(seen, expected, "{query:?}");
        }
    }
    drop(rounds);
    churning.await.expect("the writer ended");
}
