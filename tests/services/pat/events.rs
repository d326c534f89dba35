//! Each operation is reported once, and no event holds a secret.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealtoken::Lifetime;
use sealtoken::events::{Event, EventSink};
use sealtoken::pat::{PersonalAccessTokens, operation};

use super::originals::item;
use super::{ADA, Bench, FREE, NOW, originals, with_wrong_secret};
use crate::engine::Engine;

/// A sink that keeps all events.
#[derive(Debug, Default, Clone)]
pub(super) struct Recorder(pub(super) Arc<Mutex<Vec<Event>>>);

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
    let reported: Vec<_> = events
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
        reported,
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
            (operation::REWRAP, Ok(()), false, Some(0)),
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
    let reported = events
        .iter()
        .map(|event| (event.outcome, event.token.is_some()));
    assert_eq!(
        reported.collect::<Vec<_>>(),
        [
            (Err("invalid_prefix"), false),
            (Err("invalid_secret"), true),
            (Ok(()), true),
            (Err("not_found"), true),
        ]
    );
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
    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    let options = PersonalAccessTokens::options().events(recorder.clone());
    let pats = bench.again(options).await;
    let two = || [item(originals::ID, ""), item(FREE, "")];
    pats.import(two()).dry_run(true).await.unwrap();
    pats.import([item(FREE, "")]).await.unwrap();
    pats.import(two()).await.unwrap();
    let mut examined = Vec::new();
    let again = pats.import(two()).progress(|count| examined.push(count));
    again.await.unwrap();
    assert_eq!(examined, [1, 2]);
    let events = recorder.0.lock().unwrap();
    let reported: Vec<_> = events
        .iter()
        .map(|event| (event.operation, event.outcome, event.count))
        .collect();
    let import = |new| (operation::IMPORT, Ok(()), Some(new));
    assert_eq!(reported, [0, 1, 1, 0].map(import));
}
