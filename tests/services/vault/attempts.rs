//! Attempts and turns: others never get a right password refused or held up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sealtoken::PublicError;
use sealtoken::ServiceError;
use sealtoken::limits::AttemptLimiter;
use sealtoken::store::MemoryStore;
use sealtoken::vault::{Vault, VaultError, VaultToken};
use sealtoken::{Key, KeyRing};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{RIGHT, WRONG};
use crate::limiters::{
    Awaiting, Holding, Refusals, TIMEOUT, all_wait, attempts_for_a_token as attempts,
};

/// A vault with this limiter and two values under a password.
async fn limited(limiter: impl AttemptLimiter) -> (Vault, [VaultToken; 2]) {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().limiter(limiter);
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let first = vault.create("first").password(RIGHT).await.unwrap();
    let second = vault.create("second").password(RIGHT).await.unwrap();
    (vault, [first, second])
}

#[tokio::test]
async fn a_token_without_attempts_is_refused_at_once_while_others_in_its_namespace_read() {
    let limiter = Holding::over(attempts(1));
    let (vault, [used_up, other]) = limited(Arc::clone(&limiter)).await;
    let wrong = vault.read(&used_up).password(WRONG).await;
    assert_eq!(wrong.err(), Some(VaultError::InvalidPassword));

    limiter.hold.store(true, Ordering::SeqCst);
    let reading = tokio::spawn({
        let vault = vault.clone();
        async move { vault.read(&other).password(RIGHT).await }
    });
    limiter.holds.notified().await;
    for many in [false, true] {
        let refused = async {
            if many {
                let mut all = vault.read_many([&used_up]).password(RIGHT).await.unwrap();
                all.remove(0).err()
            } else {
                vault.read(&used_up).password(RIGHT).await.err()
            }
        };
        let refused = timeout(TIMEOUT, refused).await.expect("it waits");
        let Some(VaultError::Service(ServiceError::TooManyAttempts { retry_after })) = refused
        else {
            panic!("{refused:?}");
        };
        assert!((51..=60).contains(&retry_after.as_secs().saturating_add(1)));
    }
    assert!(!reading.is_finished());
    limiter.go_on.notify_one();
    assert_eq!(reading.await.unwrap().unwrap().expose(), b"second");
}

#[tokio::test]
async fn forty_right_passwords_pass_a_limiter_that_awaits() {
    let (vault, [token, _]) = limited(Awaiting(attempts(10))).await;
    let read = |_| {
        let (vault, token) = (vault.clone(), token.clone());
        async move { vault.read(&token).password(RIGHT).await.is_ok() }
    };
    let all: JoinSet<bool> = (0..40).map(read).collect();
    assert_eq!(all.join_all().await, [true; 40]);
}

#[tokio::test]
async fn a_right_read_and_a_right_read_of_many_pass_beside_each_other() {
    let (vault, [first, second]) = limited(attempts(1)).await;
    let one = || vault.read(&first).password(RIGHT).into_future();
    let many = || {
        vault
            .read_many([&first, &second])
            .password(RIGHT)
            .into_future()
    };
    let (read, all) = tokio::join!(one(), many());
    assert!(read.is_ok() && all.unwrap().iter().all(Result::is_ok));
    let (all, read) = tokio::join!(many(), one());
    assert!(read.is_ok() && all.unwrap().iter().all(Result::is_ok));
}

/// If each took the subjects in its own order, each would hold what the other waits for.
#[tokio::test]
async fn two_who_read_the_same_values_in_other_orders_both_get_them() {
    let (vault, [first, second]) = limited(Awaiting(attempts(1))).await;
    let forth = vault.read_many([&first, &second]).password(RIGHT);
    let back = vault.read_many([&second, &first]).password(RIGHT);
    let both = async { tokio::join!(forth.into_future(), back.into_future()) };
    let (forth, back) = timeout(TIMEOUT, both).await.expect("they wait");
    for all in [forth, back] {
        assert!(all.unwrap().iter().all(Result::is_ok));
    }
}

/// Wrong passwords count the same whether they are tried at once or one after the other.
#[tokio::test]
async fn what_was_read_wrong_among_many_stays_counted_and_what_was_right_does_not() {
    let (vault, [first, second]) = limited(attempts(1)).await;
    let open = vault.create("open").await.unwrap();
    let all = vault
        .read_many([&first, &second, &first, &open])
        .password(RIGHT);
    let all = all.await.unwrap();
    let ends: Vec<_> = all
        .iter()
        .map(|end| end.as_ref().err().map(VaultError::code))
        .collect();
    assert_eq!(ends, [None, None, None, Some("invalid_password")]);
    for _ in 0..2 {
        assert!(vault.read(&first).password(RIGHT).await.is_ok());
    }
    let closed = vault.read(&open).password(RIGHT).await;
    assert!(matches!(
        closed,
        Err(VaultError::Service(ServiceError::TooManyAttempts { .. }))
    ));
}

#[tokio::test]
async fn guesses_in_a_namespace_that_was_made_up_take_one_turn_of_two() {
    let keys = KeyRing::new(Key::generate());
    let refusals = Refusals::default();
    let options = Vault::options().limiter(()).max_concurrent_hashes(1);
    let options = options.events(refusals.clone());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let token = vault.create("value").password(RIGHT).await.unwrap();

    let guess = |name: usize| {
        let made_up = vault.namespace(&format!("made up {}", name % 4)).unwrap();
        async move {
            made_up
                .read("tk_not_there_at_all")
                .password(WRONG)
                .await
                .is_err()
        }
    };
    let _guesses: JoinSet<bool> = (0..40).map(guess).collect();
    all_wait().await;
    assert!(vault.read(&token).password(RIGHT).await.is_ok());
    // One ran already, and one had its turn first. The rest allows for a slow machine.
    let before = refusals.count();
    assert!(before <= 6, "{before} guesses came first");
}

#[tokio::test]
async fn a_full_queue_for_hashes_is_an_error_and_stops_no_other_namespace() {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().limiter(()).max_concurrent_hashes(1);
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let token = vault.create("value").password(RIGHT).await.unwrap();
    let guess = |_| {
        let made_up = vault.namespace("made up").unwrap();
        async move {
            made_up
                .read("tk_not_there_at_all")
                .password(WRONG)
                .await
                .err()
        }
    };
    // All of them ask before more than a few are hashed.
    let mut guesses: JoinSet<_> = (0..2000).map(guess).collect();
    let busy = timeout(TIMEOUT, async {
        loop {
            match guesses.join_next().await.unwrap().unwrap().unwrap() {
                VaultError::NotFound => {}
                error => break error,
            }
        }
    });
    let busy = busy.await.expect("they wait");
    let retry_after = std::time::Duration::from_secs(1);
    assert_eq!(
        busy,
        VaultError::Service(ServiceError::Busy { retry_after })
    );
    assert_eq!(busy.public(), PublicError::TryLater { retry_after });
    // Only one queue is full.
    assert!(vault.read(&token).password(RIGHT).await.is_ok());
    drop(guesses);
}
