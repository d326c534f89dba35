//! Verified tokens that are kept for a moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::Lifetime;
use sealtoken::pat::{Issued, PatError, PatOptions, PersonalAccessTokens, Reason};

use super::{ADA, Bench, originals};
use crate::faulty::{Fault, Faulty};

const LONG: Duration = Duration::from_secs(1000);

fn cached(tokens: usize, staleness: Duration) -> PatOptions {
    PersonalAccessTokens::options().cache(tokens, staleness)
}

async fn counting(options: PatOptions) -> (Bench, Arc<Faulty>) {
    let store = Faulty::counting();
    (Bench::over(Arc::clone(&store) as _, options).await, store)
}

/// How often the store is asked about a valid token.
async fn calls(bench: &Bench, store: &Faulty, issued: &Issued) -> u64 {
    bench.pats.flush().await;
    store.counts();
    bench.verify(issued).await.unwrap();
    store.counts().0
}

#[tokio::test]
async fn a_token_is_looked_up_once() {
    let (bench, store) = counting(cached(10, LONG)).await;
    let issued = bench.issue(ADA).role("r").await.unwrap();
    assert_eq!(calls(&bench, &store, &issued).await, 1);
    let first = bench.verify(&issued).await;
    for _ in 0..5 {
        assert_eq!(calls(&bench, &store, &issued).await, 0);
        assert_eq!(bench.verify(&issued).await, first);
    }
    // Without a cache, each time.
    for options in [PersonalAccessTokens::options(), cached(0, LONG)] {
        let (bench, store) = counting(options).await;
        let issued = bench.issue(ADA).await.unwrap();
        assert_eq!(calls(&bench, &store, &issued).await, 1);
        assert_eq!(calls(&bench, &store, &issued).await, 1);
    }
}

#[tokio::test]
async fn another_process_is_seen_after_the_staleness() {
    let staleness = Duration::from_millis(300);
    let (bench, store) = counting(cached(10, staleness)).await;
    let issued = bench.issue(ADA).await.unwrap();
    let other = bench.again(PersonalAccessTokens::options()).await;
    calls(&bench, &store, &issued).await;
    let began = std::time::Instant::now();
    other.revoke(issued.record.id).await.unwrap();
    let mut seen = 0;
    while bench.reason(&issued).await.is_none() {
        seen += 1;
        assert!(began.elapsed() < staleness + Duration::from_millis(200));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(seen > 0, "it was in the cache");
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
    // A hit makes it live no longer: it is read anew from the first look-up on.
    assert!(began.elapsed() < staleness + Duration::from_millis(200));
}

/// As in a process that was frozen, or moved to another machine: the monotonic clock stood still
/// meanwhile.
#[tokio::test]
async fn another_process_is_seen_after_the_staleness_by_the_wall_clock_too() {
    let two = Duration::from_secs(2);
    // Also where the clock was put back: nobody knows how long ago the token was read.
    for (seconds, reason) in [
        (1, None),
        (2, Some(Reason::Revoked)),
        (6, Some(Reason::Revoked)),
        (-1, Some(Reason::Revoked)),
    ] {
        let (bench, store) = counting(cached(10, two)).await;
        let issued = bench.issue(ADA).await.unwrap();
        let other = bench.again(PersonalAccessTokens::options()).await;
        calls(&bench, &store, &issued).await;
        other.revoke(issued.record.id).await.unwrap();
        bench.clock.advance(seconds);
        assert_eq!(bench.reason(&issued).await, reason, "{seconds}");
    }
}

/// Otherwise, whoever may change their own tokens could keep the cache empty for all others.
#[tokio::test]
async fn a_refused_change_leaves_the_cache_alone() {
    let (bench, store) = counting(cached(10, LONG)).await;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    assert_eq!(calls(&bench, &store, &issued).await, 1);
    let other = bench.pats.owned_by("bob@example.com");
    assert_eq!(other.revoke(id).await.err(), Some(PatError::NotFound));
    assert_eq!(
        other.update(id).name("x").await.err(),
        Some(PatError::NotFound)
    );
    assert_eq!(other.delete(id).await, Err(PatError::NotFound));
    assert_eq!(calls(&bench, &store, &issued).await, 0);
}

#[tokio::test]
async fn what_this_process_changes_is_seen_at_once() {
    let (bench, store) = counting(cached(10, LONG)).await;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    let kept = async || {
        assert_eq!(bench.reason(&issued).await, None);
        assert_eq!(calls(&bench, &store, &issued).await, 0);
    };
    kept().await;
    bench
        .pats
        .update(id)
        .add_role("new")
        .admin(true)
        .await
        .unwrap();
    let seen = bench.verify(&issued).await.unwrap();
    assert!(seen.admin && seen.has_role("new"));
    kept().await;
    bench.pats.revoke(id).await.unwrap();
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
    bench.pats.restore(id).await.unwrap();
    kept().await;
    bench
        .pats
        .revoke(id)
        .purge_after(Lifetime::days(1))
        .await
        .unwrap();
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
    bench.pats.restore(id).await.unwrap();
    kept().await;
    // A clone is the same process.
    let overlap = Duration::from_secs(60);
    let rotated = bench
        .pats
        .clone()
        .rotate(id)
        .overlap(overlap)
        .await
        .unwrap();
    assert_eq!(bench.reason(&issued).await, None);
    bench.clock.advance(60);
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    assert_eq!(bench.reason(&rotated).await, None);
    assert_eq!(calls(&bench, &store, &rotated).await, 0);
    bench.pats.delete(id).await.unwrap();
    assert_eq!(bench.reason(&rotated).await, Some(Reason::NotFound));
}

#[tokio::test]
async fn the_expiry_of_a_token_is_checked_each_time() {
    let (bench, store) = counting(cached(10, LONG)).await;
    let issued = bench
        .issue(ADA)
        .expires(Lifetime::seconds(10))
        .await
        .unwrap();
    calls(&bench, &store, &issued).await;
    bench.clock.advance(9);
    assert_eq!(calls(&bench, &store, &issued).await, 0);
    bench.clock.advance(1);
    store.counts();
    // Looked up then, for another process may have moved it.
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    assert_eq!(store.counts().0, 1);
}

#[tokio::test]
async fn no_more_tokens_are_kept_than_are_set() {
    let (bench, store) = counting(cached(3, LONG)).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        let issued = bench.issue(ADA).await.unwrap();
        bench.verify(&issued).await.unwrap();
        all.push(issued);
    }
    // The last three; the least recently used one goes first.
    for (n, expected) in [(4, 0), (3, 0), (2, 0), (0, 1), (4, 1), (2, 0)] {
        assert_eq!(calls(&bench, &store, &all[n]).await, expected, "{n}");
    }
}

#[tokio::test]
async fn what_is_refused_is_never_kept() {
    let (bench, store) = counting(cached(10, LONG)).await;
    let issued = bench.issue(ADA).await.unwrap();
    let generated = bench.pats.generate().unwrap();
    let wrong = super::with_wrong_secret(&bench.pats, &issued).await;
    for text in [generated.token.expose(), &wrong] {
        for _ in 0..3 {
            store.counts();
            bench.pats.verify(text).await.unwrap_err();
            assert_eq!(store.counts().0, 1);
        }
    }
    let register = bench.pats.register(generated.id, generated.hash, ADA);
    register.await.unwrap();
    assert!(bench.pats.verify(generated.token.expose()).await.is_ok());
    // And a cached text makes no other text valid.
    assert_eq!(bench.reason(&issued).await, None);
    let verified = bench.pats.verify(&wrong).await;
    assert_eq!(super::reason(verified), Some(Reason::InvalidSecret));
}

#[tokio::test]
async fn a_token_of_the_other_system_pays_for_scrypt_once() {
    let (bench, store) = counting(cached(10, LONG)).await;
    bench
        .pats
        .register(originals::id(), originals::hash(), ADA)
        .await
        .unwrap();
    bench.pats.verify(originals::TEXT).await.unwrap();
    store.counts();
    bench.pats.verify(originals::TEXT).await.unwrap();
    assert_eq!(store.counts().0, 0);
    let wrong = bench.pats.verify(originals::WRONG).await;
    assert_eq!(super::reason(wrong), Some(Reason::InvalidSecret));
}

#[tokio::test]
async fn what_was_read_before_a_change_is_not_kept_after_it() {
    let (bench, store) = counting(cached(10, LONG).last_used_every(None)).await;
    let issued = bench.issue(ADA).await.unwrap();
    // It has read the token, and before it says so another task of the process revokes it.
    store.hold.store(true, Ordering::SeqCst);
    let (pats, text) = (bench.pats.clone(), issued.token.clone());
    let slow = tokio::spawn(async move { pats.verify(text.expose()).await });
    store.read.notified().await;
    bench.pats.revoke(issued.record.id).await.unwrap();
    store.go_on.notify_one();
    assert!(slow.await.unwrap().is_ok());
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
}

/// Somebody verifies the token while it is changed, before anything is written.
#[tokio::test]
async fn what_was_read_before_a_change_was_written_is_not_kept_behind_it() {
    for rotates in [false, true] {
        let store = Faulty::new(Fault::Lost, u64::MAX);
        let bench = Bench::over(store.clone(), cached(10, LONG)).await;
        let issued = bench.issue(ADA).await.unwrap();
        let id = issued.record.id;
        bench.verify(&issued).await.unwrap();
        bench.pats.flush().await;
        let (pats, text) = (bench.pats.clone(), issued.token.expose().to_owned());
        store.set_rival(Box::pin(async move {
            assert!(pats.verify(&text).await.is_ok());
        }));
        // Its record is read, and then written: that is lost at first, and done when it is sent
        // again.
        store.fail_from(2);
        if rotates {
            bench.pats.rotate(id).await.unwrap();
        } else {
            bench.pats.revoke(id).await.unwrap();
        }
        assert!(store.has_failed_writing());
        assert_ne!(bench.reason(&issued).await, None, "{rotates}");
    }
}
