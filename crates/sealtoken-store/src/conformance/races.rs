//! Concurrent writers.

use std::sync::Arc;
use std::time::Duration;

use crate::{Change, Outcome, Query, Record, Store};

use super::fixture::{
    all_pages, assert_exists, at_once, changed, collection, get, insert, key, notes, record,
    replace, sorted, tag, tagged, write,
};

const WRITERS: usize = 32;

/// What each writer tried to write, and the outcome.
type Attempt = (Record, Outcome);

/// Asserts that one writer won, that each loser got the winner's record, and that this record
/// exists.
async fn assert_one_won(store: &dyn Store, results: Vec<Attempt>) -> Record {
    let (won, lost): (Vec<Attempt>, Vec<Attempt>) = results
        .into_iter()
        .partition(|(_, outcome)| *outcome == Outcome::Written);
    assert_eq!(won.len(), 1, "one writer wins");
    let winner = sorted(won[0].0.clone());
    assert_eq!(lost.len(), WRITERS - 1);
    for (_, outcome) in lost {
        let Outcome::Conflict { index: 0, current } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(current.map(sorted), Some(winner.clone()));
    }
    assert_exists(store, &winner).await;
    winner
}

/// Of 32 writers at one version exactly one wins, and each loser gets the winner's record.
pub(super) async fn of_32_writers_at_one_version_one_wins(store: Arc<dyn Store>) {
    let mut existing = record("id").with_label(tag(), "start");
    insert(&*store, [existing.clone()]).await;
    for _ in 0..5 {
        let results = at_once(WRITERS, &store, |at, store| {
            let mut mine = changed(&existing, [u8::try_from(at).unwrap()]);
            mine.labels.clear();
            let mine = mine.with_label(tag(), at.to_be_bytes());
            let change = replace(&existing, mine.clone());
            async move { (mine, store.write(&[change]).await.expect("no error")) }
        })
        .await;
        existing = assert_one_won(&*store, results).await;
        // The losers left no label.
        for at in 0..WRITERS {
            let value = at.to_be_bytes();
            let found = tagged(&*store, &value).await.len();
            assert_eq!(found, usize::from(existing.labels[0].value == value));
        }
    }
}

/// Of 32 who insert one id exactly one wins, and each loser gets the winner's record.
pub(super) async fn of_32_inserters_of_one_id_one_wins(store: Arc<dyn Store>) {
    for round in 0..5_u8 {
        let results = at_once(WRITERS, &store, |at, store| {
            let mut mine = record([round]).with_label(tag(), [round, 1]);
            mine.body = vec![u8::try_from(at).unwrap()];
            let change = Change::Insert(mine.clone());
            async move { (mine, store.write(&[change]).await.expect("no error")) }
        })
        .await;
        assert_one_won(&*store, results).await;
        assert_eq!(tagged(&*store, &[round, 1]).await, [[round]]);
    }
}

/// Writers whose batches name the same records in different orders all finish, and no update is
/// lost.
pub(super) async fn crossing_batches_lose_no_update(store: Arc<dyn Store>) {
    const ROUNDS: u8 = 5;
    const RECORDS: u8 = 4;
    let zero = |at: u8| changed(&record([at + 1]), [0]).with_label(tag(), [at + 1]);
    insert(&*store, (0..RECORDS).map(zero)).await;
    at_once(8, &store, |at, store| async move {
        for _ in 0..ROUNDS {
            loop {
                let mut batch = Vec::new();
                for record in all_pages(&*store, &Query::all(notes())).await {
                    let next = changed(&record, [record.body[0] + 1]);
                    batch.push(replace(&record, next));
                }
                batch.rotate_left(at % usize::from(RECORDS));
                if at % 2 == 0 {
                    batch.reverse();
                }
                if store.write(&batch).await.expect("no error") == Outcome::Written {
                    break;
                }
            }
        }
    })
    .await;
    for record in all_pages(&*store, &Query::all(notes())).await {
        assert_eq!(record.body, [8 * ROUNDS], "no update is lost");
    }
}

/// Writers of different records do not block each other.
pub(super) async fn writers_of_different_records_all_win(store: Arc<dyn Store>) {
    let results = at_once(WRITERS, &store, |at, store| {
        let mine = record(at.to_be_bytes()).with_label(tag(), "x");
        async move { store.write(&[Change::Insert(mine)]).await }
    })
    .await;
    assert!(results.iter().all(|result| *result == Ok(Outcome::Written)));
    assert_eq!(tagged(&*store, b"x").await.len(), WRITERS);
}

/// A reader sees each record as one write left it, even while another is in progress.
pub(super) async fn readers_see_each_record_whole(store: Arc<dyn Store>) {
    const ROUNDS: u8 = 40;
    let state = |round: u8| {
        let record = changed(&record("id"), vec![round; 20_000]);
        record.with_label(tag(), [round; 100])
    };
    let start = state(1);
    insert(&*store, [start.clone()]).await;
    at_once(5, &store, |at, store| {
        let mut existing = start.clone();
        async move {
            if at == 0 {
                for round in 2..=ROUNDS {
                    let next = state(round);
                    write(&*store, &[replace(&existing, next.clone())]).await;
                    existing = next;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                return;
            }
            loop {
                let seen = get(&*store, &key("id")).await.expect("it exists");
                let round = seen.body[0];
                assert!(seen.body.len() == 20_000 && seen.body.iter().all(|byte| *byte == round));
                assert_eq!(seen.labels[0].value, [round; 100]);
                if round == ROUNDS {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
}

/// A reader of many records sees them all as one batch left them, in any collections.
pub(super) async fn many_records_are_read_at_one_moment(store: Arc<dyn Store>) {
    const ROUNDS: u8 = 60;
    let state = |round: u8| {
        let records = (0..16_u8).map(|at| {
            let mut record = changed(&record([at]), [round]);
            record.key.collection = collection(if at % 2 == 0 { "note" } else { "other" });
            record
        });
        records.collect::<Vec<_>>()
    };
    let start = state(1);
    let keys: Vec<_> = start.iter().map(|record| record.key.clone()).collect();
    insert(&*store, start.clone()).await;
    at_once(4, &store, |at, store| {
        let (mut existing, keys) = (start.clone(), keys.clone());
        async move {
            if at == 0 {
                for round in 2..=ROUNDS {
                    let next = state(round);
                    let pairs = existing.iter().zip(next.clone());
                    let batch: Vec<_> = pairs.map(|(old, new)| replace(old, new)).collect();
                    write(&*store, &batch).await;
                    existing = next;
                    tokio::task::yield_now().await;
                }
                return;
            }
            loop {
                let seen = store.get_many(&keys).await.expect("a read");
                let rounds: Vec<u8> = seen.iter().flatten().map(|record| record.body[0]).collect();
                assert_eq!(rounds, [rounds[0]; 16], "one moment");
                if rounds[0] == ROUNDS {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
}
