//! Events: one for each operation, with its outcome and its count.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use sealtoken::events::{Event, EventSink, Operation};
use sealtoken::store::MemoryStore;
use sealtoken::vault::{Vault, VaultError, operation};
use sealtoken::{Key, KeyRing, Lifetime, ServiceError, State};

use super::hostile::HostileStore;
use super::{Bench, RIGHT, WRONG, at_once};
use crate::engine::Engine;
use crate::faulty::{Fault, Faulty, unknown};

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Result<(), VaultError>> + 'a>>;

#[derive(Debug, Default, Clone)]
pub(super) struct Recorder(pub(super) Arc<Mutex<Vec<Event>>>);

impl EventSink for Recorder {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Recorder {
    /// The events since this was last asked.
    pub(super) fn all(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The one event since this was last asked.
    pub(super) fn one(&self) -> Event {
        let mut events = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }
}

/// A vault behind an `Arc` of a sink, and over a store that can go away.
async fn recorded() -> (Bench, Arc<Faulty>, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let options = at_once().events(recorder.clone()).keep_versions(3);
    let bench = Bench::over(store.clone(), options).await;
    (bench, store, recorder)
}

#[tokio::test]
async fn an_event_counts_what_was_done() {
    let (bench, _store, recorder) = recorded().await;
    let vault = &bench.vault;
    let long = vec![0; 1024 * 1024 + 1];
    let values = [b"a".to_vec(), long, b"b".to_vec()];
    let created = vault.create_many(values).expires(Lifetime::hours(1)).await;
    let created = created.unwrap();
    assert_eq!(recorder.one().count, Some(2));
    let token = created[0].as_ref().unwrap();
    vault
        .read_many([token.expose(), "tk_not_there_at_all"])
        .await
        .unwrap();
    assert_eq!(recorder.one().count, Some(1));
    vault.list().await.unwrap();
    assert_eq!(recorder.one().count, Some(2));
    vault.list().count().await.unwrap();
    assert_eq!(recorder.one().count, Some(2));
    for value in ["c", "d"] {
        vault.update(token, value).await.unwrap();
        assert_eq!(recorder.one().operation, operation::UPDATE);
    }
    vault.versions(token).await.unwrap();
    assert_eq!(recorder.one().count, Some(3));
    vault.prune_versions(token, 0).await.unwrap();
    let pruned = recorder.one();
    assert_eq!(
        (pruned.operation, pruned.count),
        (operation::PRUNE, Some(2))
    );
    bench.clock.advance(3600);
    vault.soft_delete_expired().await.unwrap();
    let tally = recorder.one();
    assert_eq!(
        (tally.operation, tally.count),
        (operation::SOFT_DELETE_EXPIRED, Some(2))
    );
    vault.purge_deleted(Duration::ZERO).await.unwrap();
    let purged = recorder.one();
    assert_eq!(
        (purged.operation, purged.count),
        (operation::PURGE_DELETED, Some(2))
    );
    vault.rewrap().await.unwrap();
    assert_eq!(recorder.one().count, Some(0));
}

/// The store does not answer, and the caller gives up.
#[tokio::test]
async fn an_operation_that_is_dropped_is_reported_as_cancelled() {
    let (bench, store, recorder) = recorded().await;
    let vault = &bench.vault;
    let token = vault.create("v").await.unwrap();
    let created = recorder.one();
    let read = async { vault.read(&token).await.map(drop) };
    let dropped: [(_, BoxFuture<'_>, _); 2] = [
        (operation::READ, Box::pin(read), created.token),
        (
            operation::DELETE,
            Box::pin(vault.delete(&token)),
            created.token,
        ),
    ];
    for (operation, mut work, token) in dropped {
        store.hold.store(true, Ordering::SeqCst);
        let context = &mut Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(context).is_pending());
        drop(work);
        let event = recorder.one();
        assert_eq!(
            (event.operation, event.outcome, event.token),
            (operation, Err("cancelled"), token)
        );
    }
}

#[tokio::test]
async fn an_upsert_is_one_event_of_what_it_did() {
    let (bench, _store, recorder) = recorded().await;
    let token = "a-token-of-my-own-001";
    for expected in [operation::CREATE, operation::UPDATE] {
        bench.vault.upsert(token, "v").await.unwrap();
        let event = recorder.one();
        assert_eq!((event.operation, event.outcome), (expected, Ok(())));
        assert!(event.token.is_some());
    }
}

#[tokio::test]
async fn an_outage_is_an_event_of_every_operation_and_no_answer_of_any() {
    let (bench, store, recorder) = recorded().await;
    let token = "a-token-of-my-own-001";
    bench.vault.create("v").token(token).await.unwrap();
    recorder.one();
    // One has used its namespace; the other has not read the keyset yet.
    let other = bench
        .again(at_once().events(recorder.clone()))
        .await
        .unwrap();
    store.fail_from(1);
    for vault in [&bench.vault, &other] {
        let reported = |operation: Operation, result: Result<(), VaultError>| {
            let away = matches!(result, Err(VaultError::Service(ServiceError::Store(_))));
            assert!(away, "{operation}: {result:?}");
            let event = recorder.one();
            assert_eq!(
                (event.operation, event.outcome),
                (operation, Err("unavailable"))
            );
            assert_eq!(event.namespace.as_deref(), Some(Vault::DEFAULT_NAMESPACE));
        };
        let hour = Lifetime::hours(1);
        reported(operation::CREATE, vault.create("v").await.map(drop));
        reported(
            operation::CREATE,
            vault.create("v").password(RIGHT).await.map(drop),
        );
        reported(operation::READ, vault.read(token).await.map(drop));
        reported(operation::READ, vault.read_many([token]).await.map(drop));
        reported(operation::UPDATE, vault.update(token, "w").await);
        reported(operation::UPDATE, vault.upsert(token, "w").await);
        reported(
            operation::READ_VERSION,
            vault.read(token).version(1).await.map(drop),
        );
        reported(
            operation::ROLL_BACK,
            vault.roll_back(token, 1).await.map(drop),
        );
        reported(
            operation::PRUNE,
            vault.prune_versions(token, 0).await.map(drop),
        );
        reported(operation::RENEW, vault.renew(token).expires(hour).await);
        reported(operation::SOFT_DELETE, vault.soft_delete(token).await);
        reported(operation::RESTORE, vault.restore(token).await);
        reported(operation::DELETE, vault.delete(token).await);
        reported(operation::GET, vault.get(token).await.map(drop));
        reported(operation::EXISTS, vault.exists(token).await.map(drop));
        reported(operation::LIST, vault.list().await.map(drop));
        reported(operation::LIST, vault.list().count().await.map(drop));
        reported(operation::VERSIONS, vault.versions(token).await.map(drop));
        reported(operation::UNLOCK, vault.unlock(RIGHT).await.map(drop));
        reported(operation::REKEY, vault.rekey(RIGHT, WRONG).await.map(drop));
        reported(
            operation::SOFT_DELETE_EXPIRED,
            vault.soft_delete_expired().await.map(drop),
        );
        reported(
            operation::PURGE_DELETED,
            vault.purge_deleted(Duration::ZERO).await.map(drop),
        );
        reported(operation::REWRAP, vault.rewrap().await.map(drop));
    }
}

/// A purge whose batch collides with a rival's write, and whose second value cannot be written
/// then.
#[tokio::test]
async fn an_event_counts_what_was_done_before_it_was_cut_off() {
    let recorder = Arc::new(Recorder::default());
    let faults = [Fault::None, Fault::None, Fault::None, Fault::Before];
    let store = Faulty::over(MemoryStore::new(), &faults, u64::MAX);
    let options = at_once().events(recorder.clone());
    let bench = Bench::over(store.clone(), options).await;
    let tokens = [
        "ends-as-the-first-1",
        "ends-as-the-second-2",
        "renewed-meanwhile-3",
    ];
    for (token, seconds) in tokens.into_iter().zip(1..) {
        let create = bench.vault.create("v").token(token);
        create.expires(Lifetime::seconds(seconds)).await.unwrap();
        recorder.one();
    }
    bench.clock.advance(10);
    let options = Vault::options().clock(bench.clock.clone());
    let other = options
        .open(store.inner.clone(), &bench.keys)
        .await
        .unwrap();
    store.set_rival(Box::pin(async move {
        let renew = other
            .renew(tokens[2])
            .expires(Lifetime::hours(1))
            .even_expired();
        renew.await.unwrap();
    }));
    store.fail_from(1);
    unknown(bench.vault.purge_expired().await);
    assert_eq!(recorder.one().count, Some(1));
    assert_eq!(bench.vault.list().with(State::Expired).count().await, Ok(2));
}

#[tokio::test]
async fn an_event_counts_the_keysets_of_a_rewrap_that_was_cut_off() {
    let recorder = Arc::new(Recorder::default());
    let store = HostileStore::new();
    let options = Vault::options().events(recorder.clone());
    let bench = Bench::over(store.clone(), options).await;
    bench.vault.create("v").await.unwrap();
    recorder.one();
    let retired = KeyRing::new(Key::generate()).with_retired(bench.old.clone());
    bench.keys.replace(&retired.unwrap()).unwrap();
    store.fail_at(2);
    unknown(bench.vault.rewrap().await);
    assert_eq!(recorder.one().count, Some(1));
}

#[tokio::test]
async fn an_event_counts_what_was_taken_in_before_the_rest_failed() {
    let (bench, store, recorder) = recorded().await;
    // The namespace exists, so that each value is one write.
    bench.vault.create("v").await.unwrap();
    recorder.one();
    store.fail_from(3);
    let (reader, text, _) = super::import::vector();
    let rows = [
        "first-of-three-values",
        "second-of-three-values",
        "third-of-three-values",
    ];
    let rows = rows.map(|token| super::import::stored(&reader, token, &text, None));
    unknown(bench.vault.import(rows).await);
    let events = std::mem::take(&mut *recorder.0.lock().unwrap());
    let last = events.last().unwrap();
    assert_eq!((last.operation, last.count), (operation::IMPORT, Some(2)));
}

/// Two tokens have two fingerprints, the same in every event, and a refusal is reported as one.
#[tokio::test]
async fn events_distinguish_tokens_and_refusals_from_successes() {
    let recorder = Recorder::default();
    let options = Vault::options().events(recorder.clone());
    let bench = Bench::with(Engine::memory(), options).await;
    let vault = bench.vault.namespace("ada").unwrap();
    let mut names = Vec::new();
    for _ in 0..2 {
        let id = vault.create("the-value").await.unwrap();
        vault.read(&id).await.unwrap();
        vault.delete(&id).await.unwrap();
        vault.read(&id).await.unwrap_err();
        vault.delete(&id).await.unwrap_err();
        let events = std::mem::take(&mut *recorder.0.lock().unwrap());
        let outcomes: Vec<_> = events.iter().map(|event| event.outcome).collect();
        let gone = Err("not_found");
        assert_eq!(outcomes, [Ok(()), Ok(()), Ok(()), gone, gone]);
        let name = events[0].token.unwrap();
        assert!(events.iter().all(|event| event.token == Some(name)));
        names.push(name.to_string());
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test]
async fn every_operation_is_reported_without_a_secret() {
    let recorder = Recorder::default();
    let options = Vault::options().events(recorder.clone()).keep_versions(2);
    let bench = Bench::with(Engine::memory(), options).await;
    let vault = bench.vault.namespace("ada").unwrap();
    let id = vault.create("the-value").password(RIGHT).await.unwrap();
    vault.create_many(["the-value"]).await.unwrap();
    vault.read(&id).password(RIGHT).await.unwrap();
    vault.read(&id).password(WRONG).await.unwrap_err();
    vault.read_many([&id]).password(RIGHT).await.unwrap();
    vault.update(&id, "x").password(RIGHT).await.unwrap();
    vault.read(&id).version(1).password(RIGHT).await.unwrap();
    vault.roll_back(&id, 1).password(RIGHT).await.unwrap();
    vault.prune_versions(&id, 1).await.unwrap();
    vault.renew(&id).expires(Lifetime::hours(1)).await.unwrap();
    vault.soft_delete(&id).await.unwrap();
    vault.restore(&id).await.unwrap();
    vault.get(&id).await.unwrap();
    vault.exists(&id).await.unwrap();
    vault.list().await.unwrap();
    vault.versions(&id).await.unwrap();
    vault.unlock(RIGHT).await.unwrap();
    vault.rekey(RIGHT, WRONG).await.unwrap();
    vault.soft_delete_expired().await.unwrap();
    vault
        .purge_deleted(std::time::Duration::ZERO)
        .await
        .unwrap();
    vault.rewrap().await.unwrap();
    vault.delete(&id).await.unwrap();

    let events = recorder.0.lock().unwrap();
    let operations: Vec<Operation> = events.iter().map(|event| event.operation).collect();
    assert_eq!(
        operations,
        [
            sealtoken::vault::operation::CREATE,
            sealtoken::vault::operation::CREATE,
            sealtoken::vault::operation::READ,
            sealtoken::vault::operation::READ,
            sealtoken::vault::operation::READ,
            sealtoken::vault::operation::UPDATE,
            sealtoken::vault::operation::READ_VERSION,
            sealtoken::vault::operation::ROLL_BACK,
            sealtoken::vault::operation::PRUNE,
            sealtoken::vault::operation::RENEW,
            sealtoken::vault::operation::SOFT_DELETE,
            sealtoken::vault::operation::RESTORE,
            sealtoken::vault::operation::GET,
            sealtoken::vault::operation::EXISTS,
            sealtoken::vault::operation::LIST,
            sealtoken::vault::operation::VERSIONS,
            sealtoken::vault::operation::UNLOCK,
            sealtoken::vault::operation::REKEY,
            sealtoken::vault::operation::SOFT_DELETE_EXPIRED,
            sealtoken::vault::operation::PURGE_DELETED,
            sealtoken::vault::operation::REWRAP,
            sealtoken::vault::operation::DELETE,
        ]
    );
    assert_eq!(events[3].outcome, Err("invalid_password"));
    assert_eq!(events[0].token, events[2].token);
    assert!(events[0].token.is_some() && events[0].namespace.as_deref() == Some("ada"));
    assert_eq!((events[1].count, events[17].count), (Some(1), Some(1)));
    let text = format!("{events:?}");
    for secret in [id.expose(), "the-value", RIGHT, WRONG] {
        assert!(!text.contains(secret), "{secret}");
    }
}
