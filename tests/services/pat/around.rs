//! What is around the operations: events, answers to strangers, and what the database shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealtoken::Lifetime;
use sealtoken::events::{Event, EventSink, Operation};
use sealtoken::pat::{Issued, NewPat, PatUpdate, PersonalAccessTokens, PublicError, VerifyError};

use super::{Bench, NOW, ada, originals, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    a_database_shows_no_owner_role_name_token_or_hash,
}

#[tokio::test]
async fn a_stranger_is_told_one_thing() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ada()).await;
    let wrong = with_wrong_secret(&bench.pats, &issued).await;
    let over = bench.issue(ada().expires_in(Lifetime::seconds(1))).await;
    let revoked = bench.issue(ada()).await;
    bench.pats.revoke(&revoked.record.id).await.unwrap();
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

/// Whoever waits as long as it is told has another attempt.
#[test]
fn a_wait_is_told_in_whole_seconds_that_are_enough() {
    for (millis, said) in [(0, "in 1 s"), (999, "in 1 s"), (1000, "in 2 s")] {
        let retry_after = Duration::from_millis(millis);
        let error = VerifyError::TooManyAttempts { retry_after };
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
    let new = NewPat::for_owner("the-owner")
        .role("the-role")
        .name("the-name");
    let issued = pats.issue(new.clone()).await.unwrap();
    let id = issued.record.id;
    pats.issue_as(id, new.clone()).await.unwrap_err();
    let generated = pats.generate().unwrap();
    let hash = generated.hash.to_string();
    pats.register(generated.id, generated.hash, new)
        .await
        .unwrap();
    pats.verify(issued.token.expose()).await.unwrap();
    let wrong = with_wrong_secret(&pats, &issued).await;
    pats.verify(&wrong).await.unwrap_err();
    pats.verify("pat_the-nonsense").await.unwrap_err();
    pats.update(&id, PatUpdate::new().add_role("the-role-2"))
        .await
        .unwrap();
    pats.revoke(&id).await.unwrap();
    pats.restore(&id).await.unwrap();
    let rotated = pats.rotate(&id, Duration::ZERO).await.unwrap();
    pats.get(&id).await.unwrap();
    pats.get_many(&[id, root.id]).await.unwrap();
    pats.list().owned_by("the-owner").page().await.unwrap();
    pats.list().with_role("the-role").count().await.unwrap();
    pats.count().await.unwrap();
    pats.purge().await.unwrap();
    pats.rewrap().await.unwrap();
    pats.delete(&id).await.unwrap();
    pats.delete(&id).await.unwrap_err();

    use Operation as Op;
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
            (Op::PatBootstrap, Ok(()), true, None),
            (Op::PatIssue, Ok(()), true, None),
            (Op::PatIssue, Err("already_exists"), true, None),
            (Op::PatRegister, Ok(()), true, None),
            (Op::PatVerify, Ok(()), true, None),
            (Op::PatVerify, Err("invalid_secret"), true, None),
            (Op::PatVerify, Err("invalid_format"), false, None),
            (Op::PatUpdate, Ok(()), true, None),
            (Op::PatRevoke, Ok(()), true, None),
            (Op::PatRestore, Ok(()), true, None),
            (Op::PatRotate, Ok(()), true, None),
            (Op::PatGet, Ok(()), true, None),
            (Op::PatGet, Ok(()), false, Some(2)),
            (Op::PatList, Ok(()), false, Some(2)),
            (Op::PatList, Ok(()), false, Some(2)),
            (Op::PatList, Ok(()), false, Some(3)),
            (Op::PatPurge, Ok(()), false, Some(0)),
            (Op::PatRewrap, Ok(()), false, None),
            (Op::PatDelete, Ok(()), true, None),
            (Op::PatDelete, Err("not_found"), true, None),
        ]
    );
    for event in events.iter() {
        let name = event.operation.to_string().replace(['.', '_'], "");
        assert_eq!(name, format!("{:?}", event.operation).to_lowercase());
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

/// What was refused is told as refused, of each operation, and under the name of its token.
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
        assert!(pats.update(&id, PatUpdate::new().name("n")).await.is_err());
        assert!(pats.revoke(&id).await.is_err());
        assert!(pats.revoke_and_purge(&id, Lifetime::days(1)).await.is_err());
        assert!(pats.restore(&id).await.is_err());
        assert!(pats.rotate(&id, minute).await.is_err());
        let hash = unknown.hash.clone();
        assert!(pats.rotate_to(&id, hash, minute).await.is_err());
        assert!(pats.get(&id).await.is_err());
        assert!(pats.delete(&id).await.is_err());
        assert!(mallory.revoke(&id).await.is_err());
        assert!(mallory.delete(&id).await.is_err());
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

/// A stream holds one page at a time, whatever its limit.
#[tokio::test]
async fn a_stream_reads_a_hundred_at_a_time() {
    let recorder = Recorder::default();
    let bench = Bench::on(Engine::memory()).await;
    for _ in 0..121 {
        bench.issue(ada()).await;
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
    let import = |new| (Operation::PatImport, Ok(()), Some(new));
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
    let new = NewPat::for_owner("owner-of-it")
        .roles(roles)
        .scope("scope-of-it")
        .name("name-of-it")
        .metadata("key-of-it", "value-of-it");
    let issued = bench.issue(new).await;
    let id = issued.record.id;
    let rotated = bench
        .pats
        .rotate(&id, Duration::from_secs(9))
        .await
        .unwrap();
    bench.verify(&rotated).await.unwrap();
    bench
        .pats
        .register(originals::id(), originals::hash(), ada())
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
