//! Operations that are dropped halfway: their events name the token, and count what was done.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use sealtoken::events::{Event, Operation};
use sealtoken::store::MemoryStore;
use sealtoken::vault::operation;
use sealtoken::{Key, KeyRing, Lifetime, State};

use super::events::Recorder;
use super::{Bench, RIGHT, at_once};
use crate::faulty::{Fault, Faulty};

/// A vault whose namespace exists, with the recorder of its events.
async fn recorded() -> (Bench, Arc<Faulty>, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let store = Faulty::over(MemoryStore::new(), &[Fault::None], u64::MAX);
    let options = at_once().events(recorder.clone());
    let bench = Bench::over(store.clone(), options).await;
    bench.vault.create("first").await.unwrap();
    recorder.one();
    (bench, store, recorder)
}

/// Drops an operation that waits for the reply to the store's call with this number. The call was
/// done.
async fn drop_at(store: &Faulty, call: u64, operation: impl IntoFuture) {
    store.set_rival(Box::pin(pending()));
    store.fail_from(call);
    let mut operation = Box::pin(operation.into_future());
    poll_fn(|context| {
        let is_over = operation.as_mut().poll(context).is_ready();
        assert!(!is_over, "it ended before call {call}");
        if store.has_failed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn assert_cancelled(event: &Event, operation: Operation) {
    assert_eq!(
        (event.operation, event.outcome),
        (operation, Err("cancelled"))
    );
}

#[tokio::test]
async fn a_cancelled_create_names_the_token_that_it_drew() {
    let (bench, store, recorder) = recorded().await;
    drop_at(&store, 1, bench.vault.create("v")).await;
    let cancelled = recorder.one();
    assert_cancelled(&cancelled, operation::CREATE);
    let entries = bench.vault.list().await.unwrap().entries;
    assert_eq!(entries.len(), 2);
    recorder.all();
    for entry in entries {
        bench.vault.get(entry.unwrap().id).await.unwrap();
    }
    let known = recorder.all();
    let named = known.iter().filter(|event| event.token == cancelled.token);
    assert!(cancelled.token.is_some() && named.count() == 1);
}

/// While its password is hashed, or its entry is looked up.
#[tokio::test]
async fn a_cancelled_create_names_a_token_of_the_callers_own_before_any_work() {
    let (bench, store, recorder) = recorded().await;
    let token = "a-token-of-my-own-001";
    let create = bench.vault.create("v").token(token).password(RIGHT);
    drop_at(&store, 1, create).await;
    let cancelled = recorder.one();
    assert_cancelled(&cancelled, operation::CREATE);
    drop_at(&store, 1, bench.vault.upsert(token, "v")).await;
    let upsert = recorder.one();
    assert_cancelled(&upsert, operation::UPDATE);
    assert_eq!(bench.vault.exists(token).await, Ok(false));
    let known = recorder.one().token;
    assert!(known.is_some());
    assert_eq!([cancelled.token, upsert.token], [known, known]);
}

#[tokio::test]
async fn a_cancelled_operation_on_many_values_counts_those_that_were_done() {
    let (bench, store, recorder) = recorded().await;
    let vault = &bench.vault;
    // Two new values are a batch, and one removal.
    store.max_batch.store(7, Ordering::SeqCst);
    let hour = Lifetime::hours(1);
    drop_at(&store, 2, vault.create_many(["v"; 5])).await;
    let created = recorder.one();
    assert_cancelled(&created, operation::CREATE);
    assert_eq!((created.count, created.token), (Some(2), None));

    let many = vault.create_many(["v"; 3]).expires(hour).await.unwrap();
    assert!(many.iter().all(Result::is_ok));
    recorder.one();
    bench.clock.advance(3600);
    // The page, and then each of the values.
    drop_at(&store, 3, vault.soft_delete_expired()).await;
    let deleted = recorder.one();
    assert_cancelled(&deleted, operation::SOFT_DELETE_EXPIRED);
    assert_eq!(deleted.count, Some(1));
    drop_at(&store, 4, vault.purge_expired()).await;
    let purged = recorder.one();
    assert_cancelled(&purged, operation::PURGE_EXPIRED);
    assert_eq!(purged.count, Some(1));
}

#[tokio::test]
async fn an_operation_on_many_that_is_cancelled_at_once_counts_none() {
    let (bench, store, recorder) = recorded().await;
    let (vault, list) = (&bench.vault, bench.vault.list());
    drop_at(&store, 1, list.clone()).await;
    let all = list.clone().with(State::Expired).with(State::Deleted);
    drop_at(&store, 1, all.count()).await;
    drop_at(&store, 1, list.tally()).await;
    drop_at(&store, 1, vault.rekey(RIGHT, "another password")).await;
    let events = recorder.all();
    let counts: Vec<_> = events.iter().map(|event| event.count).collect();
    assert_eq!(counts, [Some(0); 4]);
}

#[tokio::test]
async fn a_cancelled_import_counts_what_was_taken_in() {
    let (bench, store, recorder) = recorded().await;
    let (reader, text, _) = super::import::vector();
    let tokens = [
        "first-of-three-values",
        "second-of-three-values",
        "third-of-three-values",
    ];
    let rows = tokens.map(|token| super::import::stored(&reader, token, &text, None));
    drop_at(&store, 3, bench.vault.import(rows)).await;
    let events = recorder.all();
    let last = events.last().unwrap();
    assert_cancelled(last, operation::IMPORT);
    assert_eq!(last.count, Some(2));
    let create = &events[events.len() - 2];
    assert_cancelled(create, operation::CREATE);
    assert!(create.token.is_some());
}

#[tokio::test]
async fn a_cancelled_rewrap_counts_the_keysets_that_were_sealed_again() {
    let (bench, store, recorder) = recorded().await;
    let both = KeyRing::new(Key::generate()).with_retired(bench.old.clone());
    bench.keys.replace(&both.unwrap()).unwrap();
    // The page, and then each keyset.
    drop_at(&store, 3, bench.vault.rewrap()).await;
    let cancelled = recorder.one();
    assert_cancelled(&cancelled, operation::REWRAP);
    assert_eq!(cancelled.count, Some(1));
}

#[tokio::test]
async fn a_cancelled_count_tells_how_far_it_came() {
    let (bench, store, recorder) = recorded().await;
    let vault = &bench.vault;
    let many = vault.create_many(["v"; 1500]).await.unwrap();
    assert!(many.iter().all(Result::is_ok));
    recorder.one();
    // Pages of a thousand.
    drop_at(&store, 2, vault.list().count()).await;
    let cancelled = recorder.one();
    assert_cancelled(&cancelled, operation::LIST);
    assert_eq!(cancelled.count, Some(1000));
}
