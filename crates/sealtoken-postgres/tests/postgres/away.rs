//! A server that stops, comes back, or takes too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sealtoken_postgres::PostgresStore;
use sealtoken_store::{
    Change, Collection, Effect, Outcome, Record, RecordKey, Store as _, StoreError, Version,
};
use tokio_postgres::Client;

use sealtoken_test_servers::postgres::{Schema, Server, blocked_by, connect, patient};

fn note(id: impl Into<Vec<u8>>) -> Record {
    let key = RecordKey::new(Collection::new("note").unwrap(), id);
    Record::new(key, Version::draw().unwrap(), "body")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_heals_when_the_server_comes_back() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = patient(&server.url).open().await.unwrap();
    let first = note("first");
    let insert = [Change::Insert(first.clone())];
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    // Several connections, so that several break.
    let reads: Vec<_> = (0..8)
        .map(|_| {
            let (store, key) = (store.clone(), first.key.clone());
            tokio::spawn(async move { store.get(&key).await })
        })
        .collect();
    for read in reads {
        assert_eq!(read.await.unwrap(), Ok(Some(first.clone())));
    }
    for round in 0..3_u8 {
        server.halt();
        let away = store.get(&first.key).await;
        assert!(
            matches!(
                away,
                Err(StoreError::Unavailable {
                    effect: Effect::None,
                    ..
                })
            ),
            "{away:?}"
        );
        server.resume();
        assert_eq!(store.get(&first.key).await, Ok(Some(first.clone())));
        let insert = [Change::Insert(note([round]))];
        assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    }
}

/// Writers continue while the server crashes. What was acknowledged exists, what had no effect does
/// not, and where the effect is unknown, the version shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = PostgresStore::open(&server.url).await.unwrap();
    let written = Arc::new(AtomicU32::new(0));
    let writers: Vec<_> = (0..8_u32)
        .map(|writer| {
            let (store, written) = (store.clone(), written.clone());
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for n in 0_u32.. {
                    let pair = ["a", "b"].map(|half| note(format!("{writer} {n} {half}")));
                    let batch = pair.clone().map(Change::Insert);
                    // One statement, or a transaction.
                    let batch = &batch[usize::try_from(n % 2).unwrap()..];
                    let answer = store.write(batch).await;
                    let over = answer.is_err();
                    written.fetch_add(1, Ordering::Relaxed);
                    answers.push((batch.to_vec(), answer));
                    if over {
                        break;
                    }
                }
                answers
            })
        })
        .collect();
    while written.load(Ordering::Relaxed) < 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.halt();
    let mut answers = Vec::new();
    for writer in writers {
        answers.extend(writer.await.unwrap());
    }
    server.resume();
    let mut acknowledged = 0;
    for (batch, answer) in answers {
        let keys: Vec<_> = batch.iter().map(|change| change.key().clone()).collect();
        let existing = store.get_many(&keys).await.unwrap();
        let count = existing.iter().flatten().count();
        match answer {
            Ok(outcome) => {
                assert_eq!((outcome, count), (Outcome::Written, keys.len()));
                acknowledged += 1;
            }
            Err(StoreError::Unavailable {
                effect: Effect::None,
                ..
            }) => assert_eq!(count, 0),
            Err(StoreError::Unavailable { .. }) => assert!(count == 0 || count == keys.len()),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(acknowledged > 50, "{acknowledged}");
}

/// The error of a write that waits for the locks of the holder until its timeout. On a busy machine
/// it gets more time, until it was seen to wait. The limit is for a test that hangs.
async fn waits_in_vain(url: &str, holder: &Client, batch: &[Change]) -> StoreError {
    let mut longest = Duration::from_millis(300);
    while longest < Duration::from_secs(3600) {
        // Only the statement should time out.
        let options = patient(url).statement_timeout(longest);
        if let Ok(store) = options.open().await {
            let batch = batch.to_vec();
            let write = tokio::spawn(async move { store.write(&batch).await });
            let mut waited = false;
            while !waited && !write.is_finished() {
                waited = blocked_by(holder).await > 0;
            }
            let answer = write.await.unwrap().expect_err("it is locked");
            if waited {
                return answer;
            }
        }
        longest *= 2;
    }
    panic!("it never waited for the lock");
}

/// Another connection holds a lock for longer than the store waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_gives_up_and_leaves_no_lock() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = patient(&schema.url).open().await.unwrap();
    let (one, two) = (note("one"), note("two"));
    let inserts = [Change::Insert(one.clone()), Change::Insert(two.clone())];
    assert_eq!(store.write(&inserts).await, Ok(Outcome::Written));

    let holder = connect(&schema.url).await;
    holder
        .batch_execute("BEGIN; UPDATE sealtoken_record SET body = '' WHERE id = 'two'")
        .await
        .unwrap();
    let change = |record: &Record| Change::Replace {
        record: note(record.key.id.clone()),
        expected: record.version,
    };
    // A single statement may still be done; the transaction was not committed.
    let late = "no answer in time";
    let single = waits_in_vain(&schema.url, &holder, &[change(&two)]).await;
    assert_eq!(single, StoreError::unknown(late));
    let both = [change(&one), change(&two)];
    let both = waits_in_vain(&schema.url, &holder, &both).await;
    assert_eq!(both, StoreError::unavailable(late));
    // That transaction locked the first record, but is over.
    assert_eq!(store.write(&[change(&one)]).await, Ok(Outcome::Written));

    holder.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.get(&two.key).await, Ok(Some(two.clone())));
    assert_eq!(store.write(&[change(&two)]).await, Ok(Outcome::Written));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_too_long_for_a_connection_fails() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let options = PostgresStore::options(&*schema.url).connections(1);
    let store = options
        .wait_timeout(Duration::from_millis(100))
        .open()
        .await
        .unwrap();
    let one = note("one");
    assert_eq!(
        store.write(&[Change::Insert(one.clone())]).await,
        Ok(Outcome::Written)
    );
    let holder = connect(&schema.url).await;
    holder
        .batch_execute("BEGIN; LOCK TABLE sealtoken_record")
        .await
        .unwrap();
    let waiting = tokio::spawn({
        let (store, key) = (store.clone(), one.key.clone());
        async move { store.get(&key).await }
    });
    while blocked_by(&holder).await == 0 {
        tokio::task::yield_now().await;
    }
    let in_use = StoreError::unavailable("all connections are in use");
    assert_eq!(store.get(&one.key).await, Err(in_use));
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(Some(one)));
}
