//! Around the operations: attempts, events, limits, and what the database reveals.

use std::sync::{Arc, Mutex};

use sealtoken::PublicError;
use sealtoken::ServiceError;
use sealtoken::events::{Event, EventSink, Operation};
use sealtoken::limits::MemoryLimiter;
use sealtoken::store::{Collection, MemoryStore, Query, Store};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime};

use super::{Bench, RIGHT, WRONG};
use crate::engine::Engine;

async fn limited() -> Vault {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().attempts(MemoryLimiter::default());
    options.open(MemoryStore::new(), &keys).await.unwrap()
}

#[tokio::test]
async fn after_ten_wrong_passwords_a_token_is_closed_for_a_while_and_no_other() {
    let vault = limited().await;
    let id = vault.create("v").password(RIGHT).await.unwrap();
    let other = vault.create("w").password(RIGHT).await.unwrap();
    for _ in 0..10 {
        let refused = vault.read(&id).password(WRONG).await;
        assert_eq!(refused.err(), Some(VaultError::InvalidPassword));
    }
    let closed = vault.read(&id).password(RIGHT).await.err().unwrap();
    assert!(
        matches!(
            closed,
            VaultError::Service(ServiceError::TooManyAttempts { .. })
        ),
        "{closed:?}"
    );
    assert!(matches!(closed.public(), PublicError::TryLater { .. }));
    // Nor in any other way.
    let many = vault
        .read_many([&id, &other])
        .password(RIGHT)
        .await
        .unwrap();
    assert!(matches!(
        many[0],
        Err(VaultError::Service(ServiceError::TooManyAttempts { .. }))
    ));
    assert!(many[1].is_ok());
    let update = vault.update(&id, "x").password(RIGHT).await;
    assert!(matches!(
        update,
        Err(VaultError::Service(ServiceError::TooManyAttempts { .. }))
    ));
    assert!(vault.read(&other).password(RIGHT).await.is_ok());
}

#[tokio::test]
async fn an_unknown_token_is_closed_as_a_known_one_is() {
    let vault = limited().await;
    vault.create("v").await.unwrap();
    for _ in 0..10 {
        let refused = vault.read("tk_not_there_at_all").password(WRONG).await;
        assert_eq!(refused.err(), Some(VaultError::NotFound));
    }
    let closed = vault
        .read("tk_not_there_at_all")
        .password(WRONG)
        .await
        .err();
    assert!(
        matches!(
            closed,
            Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
        ),
        "{closed:?}"
    );
}

#[tokio::test]
async fn an_expired_value_is_limited_as_an_unknown_one() {
    let vault = limited().await;
    let hidden = vault.create("v").await.unwrap();
    vault.soft_delete(&hidden).await.unwrap();
    for _ in 0..10 {
        let refused = vault.read(&hidden).password(WRONG).await;
        assert_eq!(refused.err(), Some(VaultError::Deleted));
    }
    let closed = vault.read(&hidden).password(WRONG).await.err();
    assert!(
        matches!(
            closed,
            Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
        ),
        "{closed:?}"
    );
}

#[tokio::test]
async fn a_token_that_stands_in_a_list_twice_is_one_attempt() {
    let vault = limited().await;
    let id = vault.create("v").password(RIGHT).await.unwrap();
    let many = vault
        .read_many(vec![&id; 30])
        .password(RIGHT)
        .await
        .unwrap();
    assert!(many.iter().all(Result::is_ok));
    // An operation that guesses nothing uses no attempt.
    for _ in 0..20 {
        let empty = vault.read_many([&id]).password("").await;
        assert_eq!(empty.err(), Some(VaultError::EmptyPassword));
    }
    assert!(vault.read(&id).password(RIGHT).await.is_ok());
    // Ten wrong passwords use ten.
    for _ in 0..10 {
        let wrong = vault.read_many([&id]).password(WRONG).await.unwrap();
        assert_eq!(wrong[0].as_ref().err(), Some(&VaultError::InvalidPassword));
    }
    let closed = vault.read_many([&id]).password(RIGHT).await.unwrap();
    assert!(matches!(
        closed[0],
        Err(VaultError::Service(ServiceError::TooManyAttempts { .. }))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_right_passwords_at_once_are_all_answered() {
    let vault = limited().await;
    let id = vault.create("v").password(RIGHT).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (vault, id) = (vault.clone(), id.clone());
        tasks.spawn(async move { vault.read(&id).password(RIGHT).await });
    }
    while let Some(read) = tasks.join_next().await {
        assert_eq!(read.unwrap().unwrap().expose(), b"v");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_guesses_at_once_are_no_more_than_ten() {
    let vault = limited().await;
    let id = vault.create("v").password(RIGHT).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let (vault, id) = (vault.clone(), id.clone());
        tasks.spawn(async move { vault.read(&id).password(format!("guess {n}")).await });
    }
    let mut judged = 0;
    while let Some(read) = tasks.join_next().await {
        match read.unwrap().unwrap_err() {
            VaultError::InvalidPassword => judged += 1,
            error => assert!(matches!(
                error,
                VaultError::Service(ServiceError::TooManyAttempts { .. })
            )),
        }
    }
    assert_eq!(judged, 10);
}

#[tokio::test]
async fn a_list_of_guesses_costs_the_namespace_an_attempt_each() {
    use sealtoken::limits::Allowance;
    let every = std::time::Duration::from_secs(60);
    let few = Allowance { burst: 20, every };
    let options = Vault::options().attempts(MemoryLimiter::new(few, few));
    let keys = KeyRing::new(Key::generate());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let guesses = (0..50).map(|n| format!("guess-number-{n:010}"));
    let read = vault.read_many(guesses).await.unwrap();
    assert!(read.iter().all(Result::is_err));
    let closed = vault.read_many(["guess-number-0000000099"]).await;
    assert!(matches!(
        closed.err(),
        Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
    ));
}

#[tokio::test]
async fn guesses_by_unlock_use_up_the_attempts_of_the_namespace() {
    use sealtoken::limits::Allowance;
    let every = std::time::Duration::from_secs(60);
    let few = Allowance { burst: 3, every };
    let options = Vault::options().attempts(MemoryLimiter::new(few, few));
    let keys = KeyRing::new(Key::generate());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    vault.create("v").password(RIGHT).await.unwrap();
    for n in 0..5 {
        let error = vault.unlock(WRONG).await.err().unwrap();
        let is_closed = matches!(
            error,
            VaultError::Service(ServiceError::TooManyAttempts { .. })
        );
        assert_eq!(is_closed, n >= 3, "{error:?}");
    }
}

#[tokio::test]
async fn an_unknown_version_under_another_valid_password_is_a_guess() {
    let vault = limited().await;
    let id = vault.create("v").password(RIGHT).await.unwrap();
    vault.create("w").password(WRONG).await.unwrap();
    for n in 0..11 {
        let error = vault.read_version(&id, 99).password(WRONG).await.err();
        let is_closed = matches!(
            error,
            Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
        );
        assert_eq!(is_closed, n >= 10, "{error:?}");
    }
}

#[tokio::test]
async fn texts_that_can_be_no_token_share_no_count() {
    let vault = limited().await;
    for n in 0..14 {
        let read = vault.read("?".repeat(n)).password(WRONG).await;
        assert_eq!(read.err(), Some(VaultError::NotFound));
    }
}

#[tokio::test]
async fn texts_that_can_be_no_token_close_nothing() {
    let vault = limited().await;
    for n in 0..30 {
        let text = "?".repeat(n);
        assert_eq!(vault.read(&text).await.err(), Some(VaultError::NotFound));
    }
}

#[tokio::test]
async fn a_right_password_uses_no_attempt_up() {
    let vault = limited().await;
    let id = vault.create("v").expires(Lifetime::hours(1)).await.unwrap();
    for _ in 0..2000 {
        assert!(vault.read(&id).await.is_ok());
    }
}

#[derive(Debug, Default, Clone)]
struct Recorder(Arc<Mutex<Vec<Event>>>);

impl EventSink for Recorder {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Two tokens have two fingerprints, the same in every event, and a refusal is reported as one.
#[tokio::test]
async fn events_tell_tokens_apart_and_refusals_from_what_was_done() {
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
    vault.read_version(&id, 1).password(RIGHT).await.unwrap();
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

#[tokio::test]
async fn a_database_shows_no_token_value_label_namespace_password_or_time() {
    let bench = Bench::with(Engine::memory(), Vault::options().keep_versions(1)).await;
    let vault = bench.vault.namespace("namespace-of-ada").unwrap();
    let token = "a-token-of-my-own-001";
    let end = super::NOW + 86_400;
    let create = vault
        .create("the-value-itself")
        .token(token)
        .password(RIGHT)
        .label("her-label");
    create
        .expires(sealtoken::UnixTime::from_secs(end))
        .await
        .unwrap();
    vault
        .update(token, "another-value")
        .password(RIGHT)
        .await
        .unwrap();
    vault.soft_delete(token).await.unwrap();

    let mut shown = Vec::new();
    for name in [
        "vault_keysets",
        "vault_passwords",
        "vault_values",
        "vault_versions",
    ] {
        let query = Query::all(Collection::new(name).unwrap());
        for record in bench.store.scan(&query).await.unwrap().records {
            shown.extend([record.key.id.clone(), record.body.clone()]);
            shown.extend(record.labels.iter().map(|label| label.value.clone()));
            assert_eq!(record.purge_at, None);
        }
    }
    assert!(shown.len() > 10);
    let mut secrets: Vec<Vec<u8>> = [
        token,
        "the-value-itself",
        "another-value",
        RIGHT,
        "her-label",
        "namespace-of-ada",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for second in [super::NOW, end] {
        secrets.push(second.to_string().into_bytes());
        secrets.push(second.to_be_bytes()[3..].to_vec());
        secrets.push(second.to_le_bytes()[..5].to_vec());
    }
    for secret in secrets {
        for bytes in &shown {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{}", String::from_utf8_lossy(&secret));
        }
    }
}

#[tokio::test]
async fn values_have_a_limit_and_one_byte_more_is_refused_before_any_work() {
    let bench = Bench::with(Engine::memory(), Vault::options().max_value(1000)).await;
    let id = bench.vault.create(vec![7; 1000]).await.unwrap();
    assert_eq!(bench.vault.read(&id).await.unwrap().expose(), vec![7; 1000]);
    let limit = 1000;
    let refused = bench.vault.create(vec![7; 1001]).await;
    assert_eq!(refused.err(), Some(VaultError::ValueTooLong { limit }));
    let refused = bench.vault.update(&id, vec![7; 1001]).await;
    assert_eq!(refused, Err(VaultError::ValueTooLong { limit }));
    assert!(bench.vault.create("").await.is_ok());
    let many = bench
        .vault
        .create_many([vec![1; 10], vec![1; 1001], vec![2; 10]])
        .await
        .unwrap();
    assert!(many[0].is_ok() && many[2].is_ok());
    assert_eq!(
        many[1].clone().err(),
        Some(VaultError::ValueTooLong { limit })
    );
}

#[tokio::test]
async fn a_value_of_a_mebibyte_goes_in_and_comes_out() {
    let bench = Bench::on(Engine::memory()).await;
    let big = vec![0x5a; 1024 * 1024];
    let id = bench
        .vault
        .create(big.clone())
        .password(RIGHT)
        .await
        .unwrap();
    assert!(
        bench
            .vault
            .read(&id)
            .password(RIGHT)
            .await
            .unwrap()
            .expose()
            == big
    );
}

#[tokio::test]
async fn an_operation_that_is_dropped_half_way_is_done_or_not() {
    let bench = Bench::on(Engine::memory()).await;
    for n in 0..20_u64 {
        let token = format!("token-number-{n:08}");
        let create = bench.vault.create("v").token(&token).password(RIGHT);
        let wait = std::time::Duration::from_millis(n * 5);
        let _ = tokio::time::timeout(wait, create.into_future()).await;
        match bench.vault.read(&token).password(RIGHT).await {
            Ok(value) => assert_eq!(value.expose(), b"v"),
            Err(error) => assert_eq!(error, VaultError::NotFound),
        }
    }
}

#[test]
fn outside_of_a_runtime_a_password_is_an_error_and_no_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (vault, id) = runtime.block_on(async {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let id = vault.create("v").password(RIGHT).await.unwrap();
        (vault, id)
    });
    drop(runtime);
    let mut future = vault.read(&id).password(RIGHT).into_future();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = future.as_mut().poll(&mut context);
    assert!(matches!(
        polled,
        std::task::Poll::Ready(Err(VaultError::Service(ServiceError::Hashing)))
    ));
}

/// Counts the attempts, and admits this many.
#[derive(Debug, Clone, Default)]
struct Counter(Arc<Mutex<(u32, u32)>>);

#[async_trait::async_trait]
impl sealtoken::limits::AttemptLimiter for Counter {
    async fn take(
        &self,
        _: &[sealtoken::limits::Subject],
    ) -> Result<(), sealtoken::limits::Exhausted> {
        let mut counts = self.0.lock().unwrap();
        if counts.0 == counts.1 + 2 {
            let retry_after = std::time::Duration::from_secs(7);
            return Err(sealtoken::limits::Exhausted { retry_after });
        }
        counts.0 += 1;
        Ok(())
    }

    async fn give_back(&self, _: &[sealtoken::limits::Subject]) {
        self.0.lock().unwrap().1 += 1;
    }
}

#[tokio::test]
async fn a_limiter_of_your_own_takes_and_gives_back() {
    let counter = Counter::default();
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().attempts(counter.clone());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let id = vault.create("v").await.unwrap();
    for _ in 0..5 {
        vault.read(&id).await.unwrap();
    }
    assert_eq!(*counter.0.lock().unwrap(), (5, 5));
    for _ in 0..2 {
        assert!(vault.read("tk_not_there_at_all").await.is_err());
    }
    let retry_after = std::time::Duration::from_secs(7);
    let closed = vault.read(&id).await;
    assert_eq!(
        closed.err(),
        Some(VaultError::Service(ServiceError::TooManyAttempts {
            retry_after
        }))
    );
}

#[tokio::test]
async fn new_passwords_have_the_least_length_that_is_set() {
    let bench = Bench::with(Engine::memory(), Vault::options().min_password(12)).await;
    let short = bench.vault.create("v").password("eleven char").await;
    assert_eq!(short.err(), Some(VaultError::PasswordTooShort { min: 12 }));
    assert!(
        bench
            .vault
            .create("v")
            .password("twelve chars")
            .await
            .is_ok()
    );
    let out_of_bounds = Vault::options()
        .min_password(0)
        .open(MemoryStore::new(), &bench.keys)
        .await;
    assert!(matches!(
        out_of_bounds.err(),
        Some(VaultError::InvalidSetting(_))
    ));
}
