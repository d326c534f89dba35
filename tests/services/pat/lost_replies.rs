//! Lost replies, one by one. Every operation at every call, and beside every rival, is in
//! `histories`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::ServiceError;
use sealtoken::pat::{PatError, PatId, PersonalAccessTokens, Reason, VerifyError};
use sealtoken::store::MemoryStore;

use super::{ADA, Bench, FREE, other};
use crate::faulty::{Fault, Faulty, records, unknown};
use crate::lagging::Lagging;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_others_did_after_a_lost_reply_is_not_undone() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let one = issued.record.id;
    let theirs = other(&bench, &store).await;

    // A role that was taken since is not given again.
    let pats = theirs.clone();
    store.lose_reply(2, async move {
        pats.update(one).remove_role("writer").await.map(drop)
    });
    unknown(bench.pats.update(one).add_role("writer").await);
    assert!(bench.verify(&issued).await.unwrap().roles.is_empty());

    // What was restored and revoked again stays revoked.
    bench.pats.revoke(one).await.unwrap();
    let pats = theirs.clone();
    store.lose_reply(2, async move { pats.revoke(one).await.map(drop) });
    unknown(bench.pats.restore(one).await);
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));

    // What was registered and deleted is not registered again, and what was registered since is not
    // deleted.
    let free: PatId = FREE.parse().unwrap();
    let new = bench.pats.generate_as(free).unwrap();
    let pats = theirs.clone();
    store.lose_reply(1, async move { pats.delete(free).await });
    unknown(bench.pats.register(free, new.hash.clone(), ADA).await);
    assert_eq!(bench.pats.get(free).await.err(), Some(PatError::NotFound));
    let registered = bench.pats.register(free, new.hash.clone(), ADA).await;
    assert!(registered.is_ok());
    store.lose_reply(2, async move {
        theirs.register(free, new.hash, ADA).await.map(drop)
    });
    unknown(bench.pats.delete(free).await);
    assert!(bench.pats.get(free).await.is_ok());
    assert_eq!(records(&store.inner, "pat_tokens").await.len(), 2);
}

/// The first admin is let in once, though the answer was lost at any call and is asked for again.
#[tokio::test]
async fn a_first_admin_who_got_no_answer_is_the_first_or_can_try_again() {
    for fault in [Fault::Before, Fault::After, Fault::Lost, Fault::ForGood] {
        for call in 1.. {
            let store = Faulty::new(fault, u64::MAX);
            let options = PersonalAccessTokens::options;
            let bench = Bench::over(Arc::clone(&store) as _, options()).await;
            let root = bench.pats.generate().unwrap();
            let pats = bench.again(options().bootstrap(root.hash.clone())).await;
            store.fail_from(call);
            let text = root.token.expose();
            let first = pats.bootstrap(text, "root").await;
            if !store.has_failed() {
                break;
            }
            store.heal();
            match first {
                Ok(record) => assert!(record.admin),
                Err(VerifyError::Failed(PatError::Service(ServiceError::Store(_)))) => {
                    let again = pats.bootstrap(text, "root").await;
                    let done = VerifyError::Refused(Reason::NotFound);
                    assert!(again.is_ok() || again == Err(done), "{again:?}");
                }
                other => panic!("{other:?}"),
            }
            assert!(
                pats.verify(text).await.unwrap().admin,
                "{fault:?} at {call}"
            );
            assert_eq!(records(&store.inner, "pat_tokens").await.len(), 1);
            assert_eq!(records(&store.inner, "pat_bootstrap").await.len(), 1);
        }
    }
}

/// It expects the version that was looked at, and so it cannot be done twice.
#[tokio::test]
async fn a_removal_that_was_lost_on_its_way_is_sent_again() {
    let store = Faulty::new(Fault::Lost, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    store.fail_from(2);
    assert_eq!(bench.pats.delete(id).await, Ok(()));
    assert!(store.has_failed_writing());
    assert_eq!(bench.pats.list().count().await, Ok(0));
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
    let issued = bench.issue(ADA).await.unwrap();
    let token_id = issued.record.id;
    for n in 0..3 {
        lose(2);
        bench
            .pats
            .update(token_id)
            .add_role(format!("{n}"))
            .await
            .unwrap();
    }
    lose(2);
    bench.pats.revoke(token_id).await.unwrap();
    lose(2);
    bench.pats.restore(token_id).await.unwrap();
    lose(2);
    let rotated = bench.pats.rotate(token_id).overlap(MINUTE).await.unwrap();
    lose(u64::MAX);
    for good in [&issued, &rotated] {
        assert_eq!(bench.verify(good).await.unwrap().roles.len(), 3);
    }
    lose(2);
    bench.pats.delete(token_id).await.unwrap();
    lose(u64::MAX);
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

/// Somebody else removes the token after its owner was checked.
#[tokio::test]
async fn an_owner_who_deletes_a_removed_token_gets_not_found() {
    let store = Faulty::new(Fault::None, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    let pats = other(&bench, &store).await;
    store.lose_reply(1, async move { pats.delete(id).await });
    let owned = bench.pats.owned_by("ada@example.com");
    assert_eq!(owned.delete(id).await, Err(PatError::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

/// That the store is away by now says nothing of what it did before.
#[tokio::test]
async fn a_lost_reply_and_then_an_outage_leave_it_unknown() {
    let faults = [Fault::After, Fault::ForGood];
    let store = Faulty::over(MemoryStore::new(), &faults, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    store.fail_from(2);
    unknown(bench.pats.revoke(id).await);
    store.fail_from(2);
    unknown(bench.pats.delete(id).await);
    store.fail_from(1);
    unknown(bench.pats.issue(ADA).await);
    // All of it was done.
    store.heal();
    assert_eq!(bench.pats.get(id).await.err(), Some(PatError::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

/// With a store whose reads lag behind it would be the last but one change that is seen.
#[tokio::test]
async fn what_is_asked_for_again_within_a_lag_is_done_again() {
    let store = Lagging::new();
    let bench = Bench::over(store.clone(), PersonalAccessTokens::options()).await;
    let lag = || store.lag(&super::COLLECTIONS);
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;

    bench.pats.revoke(id).await.unwrap();
    lag().await;
    bench.pats.restore(id).await.unwrap();
    assert!(bench.pats.revoke(id).await.unwrap().revoked_at.is_some());
    store.catch_up();
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));

    bench.pats.restore(id).await.unwrap();
    lag().await;
    bench.pats.revoke(id).await.unwrap();
    assert_eq!(bench.pats.restore(id).await.unwrap().revoked_at, None);
    store.catch_up();
    assert_eq!(bench.reason(&issued).await, None);

    let role = || bench.pats.update(id).add_role("reader");
    role().await.unwrap();
    lag().await;
    bench.pats.update(id).remove_role("reader").await.unwrap();
    role().await.unwrap();
    store.catch_up();
    assert!(bench.verify(&issued).await.unwrap().has_role("reader"));

    // The rotation that is asked for again was done, and another one since.
    let made = bench.pats.generate_as(id).unwrap();
    let rotate = || bench.pats.rotate(id).to(made.hash.clone()).overlap(MINUTE);
    rotate().await.unwrap();
    lag().await;
    bench.pats.rotate(id).overlap(MINUTE).await.unwrap();
    assert_eq!(rotate().await, Err(PatError::RotatedOut));
}
