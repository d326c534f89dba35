//! When a token was used last: written seldom, and never in the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::pat::{Issued, PatUpdate, PersonalAccessTokens, Reason};

use super::{Bench, NOW, ada, at};
use crate::faulty::Faulty;

/// How many writes a verification costs.
async fn writes(bench: &Bench, store: &Faulty, issued: &Issued) -> u64 {
    store.counts();
    bench.verify(issued).await.unwrap();
    let (calls, writes) = store.counts();
    assert_eq!(calls, writes + 1);
    writes
}

#[tokio::test]
async fn the_last_use_is_written_once_an_interval() {
    let store = Faulty::counting();
    let options = PersonalAccessTokens::options().last_used_every(Duration::from_secs(600));
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ada()).await;
    let last = async || {
        bench
            .pats
            .get(&issued.record.id)
            .await
            .unwrap()
            .last_used_at
    };
    for (second, written) in [
        (0, 1),
        (0, 0),
        (599, 0),
        (600, 1),
        (601, 0),
        (1199, 0),
        (5000, 1),
    ] {
        bench.clock.set(at(NOW + second));
        assert_eq!(writes(&bench, &store, &issued).await, written, "{second}");
        let seen = bench.verify(&issued).await.unwrap().last_used_at;
        assert_eq!(last().await, seen);
        if written == 1 {
            assert_eq!(seen, Some(at(NOW + second)));
        }
    }
    // It is no change that anyone made.
    assert_eq!(
        bench.pats.get(&issued.record.id).await.unwrap().updated_at,
        at(NOW)
    );
    // A clock that went back writes nothing.
    bench.clock.set(at(NOW));
    assert_eq!(writes(&bench, &store, &issued).await, 0);
}

#[tokio::test]
async fn it_can_be_turned_off_and_be_written_each_time() {
    let store = Faulty::counting();
    let options = PersonalAccessTokens::options().without_last_used();
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ada()).await;
    for _ in 0..3 {
        bench.clock.advance(100_000);
        assert_eq!(writes(&bench, &store, &issued).await, 0);
    }
    assert_eq!(
        bench
            .pats
            .get(&issued.record.id)
            .await
            .unwrap()
            .last_used_at,
        None
    );
    let always = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let pats = bench.again(always).await;
    for _ in 0..3 {
        store.counts();
        pats.verify(issued.token.expose()).await.unwrap();
        assert_eq!(store.counts(), (2, 1));
    }
    // Once an hour unless set.
    let hourly = bench.again(PersonalAccessTokens::options()).await;
    for (seconds, expected) in [(3599, 0), (1, 1)] {
        bench.clock.advance(seconds);
        store.counts();
        hourly.verify(issued.token.expose()).await.unwrap();
        assert_eq!(store.counts().1, expected);
    }
}

#[tokio::test]
async fn a_use_undoes_no_change() {
    let options = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let bench = Bench::with(crate::engine::Engine::memory(), options).await;
    let issued = bench.issue(ada()).await;
    for n in 0..20 {
        let update = PatUpdate::new().add_role(format!("{n}"));
        let (updated, verified) = tokio::join!(
            bench.pats.update(&issued.record.id, update),
            bench.verify(&issued)
        );
        updated.unwrap();
        verified.unwrap();
    }
    assert_eq!(bench.verify(&issued).await.unwrap().roles.len(), 20);
}

/// A token that is deleted between the reading and the writing of its use stays so: no ghost of it comes back.
#[tokio::test]
async fn a_use_brings_no_deleted_token_back() {
    let store = Faulty::counting();
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let issued = bench.issue(ada()).await;
    store.hold.store(true, Ordering::SeqCst);
    let (pats, text) = (bench.pats.clone(), issued.token.clone());
    let slow = tokio::spawn(async move { pats.verify(text.expose()).await });
    store.read.notified().await;
    bench.pats.delete(&issued.record.id).await.unwrap();
    store.go_on.notify_one();
    assert!(slow.await.unwrap().is_ok());
    assert_eq!(bench.pats.count().await, Ok(0));
    assert_eq!(bench.reason(&issued).await, Some(Reason::NotFound));
}
