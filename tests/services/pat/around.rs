//! Around the operations: events, answers to callers, and what the database shows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::events::{Event, EventSink};
use sealtoken::pat::{Issued, PatError, PersonalAccessTokens, VerifyError, operation};
use sealtoken::store::{Change, MemoryStore, StoreError};
use sealtoken::{Lifetime, PublicError, ServiceError};

use super::{ADA, Bench, NOW, originals, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};
use crate::front::{Behind, Front};

on_every_engine! {
    a_database_shows_no_owner_role_name_token_or_hash,
}

#[tokio::test]
async fn a_caller_gets_the_same_answer_to_every_refusal() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let wrong = with_wrong_secret(&bench.pats, &issued).await;
    let over = bench
        .issue(ADA)
        .expires(Lifetime::seconds(1))
        .await
        .unwrap();
    let revoked = bench.issue(ADA).await.unwrap();
    bench.pats.revoke(revoked.record.id).await.unwrap();
    bench.clock.advance(1);
    let unknown = bench.pats.generate().unwrap();
    let mut codes = Vec::new();
    let text = |issued: &Issued| issued.token.expose().to_owned();
    for text in [
        "x".to_owned(),
        "pat_x".into(),
        wrong,
        text(&over),
        text(&revoked),
        unknown.token.expose().into(),
    ] {
        let error = bench.pats.verify(&text).await.unwrap_err();
        assert_eq!(error.public(), PublicError::Refused);
        assert_eq!(error.public().to_string(), PublicError::Refused.to_string());
        let (debug, shown) = (format!("{error:?}"), error.to_string());
        assert!(!debug.contains(&text[1..]) && !shown.contains(&text[1..]) || text.len() < 6);
        codes.push(error.code());
    }
    assert_eq!(
        codes,
        [
            "invalid_prefix",
            "invalid_format",
            "invalid_secret",
            "expired",
            "revoked",
            "not_found"
        ]
    );
}

/// After waiting that long, the caller has another attempt.
#[test]
fn a_wait_is_told_in_whole_seconds_that_are_enough() {
    for (millis, said) in [(0, "in 1 s"), (999, "in 1 s"), (1000, "in 2 s")] {
        let retry_after = Duration::from_millis(millis);
        let error = VerifyError::Failed(PatError::Service(ServiceError::TooManyAttempts {
            retry_after,
        }));
        assert!(error.to_string().ends_with(said), "{error}");
    }
}

#[derive(Debug, Default, Clone)]
struct Recorder(Arc<Mutex<Vec<Event>>>);

impl EventSink for Recorder {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[tokio::test]
async fn every_operation_is_reported_without_a_secret() {
    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = bench.again(options.bootstrap(root.hash.clone())).await;
    pats.bootstrap(root.token.expose(), "root-owner")
        .await
        .unwrap();
    let issued = pats
        .issue("the-owner")
        .role("the-role")
        .name("the-name")
        .await
        .unwrap();
    let id = issued.record.id;
    pats.issue("the-owner")
        .id(id)
        .role("the-role")
        .name("the-name")
        .await
        .unwrap_err();
    let generated = pats.generate().unwrap();
    let hash = generated.hash.to_string();
    pats.register(generated.id, generated.hash, "the-owner")
        .role("the-role")
        .name("the-name")
        .await
        .unwrap();
    pats.verify(issued.token.expose()).await.unwrap();
    let wrong = with_wrong_secret(&pats, &issued).await;
    pats.verify(&wrong).await.unwrap_err();
    pats.verify("pat_the-nonsense").await.unwrap_err();
    pats.update(id).add_role("the-role-2").await.unwrap();
    pats.revoke(id).await.unwrap();
    pats.restore(id).await.unwrap();
    let rotated = pats.rotate(id).await.unwrap();
    pats.get(id).await.unwrap();
    pats.get_many(&[id, root.id]).await.unwrap();
    pats.list().owner("the-owner").await.unwrap();
    pats.list().role("the-role").count().await.unwrap();
    pats.list().count().await.unwrap();
    pats.purge_expired().await.unwrap();
    pats.rewrap().await.unwrap();
    pats.delete(id).await.unwrap();
    pats.delete(id).await.unwrap_err();

    let events = recorder.0.lock().unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.operation,
                event.outcome,
                event.token.is_some(),
                event.count,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (operation::BOOTSTRAP, Ok(()), true, None),
            (operation::ISSUE, Ok(()), true, None),
            (operation::ISSUE, Err("already_exists"), true, None),
            (operation::REGISTER, Ok(()), true, None),
            (operation::VERIFY, Ok(()), true, None),
            (operation::VERIFY, Err("invalid_secret"), true, None),
            (operation::VERIFY, Err("invalid_format"), false, None),
            (operation::UPDATE, Ok(()), true, None),
            (operation::REVOKE, Ok(()), true, None),
            (operation::RESTORE, Ok(()), true, None),
            (operation::ROTATE, Ok(()), true, None),
            (operation::GET, Ok(()), true, None),
            (operation::GET, Ok(()), false, Some(2)),
            (operation::LIST, Ok(()), false, Some(2)),
            (operation::LIST, Ok(()), false, Some(2)),
            (operation::LIST, Ok(()), false, Some(3)),
            (operation::PURGE_EXPIRED, Ok(()), false, Some(0)),
            (operation::REWRAP, Ok(()), false, None),
            (operation::DELETE, Ok(()), true, None),
            (operation::DELETE, Err("not_found"), true, None),
        ]
    );
    for event in events.iter() {
        let name = event.operation.name();
        assert!(name.starts_with("pat."), "{name}");
        assert_eq!(event.operation.to_string(), name);
    }
    // One token has one name in the log, and another has another.
    assert_eq!(events[1].token, events[18].token);
    assert_ne!(events[1].token, events[3].token);
    assert!(
        events
            .iter()
            .all(|event| event.at.as_secs() == NOW && event.namespace.is_none())
    );
    let text = format!("{events:?}");
    let secrets = [
        issued.token.expose(),
        rotated.token.expose(),
        root.token.expose(),
        &wrong,
        id.as_str(),
        &hash,
        "the-",
        "root-owner",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret}");
    }
    // Nor in what else prints.
    let printed = format!(
        "{:?} {:?} {:?} {issued:?} {rotated:?}",
        pats, issued.token, issued.hash
    );
    for secret in [
        issued.token.expose(),
        rotated.token.expose(),
        &issued.hash.to_string(),
    ] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

/// Each operation reports a refusal as such, with the fingerprint of its token.
#[tokio::test]
async fn each_refusal_is_reported_with_its_code_and_its_token() {
    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = bench.again(options).await;
    let minute = Duration::from_secs(60);
    let mut names = Vec::new();
    for _ in 0..2 {
        let unknown = pats.generate().unwrap();
        let (id, mallory) = (unknown.id, pats.owned_by("mallory"));
        assert!(pats.verify(unknown.token.expose()).await.is_err());
        assert!(pats.update(id).name("n").await.is_err());
        assert!(pats.revoke(id).await.is_err());
        assert!(
            pats.revoke(id)
                .purge_after(Lifetime::days(1))
                .await
                .is_err()
        );
        assert!(pats.restore(id).await.is_err());
        assert!(pats.rotate(id).overlap(minute).await.is_err());
        let hash = unknown.hash.clone();
        assert!(pats.rotate(id).to(hash).overlap(minute).await.is_err());
        assert!(pats.get(id).await.is_err());
        assert!(pats.delete(id).await.is_err());
        assert!(mallory.revoke(id).await.is_err());
        assert!(mallory.delete(id).await.is_err());
        let events = std::mem::take(&mut *recorder.0.lock().unwrap());
        assert_eq!(events.len(), 11);
        for event in &events {
            assert_eq!(event.outcome, Err("not_found"), "{event:?}");
            assert_eq!(event.token, events[0].token, "{event:?}");
        }
        names.push(events[0].token.unwrap().to_string());
    }
    assert!(names[0] != names[1] && names[0].len() == 16, "{names:?}");
}

#[tokio::test]
async fn a_first_admin_who_is_refused_is_reported_as_refused() {
    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = bench.again(options.bootstrap(root.hash.clone())).await;
    let other = pats.generate_as(root.id).unwrap();
    let right = root.token.expose();
    for text in ["nonsense", other.token.expose(), right, right] {
        let _ = pats.bootstrap(text, "root").await;
    }
    let events = recorder.0.lock().unwrap();
    let told = events
        .iter()
        .map(|event| (event.outcome, event.token.is_some()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Err("invalid_prefix"), false),
            (Err("invalid_secret"), true),
            (Ok(()), true),
            (Err("not_found"), true),
        ]
    );
}

/// Nobody knows how far a dropped operation came.
#[tokio::test]
async fn an_operation_that_is_dropped_half_way_is_reported_as_cancelled() {
    let recorder = Recorder::default();
    let store = Arc::new(Behind(Stuck::default()));
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = Bench::over(store.clone(), options).await.pats;
    let issued = pats.issue(ADA).await.unwrap();
    store.stick();
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
    let told = events.iter().map(|event| (event.operation, event.outcome));
    let cancelled = [operation::VERIFY, operation::REVOKE, operation::LIST];
    let cancelled = cancelled.map(|operation| (operation, Err("cancelled")));
    let expected = [
        [(operation::ISSUE, Ok(()))].as_slice(),
        &cancelled,
        &cancelled,
    ]
    .concat();
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let named = events.iter().map(|event| event.token.is_some());
    let expected = [true, true, true, false, true, true, false];
    assert_eq!(named.collect::<Vec<_>>(), expected);
}

/// A store that answers until it is stuck.
#[derive(Debug, Default)]
struct Stuck {
    inner: MemoryStore,
    is_stuck: AtomicBool,
}

impl Stuck {
    fn stick(&self) {
        self.is_stuck.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Front for Stuck {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn call<T: Send>(
        &self,
        _: Option<&[Change]>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if self.is_stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        work.await
    }
}

/// A stream holds one page at a time, whatever its limit.
#[tokio::test]
async fn a_stream_reads_a_hundred_at_a_time() {
    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    for _ in 0..121 {
        bench.issue(ADA).await.unwrap();
    }
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = bench.again(options).await;
    let mut stream = pats.list().limit(120).stream();
    let mut given = 0;
    while let Some(token) = stream.next().await {
        token.unwrap();
        given += 1;
    }
    assert_eq!(given, 120);
    let events = recorder.0.lock().unwrap();
    let counts: Vec<_> = events.iter().map(|event| event.count).collect();
    assert_eq!(counts, [Some(100), Some(20)]);
}

#[tokio::test]
async fn an_import_is_reported_with_the_number_of_those_that_were_new() {
    use super::faults::{FREE, item};

    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = bench.again(options).await;
    let two = || [item(originals::ID, ""), item(FREE, "")];
    pats.import([item(FREE, "")]).await.unwrap();
    pats.import(two()).await.unwrap();
    let mut looked_at = Vec::new();
    let again = pats.import(two()).progress(|count| looked_at.push(count));
    again.await.unwrap();
    assert_eq!(looked_at, [1, 2]);
    let events = recorder.0.lock().unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.operation, event.outcome, event.count))
        .collect();
    let import = |new| (operation::IMPORT, Ok(()), Some(new));
    assert_eq!(told, [import(1), import(1), import(0)]);
}

async fn a_database_shows_no_owner_role_name_token_or_hash(engine: Engine) {
    let bench = Bench::on(engine).await;
    let root = bench.pats.generate().unwrap();
    let pats = bench
        .again(PersonalAccessTokens::options().bootstrap(root.hash.clone()))
        .await;
    pats.bootstrap(root.token.expose(), "owner-of-root")
        .await
        .unwrap();
    let roles = (0..20).map(|n| format!("role-number-{n}"));
    let issued = bench
        .issue("owner-of-it")
        .roles(roles)
        .scope("scope-of-it")
        .name("name-of-it")
        .metadata("key-of-it", "value-of-it")
        .await
        .unwrap();
    let id = issued.record.id;
    let rotated = bench
        .pats
        .rotate(id)
        .overlap(Duration::from_secs(9))
        .await
        .unwrap();
    bench.verify(&rotated).await.unwrap();
    bench
        .pats
        .register(originals::id(), originals::hash(), ADA)
        .await
        .unwrap();
    let mut shown = Vec::new();
    for record in bench.records().await {
        shown.extend([record.key.id.clone(), record.body.clone()]);
        shown.extend(record.labels.iter().map(|label| label.value.clone()));
        assert_eq!(record.purge_at, None);
    }
    assert!(shown.len() > 20);
    let mut secrets = vec![
        "owner-of-root".to_owned(),
        "owner-of-it".into(),
        "role-number".into(),
        "scope-of-it".into(),
        "name-of-it".into(),
        "key-of-it".into(),
        "value-of-it".into(),
        "ada@example.com".into(),
        id.to_string(),
        root.id.to_string(),
        originals::ID.into(),
        originals::HASH.into(),
        originals::HASH[20..60].into(),
        "scrypt".into(),
        "hmac".into(),
        "admin".into(),
        "reader".into(),
        NOW.to_string(),
    ];
    for issued in [&issued, &rotated] {
        secrets.push(issued.token.expose()[26..].to_owned());
        secrets.push(issued.hash.to_string());
        secrets.push(issued.hash.to_string()[30..60].to_owned());
    }
    for secret in secrets {
        for bytes in &shown {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
}
