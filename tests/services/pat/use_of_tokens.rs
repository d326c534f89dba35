//! When a token was used last: written seldom, and never in the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::pat::{Issued, PersonalAccessTokens, Reason};
use sealtoken::{Lifetime, ManualClock};

use super::{ADA, Bench, NOW, at};
use crate::faulty::{Fault, Faulty};

/// How many writes a verification costs: none itself, and at most one behind it.
async fn writes(bench: &Bench, store: &Faulty, issued: &Issued) -> u64 {
    store.counts();
    bench.verify(issued).await.unwrap();
    assert_eq!(store.counts(), (1, 0));
    bench.pats.flush().await;
    let (calls, writes) = store.counts();
    assert_eq!(calls, 2 * writes);
    writes
}

#[tokio::test]
async fn the_last_use_is_written_once_an_interval() {
    let store = Faulty::counting();
    let options = PersonalAccessTokens::options().last_used_every(Duration::from_secs(600));
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ADA).await.unwrap();
    let last = async || bench.pats.get(issued.record.id).await.unwrap().last_used_at;
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
        bench.pats.get(issued.record.id).await.unwrap().updated_at,
        at(NOW)
    );
    // Clocks differ by a minute; one that was further ahead is corrected by the next use.
    for (second, written, kept) in [(4999, 0, 5000), (4940, 0, 5000), (4939, 1, 4939)] {
        bench.clock.set(at(NOW + second));
        assert_eq!(writes(&bench, &store, &issued).await, written, "{second}");
        assert_eq!(last().await, Some(at(NOW + kept)));
    }
    assert_eq!(writes(&bench, &store, &issued).await, 0);
}

/// Two nodes, one of which is ahead: they agree on the later use, and not on what cannot be.
#[tokio::test]
async fn nodes_whose_clocks_differ_do_not_undo_each_others_last_use() {
    let options = || PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let bench = Bench::with(crate::engine::Engine::memory(), options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    for (ahead, kept) in [(1, 1), (60, 60), (61, 0), (86_400, 0)] {
        let clock = ManualClock::at(at(NOW + ahead));
        let other = options().clock(clock).limiter(());
        let other = other.open(Arc::clone(&bench.store), &bench.keys).await;
        let other = other.unwrap();
        for _ in 0..3 {
            other.verify(issued.token.expose()).await.unwrap();
            other.flush().await;
            let record = bench.verify(&issued).await.unwrap();
            assert_eq!(record.last_used_at, Some(at(NOW + kept)), "{ahead}");
            bench.pats.flush().await;
            let record = bench.pats.get(issued.record.id).await.unwrap();
            assert_eq!(record.last_used_at, Some(at(NOW + kept)), "{ahead}");
        }
    }
}

/// Two nodes: what one of them writes late takes nothing from the other.
#[tokio::test]
async fn the_last_use_never_goes_back() {
    let options = || PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let store = Faulty::counting();
    let bench = Bench::over(Arc::clone(&store) as _, options()).await;
    let other = options().clock(bench.clock.clone()).limiter(());
    let other = other.open(store.inner.clone(), &bench.keys).await.unwrap();
    let issued = bench.issue(ADA).await.unwrap();
    bench.verify(&issued).await.unwrap();
    // What writes behind it has read the token, and waits.
    store.hold.store(true, Ordering::SeqCst);
    store.read.notified().await;
    bench.clock.advance(100);
    other.verify(issued.token.expose()).await.unwrap();
    other.flush().await;
    store.go_on.notify_one();
    bench.pats.flush().await;
    let record = bench.pats.get(issued.record.id).await.unwrap();
    assert_eq!(record.last_used_at, Some(at(NOW + 100)));
}

/// Whoever changes a token while its use is being written takes nothing from it.
#[tokio::test]
async fn a_use_beside_a_change_is_written_too() {
    let store = Faulty::counting();
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let options = PersonalAccessTokens::options().clock(bench.clock.clone());
    let other = options
        .open(store.inner.clone(), &bench.keys)
        .await
        .unwrap();
    let issued = bench.issue(ADA).await.unwrap();
    bench.verify(&issued).await.unwrap();
    store.hold.store(true, Ordering::SeqCst);
    store.read.notified().await;
    other.update(issued.record.id).name("laptop").await.unwrap();
    store.go_on.notify_one();
    bench.pats.flush().await;
    let record = bench.pats.get(issued.record.id).await.unwrap();
    assert_eq!(record.last_used_at, Some(at(NOW)));
    assert_eq!(record.name.as_deref(), Some("laptop"));
}

/// Many uses that wait are one write, of the last one.
#[tokio::test]
async fn uses_of_a_token_are_written_together() {
    let store = Faulty::counting();
    let options = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let (one, two) = (
        bench.issue(ADA).await.unwrap(),
        bench.issue(ADA).await.unwrap(),
    );
    store.counts();
    for _ in 0..10 {
        bench.clock.advance(1);
        for issued in [&one, &two] {
            bench.verify(issued).await.unwrap();
        }
    }
    bench.pats.flush().await;
    assert_eq!(store.counts(), (20 + 4, 2));
    for issued in [&one, &two] {
        let record = bench.pats.get(issued.record.id).await.unwrap();
        assert_eq!(record.last_used_at, Some(at(NOW + 10)));
    }
}

/// It is written without being asked for, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_written_by_itself() {
    let bench = Bench::on(crate::engine::Engine::memory()).await;
    let issued = bench.issue(ADA).await.unwrap();
    bench.verify(&issued).await.unwrap();
    let written = async {
        while bench
            .pats
            .get(issued.record.id)
            .await
            .unwrap()
            .last_used_at
            .is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    let written = tokio::time::timeout(Duration::from_secs(30), written).await;
    assert!(written.is_ok());
}

/// Outside of a runtime, and in one whose timer is off: nothing panics, and a flush writes.
#[test]
fn no_runtime_is_needed_to_note_a_use() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (bench, issued) = runtime.block_on(async {
        let bench = Bench::on(crate::engine::Engine::memory()).await;
        let issued = bench.issue(ADA).await.unwrap();
        (bench, issued)
    });
    let outside = |work: &mut dyn FnMut(&mut Context<'_>) -> bool| {
        assert!(work(&mut Context::from_waker(Waker::noop())));
    };
    let mut verified = pin!(bench.verify(&issued));
    outside(&mut |context| matches!(verified.as_mut().poll(context), Poll::Ready(Ok(_))));
    let last = || {
        runtime
            .block_on(bench.pats.get(issued.record.id))
            .unwrap()
            .last_used_at
    };
    assert_eq!(last(), None);
    let mut flushed = pin!(bench.pats.flush());
    outside(&mut |context| flushed.as_mut().poll(context).is_ready());
    assert_eq!(last(), Some(at(NOW)));
    bench.clock.advance(3600);
    runtime.block_on(async {
        bench.verify(&issued).await.unwrap();
        bench.pats.flush().await;
    });
    assert_eq!(last(), Some(at(NOW + 3600)));
}

#[tokio::test]
async fn it_can_be_turned_off_and_be_written_each_time() {
    let store = Faulty::counting();
    let options = PersonalAccessTokens::options().last_used_every(None);
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ADA).await.unwrap();
    for _ in 0..3 {
        bench.clock.advance(100_000);
        assert_eq!(writes(&bench, &store, &issued).await, 0);
    }
    assert_eq!(
        bench.pats.get(issued.record.id).await.unwrap().last_used_at,
        None
    );
    let always = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let pats = bench.again(always).await;
    for _ in 0..3 {
        bench.clock.advance(1);
        store.counts();
        pats.verify(issued.token.expose()).await.unwrap();
        pats.flush().await;
        assert_eq!(store.counts(), (3, 1));
    }
    // Once an hour unless set.
    let hourly = bench.again(PersonalAccessTokens::options()).await;
    for (seconds, expected) in [(3599, 0), (1, 1)] {
        bench.clock.advance(seconds);
        store.counts();
        hourly.verify(issued.token.expose()).await.unwrap();
        hourly.flush().await;
        assert_eq!(store.counts().1, expected);
    }
}

#[tokio::test]
async fn a_use_undoes_no_change() {
    let options = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let bench = Bench::with(crate::engine::Engine::memory(), options).await;
    let issued = bench.issue(ADA).await.unwrap();
    for n in 0..20 {
        bench.clock.advance(1);
        let used = async {
            let verified = bench.verify(&issued).await;
            bench.pats.flush().await;
            verified
        };
        let (updated, verified) = tokio::join!(
            bench.pats.update(issued.record.id).add_role(format!("{n}")),
            used
        );
        updated.unwrap();
        verified.unwrap();
    }
    assert_eq!(bench.verify(&issued).await.unwrap().roles.len(), 20);
}

/// A token that is deleted between the reading and the writing of its use stays so: no ghost of it
/// comes back.
#[tokio::test]
async fn a_use_brings_no_deleted_token_back() {
    let store = Faulty::counting();
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    bench.verify(&issued).await.unwrap();
    store.hold.store(true, Ordering::SeqCst);
    let pats = bench.pats.clone();
    let slow = tokio::spawn(async move { pats.flush().await });
    store.read.notified().await;
    bench.pats.delete(issued.record.id).await.unwrap();
    store.go_on.notify_one();
    slow.await.unwrap();
    assert_eq!(bench.pats.list().count().await, Ok(0));
    assert_eq!(bench.reason(&issued).await, Some(Reason::NotFound));
}

/// When a token may be removed is no business of its use.
#[tokio::test]
async fn a_use_moves_no_removal() {
    let options = PersonalAccessTokens::options().keep_expired(Duration::from_secs(1000));
    let bench = Bench::with(crate::engine::Engine::memory(), options).await;
    let issued = bench
        .issue(ADA)
        .expires(Lifetime::seconds(100))
        .await
        .unwrap();
    let removal = async || {
        let records = bench.records().await;
        records.iter().find_map(|record| record.purge_at)
    };
    assert_eq!(removal().await, Some(at(NOW + 1100)));
    bench.verify(&issued).await.unwrap();
    bench.pats.flush().await;
    let used = bench.pats.get(issued.record.id).await.unwrap();
    assert_eq!(used.last_used_at, Some(at(NOW)));
    assert_eq!(removal().await, Some(at(NOW + 1100)));
}

/// Of more tokens than that, the others' uses are noted next time.
#[tokio::test]
async fn uses_of_1024_tokens_are_noted_at_a_time() {
    let store = Faulty::counting();
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let mut issued = Vec::new();
    for _ in 0..1026 {
        issued.push(bench.issue(ADA).await.unwrap());
    }
    for written in [1024, 2, 0] {
        store.counts();
        for one in &issued {
            bench.verify(one).await.unwrap();
        }
        bench.pats.flush().await;
        assert_eq!(store.counts().1, written);
    }
}

/// Three failures in a row are enough to tell. What was not tried is kept.
#[tokio::test]
async fn a_store_that_is_away_is_asked_a_few_times_for_all_uses() {
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let issued = bench.issue(ADA).await.unwrap();
        bench.verify(&issued).await.unwrap();
        ids.push(issued.record.id);
    }
    store.counts();
    store.fail_from(1);
    // In the background, and by the flush.
    bench.pats.flush().await;
    assert_eq!(store.counts(), (6, 0));
    store.heal();
    bench.pats.flush().await;
    let records = bench.pats.get_many(&ids).await.unwrap();
    let used = records.into_iter().flatten().flatten();
    let used = used.filter(|record| record.last_used_at.is_some());
    assert_eq!(used.count(), 14);
}

#[tokio::test]
async fn a_use_that_cannot_be_written_costs_no_other_token_its_own() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let mut issued = Vec::new();
    for _ in 0..4 {
        issued.push(bench.issue(ADA).await.unwrap());
        bench.verify(&issued[issued.len() - 1]).await.unwrap();
    }
    // The first is read, and not written.
    store.fail_from(2);
    bench.pats.flush().await;
    let ids: Vec<_> = issued.iter().map(|one| one.record.id).collect();
    let records = bench.pats.get_many(&ids).await.unwrap();
    let used = records.into_iter().flatten().flatten();
    let used = used.filter(|record| record.last_used_at == Some(at(NOW)));
    assert_eq!(used.count(), 3);
}
