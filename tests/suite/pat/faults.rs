//! A store that fails at each of its calls: what was acknowledged is there, what was refused can be done again, and nothing is half done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::pat::{
    Issued, NewPat, PatError, PatId, PatUpdate, PersonalAccessTokens, Reason, SecretHash,
    VerifyError,
};
use sealtoken::{Key, KeyRing, Lifetime};

use super::{Bench, NOW, ada, at, originals};
use crate::faulty::{Fault, Faulty};

const KEPT: &str = "kept0through0it0all00";
const GONE: &str = "gone0in0the0end000000";
const OVER: &str = "over0and0purged000000";
const MINUTE: Duration = Duration::from_secs(60);

fn id(text: &str) -> PatId {
    text.parse().unwrap()
}

/// What the steps remember of each other.
#[derive(Default)]
struct Memory {
    kept: Vec<Issued>,
    root: Option<String>,
}

/// The operations, one by one. Each ends in the same state however often it is begun.
const STEPS: usize = 19;

async fn step(bench: &Bench, memory: &mut Memory, number: usize) -> Result<(), PatError> {
    let pats = &bench.pats;
    // What a lost reply hides may have been done: then it is done.
    let done = |result: Result<(), PatError>, already: PatError| match result {
        Err(error) if error == already => Ok(()),
        result => result,
    };
    let verified = |result: Result<_, VerifyError>| match result {
        Ok(_) => Ok(()),
        Err(VerifyError::Failed(error)) => Err(error),
        Err(error) => panic!("{error:?}"),
    };
    match number {
        0 => match pats
            .bootstrap(memory.root.as_deref().unwrap(), "root")
            .await
        {
            // The one who was cut off is the first admin, or can try again.
            Err(VerifyError::Refused(Reason::NotFound)) => {
                verified(pats.verify(memory.root.as_deref().unwrap()).await)
            }
            other => verified(other),
        },
        1 => match pats.issue_as(id(KEPT), ada().role("r")).await {
            // Its secret went with the reply: it is given another one.
            Err(PatError::AlreadyExists) => {
                memory.kept = vec![pats.rotate(&id(KEPT), Duration::ZERO).await?];
                Ok(())
            }
            issued => {
                memory.kept = vec![issued?];
                Ok(())
            }
        },
        2 => {
            let generated = pats.generate_as(id(GONE))?;
            let register = pats.register(generated.id, generated.hash, ada());
            done(register.await.map(|_| ()), PatError::AlreadyExists)
        }
        3 => {
            let new = ada().expires_at(at(NOW + 5));
            let issued = pats.issue_as(id(OVER), new).await;
            done(issued.map(|_| ()), PatError::AlreadyExists)
        }
        4 => {
            let used = pats.verify(memory.kept[0].token.expose()).await;
            pats.flush().await;
            verified(used)
        }
        5 => {
            let update = PatUpdate::new().add_role("a").remove_role("r").admin(true);
            pats.update(&id(KEPT), update).await.map(|_| ())
        }
        6 => pats.revoke(&id(KEPT)).await.map(|_| ()),
        7 => pats
            .revoke_and_purge(&id(KEPT), Lifetime::days(1))
            .await
            .map(|_| ()),
        8 => pats.restore(&id(KEPT)).await.map(|_| ()),
        9 => {
            memory.kept.push(pats.rotate(&id(KEPT), MINUTE).await?);
            Ok(())
        }
        10 => pats
            .get(&id(KEPT))
            .await
            .map(|record| assert!(record.admin)),
        11 => {
            let found = pats.get_many(&[id(GONE), id(KEPT)]).await?;
            assert!(found.iter().all(|one| matches!(one, Some(Ok(_)))));
            Ok(())
        }
        12 => {
            let page = pats.list().with_role("a").limit(1).page().await?;
            assert!(page.entries[0].as_ref().is_ok_and(|one| one.id == id(KEPT)));
            Ok(())
        }
        13 => {
            let mut stream = pats.list().owned_by("ada@example.com").limit(1).stream();
            while let Some(token) = stream.next().await {
                token?;
            }
            Ok(())
        }
        14 => {
            bench.clock.set(at(NOW + 6));
            pats.purge().await.map(|_| ())
        }
        15 => done(pats.delete(&id(GONE)).await, PatError::NotFound),
        16 => pats.rewrap().await,
        17 => pats.count().await.map(|count| assert!(count > 1)),
        // A lost reply may hide that another secret took the place of it: the last one is good all the same.
        _ => verified(
            pats.verify(memory.kept.last().unwrap().token.expose())
                .await,
        ),
    }
}

/// Whether everything is as the steps leave it, seen by another process.
async fn check(bench: &Bench, memory: &Memory, what: &str) {
    let pats = bench.again(PersonalAccessTokens::options()).await;
    let record = pats.get(&id(KEPT)).await.unwrap();
    assert!(
        record.admin && record.roles.iter().eq(["a"]),
        "{what}: {record:?}"
    );
    assert_eq!((record.revoked_at, record.purge_at), (None, None), "{what}");
    let last = pats
        .verify(memory.kept.last().unwrap().token.expose())
        .await;
    assert!(last.is_ok(), "{what}: {last:?}");
    for gone in [GONE, OVER] {
        let gone = pats.get(&id(gone)).await;
        assert_eq!(gone.err(), Some(PatError::NotFound), "{what}");
    }
    let root = pats.verify(memory.root.as_deref().unwrap()).await;
    assert!(root.is_ok_and(|root| root.admin), "{what}");
    assert_eq!(pats.count().await, Ok(2), "{what}");
    for (role, count) in [("a", 1), ("r", 0)] {
        let listed = pats.list().with_role(role).count().await;
        assert_eq!(listed, Ok(count), "{what}");
    }
    let owned = pats.list().owned_by("ada@example.com").count().await;
    assert_eq!(owned, Ok(1), "{what}");
}

/// Runs all steps with a fault at call `at`; how many calls there were.
async fn run(fault: Fault, call: u64) -> u64 {
    let what = format!("{fault:?} at call {call}");
    let store = Faulty::new(fault, call);
    store.healed.store(true, Ordering::SeqCst);
    // Opened without a fault: that call has a test of its own.
    let options = || PersonalAccessTokens::options().keep_expired(Duration::ZERO);
    let bench = Bench::over(Arc::clone(&store) as _, options()).await;
    let root = bench.pats.generate().unwrap();
    let pats = bench.again(options().bootstrap(root.hash.clone())).await;
    let bench = Bench { pats, ..bench };
    let mut memory = Memory {
        root: Some(root.token.expose().to_owned()),
        ..Memory::default()
    };
    store.counts();
    store.healed.store(false, Ordering::SeqCst);
    for number in 0..STEPS {
        if let Err(error) = step(&bench, &mut memory, number).await {
            assert!(
                matches!(error, PatError::Store(_)),
                "{what}, step {number}: {error:?}"
            );
            store.healed.store(true, Ordering::SeqCst);
            let again = step(&bench, &mut memory, number).await;
            assert_eq!(again, Ok(()), "{what}, step {number}");
        }
    }
    let calls = store.calls.load(Ordering::SeqCst);
    store.healed.store(true, Ordering::SeqCst);
    check(&bench, &memory, &what).await;
    calls
}

/// With a fault at each call in turn.
async fn run_all(fault: Fault) {
    let calls = run(fault, u64::MAX).await;
    assert!(calls > 25, "{calls}");
    for call in 1..=calls {
        run(fault, call).await;
    }
}

#[tokio::test]
async fn a_call_that_is_not_done_loses_nothing() {
    run_all(Fault::Before).await;
}

#[tokio::test]
async fn a_call_whose_reply_is_lost_doubles_nothing() {
    run_all(Fault::After).await;
}

#[tokio::test]
async fn a_store_that_goes_away_at_any_call_leaves_nothing_half_done() {
    run_all(Fault::ForGood).await;
}

#[tokio::test]
async fn a_lost_reply_of_a_write_is_no_error() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let lose = |call| {
        store.counts();
        store.at.store(call, Ordering::SeqCst);
    };
    lose(1);
    let issued = bench.issue(ada()).await;
    let token_id = issued.record.id;
    for n in 0..3 {
        lose(2);
        let update = PatUpdate::new().add_role(format!("{n}"));
        bench.pats.update(&token_id, update).await.unwrap();
    }
    lose(2);
    bench.pats.revoke(&token_id).await.unwrap();
    lose(2);
    bench.pats.restore(&token_id).await.unwrap();
    lose(2);
    let rotated = bench.pats.rotate(&token_id, MINUTE).await.unwrap();
    lose(u64::MAX);
    for good in [&issued, &rotated] {
        assert_eq!(bench.verify(good).await.unwrap().roles.len(), 3);
    }
    lose(2);
    bench.pats.delete(&token_id).await.unwrap();
    lose(u64::MAX);
    assert_eq!(bench.pats.count().await, Ok(0));
}

#[tokio::test]
async fn a_use_that_cannot_be_written_refuses_nobody() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        let store = Faulty::new(fault, u64::MAX);
        let options = PersonalAccessTokens::options().upgrade_hashes(true);
        let bench = Bench::over(Arc::clone(&store) as _, options).await;
        let issued = bench.issue(ada()).await;
        let hash: SecretHash = originals::HASH.parse().unwrap();
        bench
            .pats
            .register(originals::id(), hash, ada())
            .await
            .unwrap();
        for text in [issued.token.expose(), originals::TEXT] {
            store.counts();
            // Behind a verification its use is read again, which is the second call, and written.
            store.at.store(3, Ordering::SeqCst);
            let verified = bench.pats.verify(text).await.unwrap();
            bench.pats.flush().await;
            assert_eq!(verified.owner, "ada@example.com");
            assert_eq!(store.counts(), (3, 1), "tried once");
            store.at.store(u64::MAX, Ordering::SeqCst);
            let again = bench.pats.verify(text).await.unwrap();
            bench.pats.flush().await;
            assert_eq!(again.last_used_at, Some(at(NOW)), "{fault:?}");
            let written = bench.pats.get(&again.id).await.unwrap();
            assert_eq!(written.last_used_at, Some(at(NOW)), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_outage_is_told_as_one_and_uses_up_nobodys_attempts() {
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::open(Arc::clone(&store), &keys)
        .await
        .unwrap();
    let issued = pats.issue(NewPat::for_owner("ada")).await.unwrap();
    let text = issued.token.expose();
    store.at.store(0, Ordering::SeqCst);
    for _ in 0..50 {
        let away = pats.verify(text).await.unwrap_err();
        assert!(
            matches!(away, VerifyError::Failed(PatError::Store(_))),
            "{away:?}"
        );
        assert_eq!(away.public(), sealtoken::pat::PublicError::Unavailable);
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
            let issued = pats.issue(ada()).await.unwrap();
            if let Ok(first) = first {
                let verified = first.verify(issued.token.expose()).await;
                assert!(verified.is_ok(), "{fault:?} at {call}");
            }
        }
    }
}

/// An operation that was not told how its write ended leaves nothing in the cache.
#[tokio::test]
async fn what_may_have_been_revoked_is_looked_up_again() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let options = PersonalAccessTokens::options().cache(10, Duration::from_secs(1000));
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ada()).await;
    assert_eq!(bench.reason(&issued).await, None);
    // Done at once, but every reply is lost, and so is the answer to what became of it.
    store.lost.store(true, Ordering::SeqCst);
    let revoked = bench.pats.revoke(&issued.record.id).await;
    assert!(matches!(revoked, Err(PatError::Store(_))), "{revoked:?}");
    store.lost.store(false, Ordering::SeqCst);
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
}
