//! Operations that are dropped halfway.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::events::Event;
use sealtoken::pat::{PatId, PersonalAccessTokens, operation};
use sealtoken::store::{Change, Collection, MemoryStore, Store as _, StoreError};
use sealtoken::{Lifetime, UnixTime};

use super::events::Recorder;
use super::originals::{self, item};
use super::{ADA, Bench, FREE};
use crate::intercept::{Intercept, Intercepted};

/// Nobody knows how far a dropped operation came.
#[tokio::test]
async fn an_operation_that_is_dropped_half_way_is_reported_as_cancelled() {
    let (bench, store, recorder) = stuck().await;
    let pats = bench.pats;
    let issued = pats.issue(ADA).await.unwrap();
    store.stick_after(0);
    let (id, text) = (issued.record.id, issued.token.expose());
    let later = Duration::from_millis(1);
    for _ in 0..2 {
        let dropped = tokio::time::timeout(later, pats.verify(text)).await;
        assert!(dropped.is_err());
        let revoke = pats.revoke(id).into_future();
        assert!(tokio::time::timeout(later, revoke).await.is_err());
        let list = pats.list().into_future();
        assert!(tokio::time::timeout(later, list).await.is_err());
    }
    let events = recorder.0.lock().unwrap();
    let reported = events.iter().map(|event| (event.operation, event.outcome));
    let cancelled = [operation::VERIFY, operation::REVOKE, operation::LIST];
    let cancelled = cancelled.map(|operation| (operation, Err("cancelled")));
    let expected = [
        [(operation::ISSUE, Ok(()))].as_slice(),
        &cancelled,
        &cancelled,
    ]
    .concat();
    assert_eq!(reported.collect::<Vec<_>>(), expected);
    let named = events.iter().map(|event| event.token.is_some());
    let expected = [true, true, true, false, true, true, false];
    assert_eq!(named.collect::<Vec<_>>(), expected);
}

/// The id is known before the token is stored, even where it was drawn.
#[tokio::test]
async fn a_cancelled_issue_or_registration_names_its_token() {
    let (bench, store, recorder) = stuck().await;
    let pats = &bench.pats;
    let free: PatId = FREE.parse().unwrap();
    let hash = pats.generate_as(free).unwrap().hash;
    store.stick_after(0);
    dropped(pats.issue(ADA)).await;
    dropped(pats.issue(ADA).id(free)).await;
    dropped(pats.register(free, hash, ADA)).await;
    // The token whose id was drawn is stored: only the reply was lost.
    store.stick_after(i64::MAX);
    let tokens = pats.list().await.unwrap().entries;
    let drawn = tokens.into_iter().map(|token| token.unwrap().id);
    let drawn: Vec<_> = drawn.filter(|id| *id != free).collect();
    assert_eq!(drawn.len(), 1);
    for id in [drawn[0], free] {
        pats.get(id).await.unwrap();
    }
    let events = recorder.0.lock().unwrap();
    let [issued, issued_as, registered, _list, first, second] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(first.token.is_some() && first.token != second.token);
    let cancelled = |event: &Event| (event.operation, event.outcome, event.token);
    for (event, operation, token) in [
        (issued, operation::ISSUE, first.token),
        (issued_as, operation::ISSUE, second.token),
        (registered, operation::REGISTER, second.token),
    ] {
        assert_eq!(cancelled(event), (operation, Err("cancelled"), token));
    }
}

#[tokio::test]
async fn a_cancelled_operation_on_many_reports_how_far_it_came() {
    let (bench, store, recorder) = stuck().await;
    let pats = &bench.pats;
    for _ in 0..5 {
        let new = pats.issue(ADA).expires(Lifetime::seconds(1));
        new.await.unwrap();
    }
    bench.clock.advance(2);
    let ids: Vec<_> = (0..250).map(|_| PatId::generate().unwrap()).collect();
    let third = PatId::generate().unwrap();
    let items = [originals::ID, FREE, third.as_str()].map(|id| item(id, ""));
    recorder.0.lock().unwrap().clear();
    store.stick_after(2);
    dropped(pats.import(items)).await;
    // Two at a time.
    store.stick_after(2);
    dropped(pats.purge_expired()).await;
    store.stick_after(0);
    dropped(pats.rewrap()).await;
    store.stick_after(1);
    let get = tokio::time::timeout(PAUSE, pats.get_many(&ids));
    assert!(get.await.is_err());
    let events = recorder.0.lock().unwrap();
    let counts = events
        .iter()
        .map(|event| (event.operation, event.outcome, event.count));
    let cancelled = |operation, count| (operation, Err("cancelled"), Some(count));
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [
            cancelled(operation::IMPORT, 2),
            cancelled(operation::PURGE_EXPIRED, 4),
            cancelled(operation::REWRAP, 0),
            cancelled(operation::GET, 100),
        ]
    );
}

/// Long enough for a store in memory to do all that it will.
const PAUSE: Duration = Duration::from_millis(20);

/// Drops an operation that does not end.
async fn dropped(operation: impl IntoFuture) {
    let ended = tokio::time::timeout(PAUSE, operation.into_future()).await;
    assert!(ended.is_err());
}

async fn stuck() -> (Bench, Arc<Intercepted<Stuck>>, Recorder) {
    let recorder = Recorder::default();
    let store = Arc::new(Intercepted(Stuck::default()));
    store.stick_after(i64::MAX);
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let options = options.keep_expired(Duration::ZERO);
    let bench = Bench::over(store.clone(), options).await;
    (bench, store, recorder)
}

/// A store that carries out every call but answers only a few of them. It purges two records at a
/// time.
#[derive(Debug, Default)]
struct Stuck {
    inner: MemoryStore,
    answers: AtomicI64,
}

impl Stuck {
    fn stick_after(&self, answers: i64) {
        self.answers.store(answers, Ordering::SeqCst);
    }
}

#[async_trait]
impl Intercept for Stuck {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn call<T: Send>(
        &self,
        _: Option<&[Change]>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let done = work.await;
        if self.answers.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::future::pending::<()>().await;
        }
        done
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        Intercept::inner(self)
            .purge(collection, before, limit.min(2))
            .await
    }
}
