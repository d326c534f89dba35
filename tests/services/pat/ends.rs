//! The life of a token: expired, revoked, restored, purged, deleted.

use std::time::Duration;

use sealtoken::pat::{PatError, PatUpdate, PersonalAccessTokens, Reason, State};
use sealtoken::{Clock as _, Lifetime};

use super::{Bench, NOW, ada, at, reason, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    a_token_is_expired_at_its_second,
    revoked_comes_before_expired_and_both_after_the_secret,
    a_revocation_keeps_the_end_and_a_restoration_gives_it_back,
    a_purge_removes_what_is_over_and_nothing_else,
    what_is_deleted_is_gone,
}

async fn a_token_is_expired_at_its_second(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench.issue(ada().expires_in(Lifetime::seconds(100))).await;
    bench.clock.set(at(NOW + 99));
    let record = bench.verify(&issued).await.unwrap();
    assert_eq!(record.state_at(at(NOW + 99)), State::Live);
    assert_eq!(record.state_at(at(NOW + 100)), State::Expired);
    bench.clock.set(at(NOW + 100));
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    // Judged by the clock alone: where that goes back, the token is good again.
    bench.clock.set(at(NOW));
    assert_eq!(bench.reason(&issued).await, None);
}

async fn revoked_comes_before_expired_and_both_after_the_secret(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench.issue(ada().expires_in(Lifetime::seconds(100))).await;
    let wrong = with_wrong_secret(&bench.pats, &issued).await;
    let id = issued.record.id;
    let judge = async |expected: Option<Reason>| {
        assert_eq!(bench.reason(&issued).await, expected);
        let other = reason(bench.pats.verify(&wrong).await);
        assert_eq!(other, Some(Reason::InvalidSecret));
    };
    judge(None).await;
    bench.pats.revoke(&id).await.unwrap();
    judge(Some(Reason::Revoked)).await;
    bench.clock.advance(100);
    judge(Some(Reason::Revoked)).await;
    bench.pats.restore(&id).await.unwrap();
    judge(Some(Reason::Expired)).await;
    // A refused token was not used.
    bench.pats.flush().await;
    assert_eq!(
        bench.pats.get(&id).await.unwrap().last_used_at,
        Some(at(NOW))
    );
}

async fn a_revocation_keeps_the_end_and_a_restoration_gives_it_back(engine: Engine) {
    let bench = Bench::on(engine).await;
    let pats = &bench.pats;
    let issued = bench.issue(ada().expires_in(Lifetime::seconds(100))).await;
    let id = issued.record.id;
    let end = Some(at(NOW + 100));
    bench.clock.advance(10);
    let revoked = pats
        .revoke_and_purge(&id, Lifetime::seconds(500))
        .await
        .unwrap();
    assert_eq!(
        (revoked.revoked_at, revoked.expires_at),
        (Some(at(NOW + 10)), end)
    );
    assert_eq!(revoked.purge_at, Some(at(NOW + 510)));
    assert_eq!(revoked.state_at(at(NOW)), State::Revoked);
    assert_eq!(revoked.updated_at, at(NOW + 10));
    // Again: it was revoked when it was. Another time to purge is taken.
    bench.clock.advance(10);
    let again = pats.revoke(&id).await.unwrap();
    assert_eq!(again, revoked);
    let later = pats
        .revoke_and_purge(&id, Lifetime::seconds(1000))
        .await
        .unwrap();
    assert_eq!(later.purge_at, Some(at(NOW + 1020)));
    assert_eq!(
        (later.revoked_at, later.expires_at),
        (Some(at(NOW + 10)), end)
    );
    let kept = pats.revoke_and_purge(&id, Lifetime::Forever).await.unwrap();
    assert_eq!((kept.purge_at, kept.revoked_at), (None, Some(at(NOW + 10))));
    let wrong = pats.revoke_and_purge(&id, Lifetime::seconds(0)).await;
    assert!(matches!(wrong, Err(PatError::Lifetime(_))), "{wrong:?}");

    pats.revoke_and_purge(&id, Lifetime::seconds(1))
        .await
        .unwrap();
    let restored = pats.restore(&id).await.unwrap();
    assert_eq!((restored.revoked_at, restored.purge_at), (None, None));
    assert_eq!(restored.expires_at, end);
    assert_eq!(pats.restore(&id).await.unwrap(), restored);
    // The purge that its revocation asked for is off, too.
    bench.clock.set(at(NOW + 99));
    assert_eq!(pats.purge().await, Ok(0));
    assert_eq!(bench.reason(&issued).await, None);
    bench.clock.set(at(NOW + 100));
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    // Revoked again, it has no time to be purged from before.
    let again = pats.revoke(&id).await.unwrap();
    assert_eq!((again.purge_at, again.expires_at), (None, end));
    // A token without an end stays without one.
    let forever = bench.issue(ada()).await;
    pats.revoke(&forever.record.id).await.unwrap();
    let back = pats.restore(&forever.record.id).await.unwrap();
    assert_eq!((back.expires_at, back.revoked_at), (None, None));
    assert_eq!(bench.reason(&forever).await, None);
}

async fn a_purge_removes_what_is_over_and_nothing_else(engine: Engine) {
    let keep = Duration::from_secs(1000);
    let options = PersonalAccessTokens::options().keep_expired(keep);
    let bench = Bench::with(engine, options).await;
    let pats = &bench.pats;
    let forever = bench.issue(ada()).await;
    let ends = bench.issue(ada().expires_in(Lifetime::seconds(100))).await;
    let renewed = bench.issue(ada().expires_in(Lifetime::seconds(100))).await;
    let revoked = bench.issue(ada()).await;
    let purged = bench.issue(ada()).await;
    let both = bench.issue(ada().expires_in(Lifetime::days(9))).await;
    pats.revoke(&revoked.record.id).await.unwrap();
    for id in [&purged.record.id, &both.record.id] {
        pats.revoke_and_purge(id, Lifetime::seconds(500))
            .await
            .unwrap();
    }
    let here = async || pats.count().await.unwrap();
    bench.clock.set(at(NOW + 500));
    assert_eq!(pats.purge().await, Ok(0));
    // Before the second it is there, after it it may go.
    bench.clock.set(at(NOW + 501));
    assert_eq!((pats.purge().await, here().await), (Ok(2), 4));
    assert_eq!(bench.reason(&purged).await, Some(Reason::NotFound));
    assert_eq!(bench.reason(&both).await, Some(Reason::NotFound));
    assert_eq!(
        pats.get(&purged.record.id).await.err(),
        Some(PatError::NotFound)
    );
    // It has expired, and is kept for a while: until then it can be renewed.
    assert_eq!(bench.reason(&ends).await, Some(Reason::Expired));
    let renew = PatUpdate::new().never_expires();
    pats.update(&renewed.record.id, renew).await.unwrap();
    bench.clock.set(at(NOW + 1100));
    assert_eq!(pats.purge().await, Ok(0));
    bench.clock.set(at(NOW + 1101));
    assert_eq!((pats.purge().await, here().await), (Ok(1), 3));
    assert_eq!(bench.reason(&ends).await, Some(Reason::NotFound));
    bench.clock.set(at(NOW + 9_000_000));
    assert_eq!(pats.purge().await, Ok(0));
    for live in [&forever, &renewed] {
        assert_eq!(bench.reason(live).await, None);
    }
    assert_eq!(bench.reason(&revoked).await, Some(Reason::Revoked));
}

async fn what_is_deleted_is_gone(engine: Engine) {
    let bench = Bench::on(engine).await;
    let pats = &bench.pats;
    let issued = bench.issue(ada()).await;
    let id = issued.record.id;
    pats.delete(&id).await.unwrap();
    assert_eq!(bench.reason(&issued).await, Some(Reason::NotFound));
    let gone = PatError::NotFound;
    assert_eq!(pats.delete(&id).await, Err(gone.clone()));
    // Nothing that names it brings it back: no ghost remains.
    let nothing = PatUpdate::new();
    let role = PatUpdate::new().add_role("r");
    for result in [
        pats.get(&id).await,
        pats.get_with_hash(&id).await,
        pats.revoke(&id).await,
        pats.revoke_and_purge(&id, Lifetime::days(1)).await,
        pats.restore(&id).await,
        pats.update(&id, nothing).await,
        pats.update(&id, role).await,
    ] {
        assert_eq!(result.map(|_| ()), Err(gone.clone()));
    }
    let rotated = pats.rotate(&id, Duration::ZERO).await;
    assert_eq!(rotated.map(|_| ()), Err(gone));
    assert_eq!(pats.count().await, Ok(0));
    assert_eq!(pats.list().count().await, Ok(0));
}

#[tokio::test]
async fn a_purge_goes_through_more_than_one_page() {
    let bench = Bench::with(
        Engine::memory(),
        PersonalAccessTokens::options().keep_expired(Duration::ZERO),
    )
    .await;
    for _ in 0..1001 {
        bench.issue(ada().expires_in(Lifetime::seconds(1))).await;
    }
    let kept = bench.issue(ada()).await;
    bench.clock.advance(2);
    assert_eq!(bench.pats.purge().await, Ok(1001));
    assert_eq!(bench.pats.count().await, Ok(1));
    assert_eq!(bench.reason(&kept).await, None);
}

#[tokio::test]
async fn an_end_lies_ahead_and_before_the_year_ten_thousand() {
    let bench = Bench::on(Engine::memory()).await;
    let last = 253_402_300_799;
    let issue = async |new| {
        bench
            .pats
            .issue(new)
            .await
            .map(|issued| issued.record.expires_at)
    };
    for good in [NOW + 1, last] {
        assert_eq!(issue(ada().expires_at(at(good))).await, Ok(Some(at(good))));
    }
    for bad in [i64::MIN, -1, 0, NOW - 1, NOW, last + 1, i64::MAX] {
        let refused = issue(ada().expires_at(at(bad))).await;
        assert_eq!(refused, Err(PatError::InvalidEnd), "{bad}");
        let id = bench.issue(ada()).await.record.id;
        let update = PatUpdate::new().expires_at(at(bad));
        let updated = bench.pats.update(&id, update).await.map(|_| ());
        assert_eq!(updated, Err(PatError::InvalidEnd), "{bad}");
    }
    for bad in [Lifetime::seconds(0), Lifetime::seconds(u64::MAX)] {
        let refused = issue(ada().expires_in(bad)).await;
        assert!(matches!(refused, Err(PatError::Lifetime(_))), "{refused:?}");
    }
    let reaches_too_far = Lifetime::seconds(u64::try_from(last).unwrap());
    let refused = issue(ada().expires_in(reaches_too_far)).await;
    assert_eq!(refused, Err(PatError::InvalidEnd));
    // What is kept for ever after its end is a time that does not overflow.
    let options = PersonalAccessTokens::options().keep_expired(Duration::MAX);
    let pats = bench.again(options).await;
    let issued = pats.issue(ada().expires_at(at(last))).await.unwrap();
    assert!(pats.verify(issued.token.expose()).await.is_ok());
    assert_eq!(pats.purge().await, Ok(0));
}

#[tokio::test]
async fn an_end_that_has_passed_is_now_where_that_is_asked_for() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ada()).await;
    for (end, stored) in [(NOW + 1, NOW + 1), (NOW, NOW), (5, NOW)] {
        let update = PatUpdate::new().expires_at_or_now(at(end));
        let updated = bench.pats.update(&issued.record.id, update).await.unwrap();
        assert_eq!(updated.expires_at, Some(at(stored)));
    }
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
}

/// Where this clock is ahead, now would still lie ahead for the others: it would be good again.
#[tokio::test]
async fn a_token_that_has_ended_keeps_its_end_where_the_other_has_passed_too() {
    let bench = Bench::on(Engine::memory()).await;
    for (expires, later) in [(NOW + 600, 900), (NOW + 1_800, 900)] {
        let issued = bench.issue(ada().expires_at(at(expires))).await;
        bench.clock.advance(later);
        let now = bench.clock.now().as_secs();
        assert!(expires <= now);
        for end in [5, expires - 1, now - 1, now] {
            let update = PatUpdate::new().expires_at_or_now(at(end));
            let updated = bench.pats.update(&issued.record.id, update).await.unwrap();
            assert_eq!(updated.expires_at, Some(at(expires)), "{end}");
        }
        // An end ahead is another one: whoever gives it wants the token back.
        let update = PatUpdate::new().expires_at_or_now(at(now + 1));
        let updated = bench.pats.update(&issued.record.id, update).await.unwrap();
        assert_eq!(updated.expires_at, Some(at(now + 1)));
    }
}
