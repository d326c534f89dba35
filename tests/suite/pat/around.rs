//! What is around the operations: the first admin, attempts, events, answers to strangers, and what the database shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealtoken::events::{Event, EventSink, Operation};
use sealtoken::limits::{Allowance, AttemptLimiter, Exhausted, MemoryLimiter, Subject};
use sealtoken::pat::{
    Issued, NewPat, PatError, PatUpdate, PersonalAccessTokens, PublicError, Reason, VerifyError,
};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing, Lifetime};

use super::{Bench, NOW, ada, originals, reason, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};
use crate::faulty::Faulty;

on_every_engine! {
    the_first_admin_comes_once,
    a_database_shows_no_owner_role_name_token_or_hash,
}

async fn the_first_admin_comes_once(engine: Engine) {
    let bench = Bench::on(engine).await;
    let root = bench.pats.generate().unwrap();
    let text = root.token.expose();
    let unset = bench.pats.bootstrap(text, "root").await;
    assert_eq!(reason(unset), Some(Reason::NotFound));
    let options =
        || PersonalAccessTokens::options().bootstrap(root.hash.to_string().parse().unwrap());
    let pats = bench.again(options()).await;
    let bootstrap = async |text: &str| reason(pats.bootstrap(text, "root@example.com").await);
    // Until then it is no token, and another one is none either.
    assert_eq!(reason(pats.verify(text).await), Some(Reason::NotFound));
    let other = pats.generate().unwrap();
    assert_eq!(
        bootstrap(other.token.expose()).await,
        Some(Reason::InvalidSecret)
    );
    let same_id = pats.generate_as(root.id).unwrap();
    assert_eq!(
        bootstrap(same_id.token.expose()).await,
        Some(Reason::InvalidSecret)
    );
    assert_eq!(bootstrap("nonsense").await, Some(Reason::InvalidPrefix));
    assert_eq!(bootstrap("pat_nonsense").await, Some(Reason::InvalidFormat));
    let owner = pats.bootstrap(text, "").await;
    assert_eq!(owner, Err(VerifyError::Failed(PatError::InvalidOwner)));
    assert_eq!(pats.count().await, Ok(0));

    let admin = pats.bootstrap(text, "root@example.com").await.unwrap();
    assert!(admin.admin && admin.id == root.id && admin.hash.is_none());
    assert_eq!(pats.get(&root.id).await.as_ref(), Ok(&admin));
    let verified = bench.pats.verify(text).await.unwrap();
    assert!(verified.admin && verified.owner == "root@example.com");
    assert_eq!(bootstrap(text).await, Some(Reason::NotFound));
    // Not again, not when it was revoked, and not when all tokens are gone.
    pats.revoke(&root.id).await.unwrap();
    assert_eq!(bootstrap(text).await, Some(Reason::NotFound));
    pats.delete(&root.id).await.unwrap();
    assert_eq!(bench.pats.count().await, Ok(0));
    assert_eq!(bootstrap(text).await, Some(Reason::NotFound));
    assert_eq!(reason(pats.verify(text).await), Some(Reason::NotFound));
}

#[tokio::test]
async fn where_there_is_a_token_nobody_is_the_first() {
    let bench = Bench::on(Engine::memory()).await;
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = bench.again(options).await;
    let issued = bench.issue(ada()).await;
    bench.pats.revoke(&issued.record.id).await.unwrap();
    let late = pats.bootstrap(root.token.expose(), "root").await;
    assert_eq!(reason(late), Some(Reason::NotFound));
    assert_eq!(bench.pats.count().await, Ok(1));
}

#[tokio::test]
async fn the_first_admin_of_the_other_system_comes_once_too() {
    let bench = Bench::on(Engine::memory()).await;
    let pats = bench
        .again(PersonalAccessTokens::options().bootstrap(originals::hash()))
        .await;
    for wrong in [originals::WRONG, pats.generate().unwrap().token.expose()] {
        let refused = pats.bootstrap(wrong, "root").await;
        assert_eq!(reason(refused), Some(Reason::InvalidSecret));
    }
    let admin = pats.bootstrap(originals::TEXT, "root").await.unwrap();
    assert!(admin.admin && admin.id == originals::id());
    // There the secret is bound to no id: here it is used up.
    let other = originals::TEXT.replace(originals::ID, "XXXXXXXXXXXXXXXXXXXXX");
    assert_eq!(
        reason(pats.bootstrap(&other, "root").await),
        Some(Reason::NotFound)
    );
    assert_eq!(reason(pats.verify(&other).await), Some(Reason::NotFound));
    assert!(pats.verify(originals::TEXT).await.unwrap().admin);
}

/// Tokens with the limit of attempts that they have unless set.
async fn limited() -> PersonalAccessTokens {
    let keys = KeyRing::new(Key::generate());
    PersonalAccessTokens::open(MemoryStore::new(), &keys)
        .await
        .unwrap()
}

fn is_closed<T>(result: &Result<T, VerifyError>) -> bool {
    matches!(result, Err(VerifyError::TooManyAttempts { .. }))
}

#[tokio::test]
async fn wrong_secrets_are_counted_and_the_right_one_is_always_taken() {
    let pats = limited().await;
    let issued = pats.issue(ada()).await.unwrap();
    let wrong = with_wrong_secret(&pats, &issued).await;
    let unknown = pats.generate().unwrap();
    for (text, expected) in [
        (&*wrong, Reason::InvalidSecret),
        (unknown.token.expose(), Reason::NotFound),
    ] {
        for _ in 0..10 {
            assert_eq!(reason(pats.verify(text).await), Some(expected));
        }
        let closed = pats.verify(text).await;
        assert!(is_closed(&closed), "{closed:?}");
        let error = closed.unwrap_err();
        assert!(matches!(error.public(), PublicError::TryLater { .. }));
        assert_eq!(error.code(), "too_many_attempts");
        // Who knows the id keeps nobody out.
        assert!(pats.verify(issued.token.expose()).await.is_ok());
    }
    // Also what is right and over is told as it is: only guesses count.
    pats.revoke(&issued.record.id).await.unwrap();
    for _ in 0..20 {
        let revoked = pats.verify(issued.token.expose()).await;
        assert_eq!(reason(revoked), Some(Reason::Revoked));
    }
    // Texts that can be no token close nothing.
    for _ in 0..20 {
        assert_eq!(
            reason(pats.verify("pat_?").await),
            Some(Reason::InvalidFormat)
        );
    }
}

#[tokio::test]
async fn guesses_at_many_tokens_use_up_the_attempts_of_all() {
    let few = Allowance {
        burst: 20,
        every: Duration::from_secs(60),
    };
    let keys = KeyRing::new(Key::generate());
    let options = PersonalAccessTokens::options().attempts(MemoryLimiter::new(few, few));
    let pats = options.open(MemoryStore::new(), &keys).await.unwrap();
    let issued = pats.issue(ada()).await.unwrap();
    for n in 0..30 {
        let guess = pats.generate().unwrap();
        assert_eq!(is_closed(&pats.verify(guess.token.expose()).await), n >= 20);
    }
    assert!(pats.verify(issued.token.expose()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn scrypt_is_counted_before_it_is_run() {
    let pats = limited().await;
    pats.register(originals::id(), originals::hash(), ada())
        .await
        .unwrap();
    // Any number of right ones at once is answered.
    let right = |_| {
        let pats = pats.clone();
        async move { pats.verify(originals::TEXT).await.is_ok() }
    };
    let mut tasks: tokio::task::JoinSet<bool> = (0..20).map(right).collect();
    while let Some(verified) = tasks.join_next().await {
        assert!(verified.unwrap());
    }
    let wrong = |_| {
        let pats = pats.clone();
        async move { is_closed(&pats.verify(originals::WRONG).await) }
    };
    let tasks: tokio::task::JoinSet<bool> = (0..40).map(wrong).collect();
    let closed = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|closed| *closed)
        .count();
    assert_eq!(closed, 30);
    // As the work must not be done, the right one waits, too.
    assert!(is_closed(&pats.verify(originals::TEXT).await));
}

#[tokio::test]
async fn the_bootstrap_secret_cannot_be_locked_out() {
    let store = MemoryStore::new();
    let keys = KeyRing::new(Key::generate());
    let first = PersonalAccessTokens::open(store.clone(), &keys)
        .await
        .unwrap();
    let root = first.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = options.open(store, &keys).await.unwrap();
    for n in 0..15 {
        let guess = pats.generate().unwrap();
        let answer = pats.bootstrap(guess.token.expose(), "mallory").await;
        assert_eq!(is_closed(&answer), n >= 10, "{answer:?}");
    }
    assert!(pats.bootstrap(root.token.expose(), "root").await.is_ok());
}

/// Counts what it is asked.
#[derive(Debug, Clone, Default)]
struct Counter(Arc<Mutex<(u32, u32)>>);

#[async_trait::async_trait]
impl AttemptLimiter for Counter {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        assert_eq!(subjects.len(), 2);
        self.0.lock().unwrap().0 += 1;
        Ok(())
    }

    async fn give_back(&self, _: &[Subject]) {
        self.0.lock().unwrap().1 += 1;
    }
}

#[tokio::test]
async fn an_unknown_token_asks_for_what_a_known_one_does() {
    let counter = Counter::default();
    let store = Faulty::counting();
    let keys = KeyRing::new(Key::generate());
    let options = PersonalAccessTokens::options().attempts(counter.clone());
    let pats = options.open(Arc::clone(&store), &keys).await.unwrap();
    let issued = pats.issue(ada()).await.unwrap();
    let wrong = with_wrong_secret(&pats, &issued).await;
    let unknown = pats.generate().unwrap();
    let mut seen = Vec::new();
    for text in [&*wrong, unknown.token.expose()] {
        store.counts();
        *counter.0.lock().unwrap() = (0, 0);
        pats.verify(text).await.unwrap_err();
        seen.push((store.counts(), *counter.0.lock().unwrap()));
    }
    assert_eq!(seen, [((1, 0), (1, 0)), ((1, 0), (1, 0))]);
    // What is good takes no attempt.
    pats.verify(issued.token.expose()).await.unwrap();
    assert_eq!(*counter.0.lock().unwrap(), (1, 0));
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
