//! A store that is away, and a database that is damaged.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::pat::{PatError, PersonalAccessTokens, Reason, SecretHash, VerifyError};
use sealtoken::store::{MemoryStore, StoreError};
use sealtoken::{Key, KeyRing, PublicError, ServiceError};

use super::{ADA, Bench, NOW, at, originals, with_wrong_secret};
use crate::faulty::{Fault, Faulty};

#[tokio::test]
async fn a_stream_ends_with_the_error_of_its_store() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    bench.issue(ADA).await.unwrap();
    let mut stream = bench.pats.list().stream();
    store.fail_from(1);
    let away = PatError::Service(ServiceError::Store(StoreError::unavailable("test")));
    assert_eq!(stream.next().await, Some(Err(away)));
    // The store works again.
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.cursor(), None);
    assert!(bench.pats.list().stream().next().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_use_that_cannot_be_written_refuses_nobody() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        let store = Faulty::new(fault, u64::MAX);
        let options = PersonalAccessTokens::options().upgrade_hashes(true);
        let bench = Bench::over(Arc::clone(&store) as _, options).await;
        let issued = bench.issue(ADA).await.unwrap();
        let hash: SecretHash = originals::HASH.parse().unwrap();
        bench
            .pats
            .register(originals::id(), hash, ADA)
            .await
            .unwrap();
        for text in [issued.token.expose(), originals::TEXT] {
            store.counts();
            // After a verification, its use is read again, the second call, and then written.
            store.at.store(3, Ordering::SeqCst);
            let verified = bench.pats.verify(text).await.unwrap();
            bench.pats.flush().await;
            assert_eq!(verified.owner, "ada@example.com");
            assert_eq!(store.counts(), (3, 1), "tried once");
            store.at.store(u64::MAX, Ordering::SeqCst);
            let again = bench.pats.verify(text).await.unwrap();
            bench.pats.flush().await;
            assert_eq!(again.last_used_at, Some(at(NOW)), "{fault:?}");
            let written = bench.pats.get(again.id).await.unwrap();
            assert_eq!(written.last_used_at, Some(at(NOW)), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_outage_is_reported_as_unavailable_and_costs_no_attempt() {
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::open(Arc::clone(&store), &keys)
        .await
        .unwrap();
    let issued = pats.issue("ada").await.unwrap();
    let text = issued.token.expose();
    store.at.store(0, Ordering::SeqCst);
    for _ in 0..50 {
        let away = pats.verify(text).await.unwrap_err();
        assert!(
            matches!(
                away,
                VerifyError::Failed(PatError::Service(ServiceError::Store(_)))
            ),
            "{away:?}"
        );
        assert_eq!(away.public(), PublicError::Unavailable);
    }
    store.healed.store(true, Ordering::SeqCst);
    assert!(pats.verify(text).await.is_ok());
}

#[tokio::test]
async fn opening_may_fail_and_be_done_again() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        for call in 1..=4 {
            let store = Faulty::new(fault, call);
            let keys = KeyRing::new(Key::generate());
            let first = PersonalAccessTokens::open(Arc::clone(&store), &keys).await;
            store.healed.store(true, Ordering::SeqCst);
            let pats = PersonalAccessTokens::open(Arc::clone(&store), &keys)
                .await
                .unwrap();
            let issued = pats.issue(ADA).await.unwrap();
            if let Ok(first) = first {
                let verified = first.verify(issued.token.expose()).await;
                assert!(verified.is_ok(), "{fault:?} at {call}");
            }
        }
    }
}

/// An operation whose write has an unknown effect leaves nothing in the cache.
#[tokio::test]
async fn what_may_have_been_revoked_is_looked_up_again() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let options = PersonalAccessTokens::options().cache(10, Duration::from_secs(1000));
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ADA).await.unwrap();
    assert_eq!(bench.reason(&issued).await, None);
    // Done at once, but every reply is lost, and so is the answer to what became of it.
    store.fail_writes(Some(Fault::After));
    let revoked = bench.pats.revoke(issued.record.id).await;
    assert!(
        matches!(revoked, Err(PatError::Service(ServiceError::Store(_)))),
        "{revoked:?}"
    );
    store.fail_writes(None);
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
}

/// A changed record is an error in its own place; a failure of the store ends the list.
#[tokio::test]
async fn a_list_that_a_damaged_database_breaks_off_is_not_taken_for_a_whole_one() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::Corrupt], u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    for _ in 0..250 {
        bench.issue(ADA).await.unwrap();
    }
    let damaged = PatError::Service(ServiceError::Store(StoreError::Corrupt));
    for page in [1, 2, 3] {
        store.fail_from(page);
        let (mut list, mut all) = (bench.pats.list().stream(), Vec::new());
        while let Some(token) = list.next().await {
            all.push(token);
        }
        assert!(store.has_failed());
        let last = all.pop().unwrap();
        assert_eq!(last, Err(damaged.clone()));
        assert!(all.len() < 250 && all.iter().all(Result::is_ok));
    }
    store.fail_from(1);
    assert_eq!(bench.pats.list().tally().await, Err(damaged));
}

/// Who prepared a file chose what is damaged in it, and a guess decides which part is read.
#[tokio::test]
async fn a_damaged_database_uses_up_attempts_and_an_outage_none() {
    for (fault, counts) in [(Fault::Corrupt, true), (Fault::Before, false)] {
        let store = Faulty::over(MemoryStore::new(), &[fault; 30], u64::MAX);
        let keys = KeyRing::new(Key::generate());
        let pats = PersonalAccessTokens::open(store.clone(), &keys).await;
        let pats = pats.unwrap();
        let issued = pats.issue(ADA).await.unwrap();
        let wrong = with_wrong_secret(&pats, &issued).await;
        store.fail_from(1);
        for _ in 0..10 {
            let failed = pats.verify(&wrong).await.unwrap_err();
            assert_eq!(failed.public(), PublicError::Unavailable, "{failed:?}");
            assert_eq!(failed.code(), "unavailable");
        }
        store.heal();
        let refused = pats.verify(&wrong).await;
        let is_closed = matches!(
            refused,
            Err(VerifyError::Failed(PatError::Service(
                ServiceError::TooManyAttempts { .. }
            )))
        );
        assert_eq!(is_closed, counts, "{fault:?}: {refused:?}");
        // A right secret of ours is taken all the same.
        assert!(pats.verify(issued.token.expose()).await.is_ok());
    }
}
