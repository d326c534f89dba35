//! Attempts that failed: counted, and never in the way of a right secret of 256 bits.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealtoken::PublicError;
use sealtoken::ServiceError;
use sealtoken::limits::{Allowance, AttemptLimiter, Exhausted, MemoryLimiter, Subject};
use sealtoken::pat::{PatError, PatId, PatOptions, PersonalAccessTokens, Reason, VerifyError};
use sealtoken::store::{Change, MemoryStore, Outcome, Store as _};
use sealtoken::{Key, KeyRing};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{ADA, originals, reason, with_wrong_secret};
use crate::faulty::{Faulty, records};
use crate::limiters::{
    Awaiting, Holding, Refusals, TIMEOUT, all_wait, attempts_for_a_token as attempts,
};

/// Tokens with the limit of attempts that they have unless set.
async fn limited() -> PersonalAccessTokens {
    let keys = KeyRing::new(Key::generate());
    PersonalAccessTokens::open(MemoryStore::new(), &keys)
        .await
        .unwrap()
}

fn is_closed<T>(result: &Result<T, VerifyError>) -> bool {
    matches!(
        result,
        Err(VerifyError::Failed(PatError::Service(
            ServiceError::TooManyAttempts { .. }
        )))
    )
}

#[tokio::test]
async fn wrong_secrets_are_counted_and_the_right_one_is_always_taken() {
    let pats = limited().await;
    let issued = pats.issue(ADA).await.unwrap();
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
        // Knowing the id is not enough to lock out the owner.
        assert!(pats.verify(issued.token.expose()).await.is_ok());
    }
    // A correct secret of an expired token is answered as such: only guesses count.
    pats.revoke(issued.record.id).await.unwrap();
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

/// Whoever can change a record gets no more tries at it than at any other.
#[tokio::test]
async fn attempts_at_a_record_that_was_changed_are_counted_too() {
    let (store, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
    let pats = PersonalAccessTokens::open(store.clone(), &keys).await;
    let pats = pats.unwrap();
    let issued = pats.issue(ADA).await.unwrap();
    let mut record = records(&store, "pat_tokens").await.remove(0);
    record.body[40] ^= 1;
    let expected = record.version;
    let replace = Change::Replace { record, expected };
    assert_eq!(store.write(&[replace]).await, Ok(Outcome::Written));
    for _ in 0..10 {
        let verified = pats.verify(issued.token.expose()).await;
        assert_eq!(
            verified,
            Err(VerifyError::Failed(PatError::Service(
                ServiceError::Tampered
            )))
        );
    }
    assert!(is_closed(&pats.verify(issued.token.expose()).await));
}

#[tokio::test]
async fn guesses_at_many_tokens_use_up_the_attempts_of_all() {
    let few = Allowance::new(20, Duration::from_secs(60));
    let keys = KeyRing::new(Key::generate());
    let options = PersonalAccessTokens::options().limiter(MemoryLimiter::new(few, few));
    let pats = options.open(MemoryStore::new(), &keys).await.unwrap();
    let issued = pats.issue(ADA).await.unwrap();
    for n in 0..30 {
        let guess = pats.generate().unwrap();
        assert_eq!(is_closed(&pats.verify(guess.token.expose()).await), n >= 20);
    }
    assert!(pats.verify(issued.token.expose()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn scrypt_is_counted_before_it_is_run() {
    let pats = limited().await;
    pats.register(originals::id(), originals::hash(), ADA)
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

/// What is counted before scrypt is used up by nothing that is free of cost.
#[tokio::test]
async fn wrong_secrets_that_cost_nothing_lock_nobody_out_of_scrypt() {
    let pats = limited().await;
    pats.register(originals::id(), originals::hash(), ADA)
        .await
        .unwrap();
    let wrong = pats.generate_as(originals::id()).unwrap();
    while !is_closed(&pats.verify(wrong.token.expose()).await) {}
    assert!(pats.verify(originals::TEXT).await.is_ok());
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
    let options = PersonalAccessTokens::options().limiter(counter.clone());
    let pats = options.open(Arc::clone(&store), &keys).await.unwrap();
    let issued = pats.issue(ADA).await.unwrap();
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
    // A valid token takes no attempt.
    pats.verify(issued.token.expose()).await.unwrap();
    assert_eq!(*counter.0.lock().unwrap(), (1, 0));
}

/// Tells what each attempt was counted for.
#[derive(Debug, Clone, Default)]
struct Takes(Arc<Mutex<Vec<usize>>>);

#[async_trait::async_trait]
impl AttemptLimiter for Takes {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        self.0.lock().unwrap().push(subjects.len());
        Ok(())
    }

    async fn give_back(&self, _: &[Subject]) {}
}

/// What costs scrypt is counted before, subject by subject; what does not, afterwards and at once.
#[tokio::test]
async fn a_secret_of_another_length_costs_no_scrypt() {
    let takes = Takes::default();
    let options = PersonalAccessTokens::options().limiter(takes.clone());
    let (pats, _) = with_two_originals(options).await;
    let taken = async |text: &str| {
        let refused = pats.verify(text).await;
        assert_eq!(reason(refused), Some(Reason::InvalidSecret));
        std::mem::take(&mut *takes.0.lock().unwrap())
    };
    assert_eq!(taken(originals::WRONG).await, [1, 1]);
    for bytes in [1, 15, 17, 32, 64] {
        use base64::Engine as _;
        let secret = base64::engine::general_purpose::STANDARD.encode(vec![7; bytes]);
        let text = format!("pat_{}.{secret}", originals::ID);
        assert_eq!(taken(&text).await, [2], "{bytes}");
    }
}

/// Tokens among which are two of the other system, and the text of the second.
async fn with_two_originals(options: PatOptions) -> (PersonalAccessTokens, String) {
    let keys = KeyRing::new(Key::generate());
    let pats = options.open(MemoryStore::new(), &keys).await.unwrap();
    let second = PatId::generate().unwrap();
    for id in [originals::id(), second] {
        pats.register(id, originals::hash(), ADA).await.unwrap();
    }
    let text = originals::TEXT.replace(originals::ID, second.as_str());
    (pats, text)
}

#[tokio::test]
async fn an_original_without_attempts_is_refused_at_once_while_another_is_verified() {
    let limiter = Holding::over(attempts(1));
    let options = PersonalAccessTokens::options().limiter(Arc::clone(&limiter));
    let (pats, other) = with_two_originals(options).await;
    let wrong = pats.verify(originals::WRONG).await;
    assert_eq!(reason(wrong), Some(Reason::InvalidSecret));

    limiter.hold.store(true, Ordering::SeqCst);
    let verifying = tokio::spawn({
        let pats = pats.clone();
        async move { pats.verify(&other).await }
    });
    limiter.holds.notified().await;
    let refused = timeout(TIMEOUT, pats.verify(originals::TEXT)).await;
    assert!(is_closed(&refused.expect("it waits")));
    assert!(!verifying.is_finished());
    limiter.go_on.notify_one();
    assert!(verifying.await.unwrap().is_ok());
}

#[tokio::test]
async fn forty_right_originals_pass_a_limiter_that_awaits() {
    let options = PersonalAccessTokens::options().limiter(Awaiting(attempts(10)));
    let (pats, _) = with_two_originals(options).await;
    let verify = |_| {
        let pats = pats.clone();
        async move { pats.verify(originals::TEXT).await.is_ok() }
    };
    let all: JoinSet<bool> = (0..40).map(verify).collect();
    assert_eq!(all.join_all().await, [true; 40]);
}

#[tokio::test]
async fn guesses_at_one_original_take_one_turn_of_two() {
    let refusals = Refusals::default();
    let options = PersonalAccessTokens::options()
        .limiter(())
        .max_concurrent_hashes(1);
    let (pats, other) = with_two_originals(options.events(refusals.clone())).await;
    let guess = |_| {
        let pats = pats.clone();
        async move { pats.verify(originals::WRONG).await.is_err() }
    };
    let _guesses: JoinSet<bool> = (0..40).map(guess).collect();
    all_wait().await;
    assert!(pats.verify(&other).await.is_ok());
    // One that ran already, and one whose turn came first. The rest is for a machine that is slow
    // to tell.
    let before = refusals.count();
    assert!(before <= 10, "{before} guesses came first");
}

/// They are ids that an attacker knows, or the attacker's own tokens.
#[tokio::test]
async fn a_flood_over_many_tokens_of_one_owner_takes_one_turn_of_two() {
    let refusals = Refusals::default();
    let options = PersonalAccessTokens::options()
        .limiter(())
        .max_concurrent_hashes(1);
    let (pats, _) = with_two_originals(options.events(refusals.clone())).await;
    let mut guesses = JoinSet::new();
    for _ in 0..40 {
        let id = PatId::generate().unwrap();
        pats.register(id, originals::hash(), "eve").await.unwrap();
        let text = originals::WRONG.replace(originals::ID, id.as_str());
        let pats = pats.clone();
        guesses.spawn(async move { pats.verify(&text).await.is_err() });
    }
    all_wait().await;
    assert!(pats.verify(originals::TEXT).await.is_ok());
    let before = refusals.count();
    assert!(before <= 10, "{before} guesses came first");
}
