//! How many guesses a caller has, and whom a guess costs an attempt.

use std::sync::{Arc, Mutex};

use sealtoken::limits::MemoryLimiter;
use sealtoken::store::MemoryStore;
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime, PublicError, ServiceError};

use super::{RIGHT, WRONG};

async fn limited() -> Vault {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().limiter(MemoryLimiter::default());
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
    let few = Allowance::new(20, every);
    let options = Vault::options().limiter(MemoryLimiter::new(few, few));
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
    let few = Allowance::new(3, every);
    let options = Vault::options().limiter(MemoryLimiter::new(few, few));
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
        let error = vault.read(&id).version(99).password(WRONG).await.err();
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
async fn impossible_tokens_use_up_no_attempts() {
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
            return Err(sealtoken::limits::Exhausted::new(retry_after));
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
    let options = Vault::options().limiter(counter.clone());
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
