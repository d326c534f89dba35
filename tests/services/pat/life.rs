//! The life of a token: expired, revoked, restored, purged, deleted.

use std::time::Duration;

use sealtoken::pat::{PatError, PersonalAccessTokens, Reason};
use sealtoken::{Clock as _, Expiry, ExpiryError, Lifetime, ServiceError, State};

use super::{ADA, Bench, NOW, at, reason, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    a_token_is_expired_at_its_second,
    revoked_comes_before_expired_and_both_after_the_secret,
    a_revocation_keeps_the_expiry_and_a_restoration_gives_it_back,
    a_purge_removes_only_expired_and_revoked_tokens,
    what_is_deleted_is_gone,
}

async fn a_token_is_expired_at_its_second(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench
        .issue(ADA)
        .expires(Lifetime::seconds(100))
        .await
        .unwrap();
    bench.clock.set(at(NOW + 99));
    let record = bench.verify(&issued).await.unwrap();
    assert_eq!(record.state_at(at(NOW + 99)), State::Live);
    assert_eq!(record.state_at(at(NOW + 100)), State::Expired);
    bench.clock.set(at(NOW + 100));
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    // The clock alone decides: if it goes back, the token is valid again.
    bench.clock.set(at(NOW));
    assert_eq!(bench.reason(&issued).await, None);
}

async fn revoked_comes_before_expired_and_both_after_the_secret(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench
        .issue(ADA)
        .expires(Lifetime::seconds(100))
        .await
        .unwrap();
    let wrong = with_wrong_secret(&bench.pats, &issued).await;
    let id = issued.record.id;
    let judge = async |expected: Option<Reason>| {
        assert_eq!(bench.reason(&issued).await, expected);
        let other = reason(bench.pats.verify(&wrong).await);
        assert_eq!(other, Some(Reason::InvalidSecret));
    };
    judge(None).await;
    bench.pats.revoke(id).await.unwrap();
    judge(Some(Reason::Revoked)).await;
    bench.clock.advance(100);
    judge(Some(Reason::Revoked)).await;
    bench.pats.restore(id).await.unwrap();
    judge(Some(Reason::Expired)).await;
    // A refused token was not used.
    bench.pats.flush().await;
    assert_eq!(
        bench.pats.get(id).await.unwrap().last_used_at,
        Some(at(NOW))
    );
}

async fn a_revocation_keeps_the_expiry_and_a_restoration_gives_it_back(engine: Engine) {
    let bench = Bench::on(engine).await;
    let pats = &bench.pats;
    let issued = bench
        .issue(ADA)
        .expires(Lifetime::seconds(100))
        .await
        .unwrap();
    let id = issued.record.id;
    let end = Some(at(NOW + 100));
    bench.clock.advance(10);
    let revoked = pats
        .revoke(id)
        .purge_after(Lifetime::seconds(500))
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
    let again = pats.revoke(id).await.unwrap();
    assert_eq!(again, revoked);
    let later = pats
        .revoke(id)
        .purge_after(Lifetime::seconds(1000))
        .await
        .unwrap();
    assert_eq!(later.purge_at, Some(at(NOW + 1020)));
    assert_eq!(
        (later.revoked_at, later.expires_at),
        (Some(at(NOW + 10)), end)
    );
    let kept = pats
        .revoke(id)
        .purge_after(Lifetime::Forever)
        .await
        .unwrap();
    assert_eq!((kept.purge_at, kept.revoked_at), (None, Some(at(NOW + 10))));
    let wrong = pats.revoke(id).purge_after(Lifetime::seconds(0)).await;
    let zero = ServiceError::InvalidExpiry(ExpiryError::Zero);
    assert_eq!(wrong, Err(PatError::Service(zero)));

    pats.revoke(id)
        .purge_after(Lifetime::seconds(1))
        .await
        .unwrap();
    let restored = pats.restore(id).await.unwrap();
    assert_eq!((restored.revoked_at, restored.purge_at), (None, None));
    assert_eq!(restored.expires_at, end);
    assert_eq!(pats.restore(id).await.unwrap(), restored);
    // The purge that its revocation asked for is off, too.
    bench.clock.set(at(NOW + 99));
    assert_eq!(pats.purge_expired().await.map(|done| done.count), Ok(0));
    assert_eq!(bench.reason(&issued).await, None);
    bench.clock.set(at(NOW + 100));
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    // Revoked again, it has no time to be purged from before.
    let again = pats.revoke(id).await.unwrap();
    assert_eq!((again.purge_at, again.expires_at), (None, end));
    // A token that never expires stays so.
    let forever = bench.issue(ADA).await.unwrap();
    pats.revoke(forever.record.id).await.unwrap();
    let back = pats.restore(forever.record.id).await.unwrap();
    assert_eq!((back.expires_at, back.revoked_at), (None, None));
    assert_eq!(bench.reason(&forever).await, None);
}

async fn a_purge_removes_only_expired_and_revoked_tokens(engine: Engine) {
    let keep = Duration::from_secs(1000);
    let options = PersonalAccessTokens::options().keep_expired(keep);
    let bench = Bench::with(engine, options).await;
    let pats = &bench.pats;
    let forever = bench.issue(ADA).await.unwrap();
    let ends = bench
        .issue(ADA)
        .expires(Lifetime::seconds(100))
        .await
        .unwrap();
    let renewed = bench
        .issue(ADA)
        .expires(Lifetime::seconds(100))
        .await
        .unwrap();
    let revoked = bench.issue(ADA).await.unwrap();
    let purged = bench.issue(ADA).await.unwrap();
    let both = bench.issue(ADA).expires(Lifetime::days(9)).await.unwrap();
    pats.revoke(revoked.record.id).await.unwrap();
    for id in [purged.record.id, both.record.id] {
        pats.revoke(id)
            .purge_after(Lifetime::seconds(500))
            .await
            .unwrap();
    }
    let here = async || pats.list().count().await.unwrap();
    bench.clock.set(at(NOW + 500));
    assert_eq!(pats.purge_expired().await.map(|done| done.count), Ok(0));
    // It is kept to its second, and may be deleted after it.
    bench.clock.set(at(NOW + 501));
    assert_eq!(
        (
            pats.purge_expired().await.map(|done| done.count),
            here().await
        ),
        (Ok(2), 4)
    );
    assert_eq!(bench.reason(&purged).await, Some(Reason::NotFound));
    assert_eq!(bench.reason(&both).await, Some(Reason::NotFound));
    assert_eq!(
        pats.get(purged.record.id).await.err(),
        Some(PatError::NotFound)
    );
    // It has expired, and is kept for a while: until then it can be renewed.
    assert_eq!(bench.reason(&ends).await, Some(Reason::Expired));
    pats.update(renewed.record.id)
        .expires(Expiry::Never)
        .await
        .unwrap();
    bench.clock.set(at(NOW + 1100));
    assert_eq!(pats.purge_expired().await.map(|done| done.count), Ok(0));
    bench.clock.set(at(NOW + 1101));
    assert_eq!(
        (
            pats.purge_expired().await.map(|done| done.count),
            here().await
        ),
        (Ok(1), 3)
    );
    assert_eq!(bench.reason(&ends).await, Some(Reason::NotFound));
    bench.clock.set(at(NOW + 9_000_000));
    assert_eq!(pats.purge_expired().await.map(|done| done.count), Ok(0));
    for live in [&forever, &renewed] {
        assert_eq!(bench.reason(live).await, None);
    }
    assert_eq!(bench.reason(&revoked).await, Some(Reason::Revoked));
}

async fn what_is_deleted_is_gone(engine: Engine) {
    let bench = Bench::on(engine).await;
    let pats = &bench.pats;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    pats.delete(id).await.unwrap();
    assert_eq!(bench.reason(&issued).await, Some(Reason::NotFound));
    let gone = PatError::NotFound;
    assert_eq!(pats.delete(id).await, Err(gone.clone()));
    // Nothing that names it brings it back: no ghost remains.
    for result in [
        pats.get(id).await,
        pats.get_with_hash(id).await,
        pats.revoke(id).await,
        pats.revoke(id).purge_after(Lifetime::days(1)).await,
        pats.restore(id).await,
        pats.update(id).await,
        pats.update(id).add_role("r").await,
    ] {
        assert_eq!(result.map(|_| ()), Err(gone.clone()));
    }
    let rotated = pats.rotate(id).await;
    assert_eq!(rotated.map(|_| ()), Err(gone));
    assert_eq!(pats.list().count().await, Ok(0));
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
        bench
            .issue(ADA)
            .expires(Lifetime::seconds(1))
            .await
            .unwrap();
    }
    let kept = bench.issue(ADA).await.unwrap();
    bench.clock.advance(2);
    assert_eq!(
        bench.pats.purge_expired().await.map(|done| done.count),
        Ok(1001)
    );
    assert_eq!(bench.pats.list().count().await, Ok(1));
    assert_eq!(bench.reason(&kept).await, None);
}

#[tokio::test]
async fn an_expiry_lies_in_the_future_and_before_the_year_ten_thousand() {
    let bench = Bench::on(Engine::memory()).await;
    let last = 253_402_300_799;
    let issue = async |expiry: Expiry| {
        let issued = bench.issue(ADA).expires(expiry).await;
        issued.map(|issued| issued.record.expires_at)
    };
    let error = |error| PatError::Service(ServiceError::InvalidExpiry(error));
    let of_a_moment = |bad| {
        error(match bad {
            i64::MIN..=NOW => ExpiryError::InThePast,
            _ => ExpiryError::OutOfRange,
        })
    };
    for good in [NOW + 1, last] {
        assert_eq!(issue(at(good).into()).await, Ok(Some(at(good))));
    }
    for bad in [i64::MIN, -1, 0, NOW - 1, NOW, last + 1, i64::MAX] {
        let refused = issue(at(bad).into()).await;
        assert_eq!(refused, Err(of_a_moment(bad)), "{bad}");
        let id = bench.issue(ADA).await.unwrap().record.id;
        let updated = bench.pats.update(id).expires(at(bad)).await;
        let expected = match bad {
            // An update ends a token now.
            i64::MIN..=NOW => Ok(Some(at(NOW))),
            _ => Err(of_a_moment(bad)),
        };
        assert_eq!(updated.map(|record| record.expires_at), expected, "{bad}");
    }
    for (bad, expected) in [
        (Lifetime::seconds(0), ExpiryError::Zero),
        (Lifetime::seconds(u64::MAX), ExpiryError::TooLong),
    ] {
        assert_eq!(issue(bad.into()).await, Err(error(expected)));
    }
    let reaches_too_far = Lifetime::seconds(u64::try_from(last).unwrap());
    let refused = issue(reaches_too_far.into()).await;
    assert_eq!(refused, Err(error(ExpiryError::OutOfRange)));
    // Keeping expired tokens forever does not overflow.
    let options = PersonalAccessTokens::options().keep_expired(Duration::MAX);
    let pats = bench.again(options).await;
    let issued = pats.issue(ADA).expires(at(last)).await.unwrap();
    assert!(pats.verify(issued.token.expose()).await.is_ok());
    assert_eq!(pats.purge_expired().await.map(|done| done.count), Ok(0));
}

#[tokio::test]
async fn an_expiry_that_has_passed_becomes_now_on_request() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ADA).await.unwrap();
    for (end, stored) in [(NOW + 1, NOW + 1), (NOW, NOW), (5, NOW)] {
        let updated = bench
            .pats
            .update(issued.record.id)
            .expires(at(end))
            .await
            .unwrap();
        assert_eq!(updated.expires_at, Some(at(stored)));
    }
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
}

#[tokio::test]
async fn a_purge_that_was_due_before_the_revocation_is_due_now() {
    let bench = Bench::on(Engine::memory()).await;
    let pats = &bench.pats;
    for due in [i64::MIN, 5, NOW - 1, NOW] {
        let id = bench.issue(ADA).await.unwrap().record.id;
        let revoked = pats.revoke(id).purge_after(at(due)).await.unwrap();
        let now = Some(at(NOW));
        assert_eq!((revoked.purge_at, revoked.revoked_at), (now, now), "{due}");
    }
    let kept = bench.issue(ADA).await.unwrap().record.id;
    let late = pats.revoke(kept).purge_after(at(i64::MAX)).await;
    let out_of_range = ServiceError::InvalidExpiry(ExpiryError::OutOfRange);
    assert_eq!(late, Err(PatError::Service(out_of_range)));
    bench.clock.advance(1);
    assert_eq!(pats.purge_expired().await.map(|done| done.count), Ok(4));
    assert_eq!(pats.get(kept).await.unwrap().revoked_at, None);
}

/// If this clock is ahead, `now` lies in the future for the others: the token would be valid again.
#[tokio::test]
async fn an_expired_token_keeps_its_expiry_where_the_new_one_has_passed_too() {
    let bench = Bench::on(Engine::memory()).await;
    for (expires, later) in [(NOW + 600, 900), (NOW + 1_800, 900)] {
        let issued = bench.issue(ADA).expires(at(expires)).await.unwrap();
        bench.clock.advance(later);
        let now = bench.clock.now().as_secs();
        assert!(expires <= now);
        for end in [5, expires - 1, now - 1, now] {
            let updated = bench
                .pats
                .update(issued.record.id)
                .expires(at(end))
                .await
                .unwrap();
            assert_eq!(updated.expires_at, Some(at(expires)), "{end}");
        }
        // An expiry in the future is meant to bring the token back.
        let updated = bench
            .pats
            .update(issued.record.id)
            .expires(at(now + 1))
            .await
            .unwrap();
        assert_eq!(updated.expires_at, Some(at(now + 1)));
    }
}
