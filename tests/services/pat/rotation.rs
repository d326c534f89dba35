//! Rotations: a second secret, and the expiry of the first one.

use std::time::Duration;

use sealtoken::Lifetime;
use sealtoken::pat::{Origin, PatError, PersonalAccessTokens, Reason};

use super::{ADA, Bench, NOW, at, originals, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    a_rotated_secret_is_good_for_the_overlap,
    without_an_overlap_the_secret_before_is_gone_whatever_the_clocks_show,
    an_scrypt_hash_that_a_token_of_ours_is_rotated_to_verifies,
    an_upgraded_hash_that_a_token_of_ours_is_rotated_to_verifies,
    a_rotation_that_is_asked_for_twice_is_done_once,
    a_secret_that_was_rotated_out_does_not_come_back,
    of_two_rotations_within_an_overlap_two_secrets_are_good,
    an_expired_or_revoked_token_is_not_rotated,
}

const MINUTE: Duration = Duration::from_secs(60);

async fn a_rotated_secret_is_good_for_the_overlap(engine: Engine) {
    let bench = Bench::with(
        engine,
        PersonalAccessTokens::options().last_used_every(None),
    )
    .await;
    let first = bench
        .issue(ADA)
        .role("r")
        .expires(at(NOW + 999))
        .await
        .unwrap();
    bench.clock.advance(1);
    let second = bench
        .pats
        .rotate(first.record.id)
        .overlap(MINUTE)
        .await
        .unwrap();
    let mut expected = first.record.clone();
    expected.updated_at = at(NOW + 1);
    expected.previous_secret_expires_at = Some(at(NOW + 61));
    assert_eq!(second.record, expected);
    assert_ne!(second.hash, first.hash);
    let stored = bench.pats.get_with_hash(first.record.id).await.unwrap();
    assert_eq!(stored.hash.as_ref(), Some(&second.hash));
    bench.clock.set(at(NOW + 60));
    for good in [&first, &second] {
        assert_eq!(bench.verify(good).await, Ok(expected.clone()));
    }
    bench.clock.set(at(NOW + 61));
    assert_eq!(bench.reason(&first).await, Some(Reason::Expired));
    assert_eq!(bench.reason(&second).await, None);
    // Revoked comes first, and a wrong secret is no earlier one.
    bench.pats.revoke(first.record.id).await.unwrap();
    for revoked in [&first, &second] {
        assert_eq!(bench.reason(revoked).await, Some(Reason::Revoked));
    }
    let wrong = with_wrong_secret(&bench.pats, &first).await;
    let wrong = bench.pats.verify(&wrong).await;
    assert_eq!(super::reason(wrong), Some(Reason::InvalidSecret));
}

#[tokio::test]
async fn an_overlap_lasts_at_most_until_the_year_9999() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let last = 253_402_300_799;
    for overlap in [Duration::from_secs(last), Duration::MAX] {
        let rotated = bench
            .pats
            .rotate(issued.record.id)
            .overlap(overlap)
            .await
            .unwrap();
        let end = rotated.record.previous_secret_expires_at;
        assert_eq!(end, Some(at(i64::try_from(last).unwrap())));
    }
}

/// As after a lost answer: by its hash, which is in safe hands.
async fn a_rotation_that_is_asked_for_twice_is_done_once(engine: Engine) {
    let bench = Bench::on(engine).await;
    let first = bench.issue(ADA).await.unwrap();
    let id = first.record.id;
    let made = bench.pats.generate_as(id).unwrap();
    for _ in 0..2 {
        let record = bench
            .pats
            .rotate(id)
            .to(made.hash.clone())
            .overlap(MINUTE)
            .await;
        assert_eq!(
            record.unwrap().previous_secret_expires_at,
            Some(at(NOW + 60))
        );
        // A use in between changes nothing about that.
        assert!(bench.pats.verify(first.token.expose()).await.is_ok());
        bench.clock.advance(1);
    }
    assert!(bench.pats.verify(made.token.expose()).await.is_ok());
    let elsewhere = Bench::on(Engine::memory()).await;
    let strange = elsewhere.pats.generate_as(id).unwrap().hash;
    let refused = bench.pats.rotate(id).to(strange).overlap(MINUTE).await;
    assert_eq!(refused, Err(PatError::Hash(Reason::InvalidParameters)));
}

/// The answer was lost, and somebody else has rotated since.
async fn a_secret_that_was_rotated_out_does_not_come_back(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    let [lost, theirs] = [(), ()].map(|()| bench.pats.generate_as(id).unwrap());
    for made in [&lost, &theirs] {
        let rotated = bench.pats.rotate(id).to(made.hash.clone()).overlap(MINUTE);
        rotated.await.unwrap();
    }
    let before = bench.records().await;
    for seconds in [0, 59, 60, 600] {
        bench.clock.set(at(NOW + seconds));
        for overlap in [MINUTE, Duration::ZERO] {
            let again = bench.pats.rotate(id).to(lost.hash.clone()).overlap(overlap);
            assert_eq!(again.await, Err(PatError::RotatedOut), "{seconds}");
            let owned = bench.pats.owned_by("ada@example.com");
            let again = owned
                .rotate(id)
                .to(lost.hash.clone())
                .overlap(overlap)
                .await;
            assert_eq!(again, Err(PatError::RotatedOut), "{seconds}");
        }
    }
    assert_eq!(bench.records().await, before);
    let error = PatError::RotatedOut;
    assert_eq!(
        (error.code(), error.public()),
        ("rotated_out", sealtoken::PublicError::Invalid)
    );
    assert!(bench.pats.verify(theirs.token.expose()).await.is_ok());
    let out = super::reason(bench.pats.verify(lost.token.expose()).await);
    assert_eq!(out, Some(Reason::Expired));
}

async fn of_two_rotations_within_an_overlap_two_secrets_are_good(engine: Engine) {
    let bench = Bench::on(engine).await;
    let first = bench.issue(ADA).await.unwrap();
    let id = first.record.id;
    let second = bench.pats.rotate(id).overlap(MINUTE).await.unwrap();
    let third = bench.pats.rotate(id).overlap(MINUTE).await.unwrap();
    assert_eq!(bench.reason(&first).await, Some(Reason::InvalidSecret));
    assert_eq!(bench.reason(&second).await, None);
    assert_eq!(bench.reason(&third).await, None);
    // Without an overlap the one before is gone.
    let fourth = bench.pats.rotate(id).await.unwrap();
    assert_eq!(bench.reason(&second).await, Some(Reason::InvalidSecret));
    assert_eq!(bench.reason(&third).await, Some(Reason::InvalidSecret));
    assert_eq!(bench.reason(&fourth).await, None);
    // And for ever is no time that overflows.
    let fifth = bench.pats.rotate(id).overlap(Duration::MAX).await.unwrap();
    bench.clock.set(at(253_402_300_798));
    for good in [&fourth, &fifth] {
        assert_eq!(bench.reason(good).await, None);
    }
}

/// One node's clock is five minutes ahead. Without an overlap no time is compared.
async fn without_an_overlap_the_secret_before_is_gone_whatever_the_clocks_show(engine: Engine) {
    let bench = Bench::on(engine).await;
    for overlap in [Duration::ZERO, Duration::from_millis(999)] {
        let first = bench.issue(ADA).await.unwrap();
        let id = first.record.id;
        bench.clock.set(at(NOW + 300));
        let second = bench.pats.rotate(id).overlap(overlap).await.unwrap();
        assert_eq!(second.record.previous_secret_expires_at, None);
        bench.clock.set(at(NOW));
        assert_eq!(bench.reason(&first).await, Some(Reason::InvalidSecret));
        assert_eq!(bench.reason(&second).await, None);
        // Nor does one that was begun with an overlap, and is asked for again without.
        let third = bench.pats.generate_as(id).unwrap();
        for overlap in [MINUTE, Duration::ZERO] {
            let rotated = bench
                .pats
                .rotate(id)
                .to(third.hash.clone())
                .overlap(overlap);
            rotated.await.unwrap();
        }
        assert_eq!(bench.reason(&second).await, Some(Reason::InvalidSecret));
        assert!(bench.pats.verify(third.token.expose()).await.is_ok());
    }
}

async fn an_scrypt_hash_that_a_token_of_ours_is_rotated_to_verifies(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench.pats.issue(ADA).id(originals::id()).await.unwrap();
    let rotate = bench
        .pats
        .rotate(issued.record.id)
        .to(originals::hash())
        .overlap(MINUTE);
    assert_eq!(rotate.await.unwrap().origin, Origin::Registered);
    for _ in 0..2 {
        let verified = bench.pats.verify(originals::TEXT).await.unwrap();
        assert_eq!(verified.origin, Origin::Registered);
        assert_eq!(bench.reason(&issued).await, None);
    }
    let wrong = bench.pats.verify(originals::WRONG).await;
    assert_eq!(super::reason(wrong), Some(Reason::InvalidSecret));
    bench.clock.set(at(NOW + 60));
    assert_eq!(bench.reason(&issued).await, Some(Reason::Expired));
    assert!(bench.pats.verify(originals::TEXT).await.is_ok());
    // A keyed hash does not show whose text it covers; a secret that is drawn here keeps the
    // origin.
    let ours = bench.issue(ADA).await.unwrap();
    let rotated = bench
        .pats
        .rotate(ours.record.id)
        .overlap(MINUTE)
        .await
        .unwrap();
    assert_eq!(rotated.record.origin, Origin::Issued);
    let made = bench.pats.generate_as(ours.record.id).unwrap();
    let rotated = bench
        .pats
        .rotate(ours.record.id)
        .to(made.hash)
        .overlap(MINUTE);
    assert_eq!(rotated.await.unwrap().origin, Origin::Registered);
    let made = bench.pats.verify(made.token.expose()).await;
    assert_eq!(made.unwrap().origin, Origin::Registered);
}

/// Its hash is one of ours by now, of a text of theirs.
async fn an_upgraded_hash_that_a_token_of_ours_is_rotated_to_verifies(engine: Engine) {
    let bench = Bench::with(engine, PersonalAccessTokens::options().upgrade_hashes(true)).await;
    let (pats, id) = (&bench.pats, originals::id());
    pats.register(id, originals::hash(), ADA).await.unwrap();
    pats.verify(originals::TEXT).await.unwrap();
    pats.flush().await;
    let hash = pats.get_with_hash(id).await.unwrap().hash.unwrap();
    assert!(hash.to_string().starts_with("$hmac-sha256$"));
    pats.delete(id).await.unwrap();
    pats.issue(ADA).id(id).await.unwrap();
    let rotated = pats.rotate(id).to(hash).overlap(MINUTE).await.unwrap();
    assert_eq!(rotated.origin, Origin::Registered);
    assert!(pats.verify(originals::TEXT).await.is_ok());
}

async fn an_expired_or_revoked_token_is_not_rotated(engine: Engine) {
    let bench = Bench::on(engine).await;
    let first = bench
        .issue(ADA)
        .expires(Lifetime::seconds(10))
        .await
        .unwrap();
    let id = first.record.id;
    bench.pats.revoke(id).await.unwrap();
    let rotated = bench.pats.rotate(id).overlap(MINUTE).await.map(|_| ());
    assert_eq!(rotated, Err(PatError::Revoked));
    bench.pats.restore(id).await.unwrap();
    bench.clock.advance(10);
    let rotated = bench.pats.rotate(id).overlap(MINUTE).await.map(|_| ());
    assert_eq!(rotated, Err(PatError::Expired));
    // Nothing was changed by what was refused.
    bench.clock.set(at(NOW + 9));
    let stored = bench.pats.get_with_hash(id).await.unwrap();
    assert_eq!(stored.hash, Some(first.hash.clone()));
    assert_eq!(bench.reason(&first).await, None);
}
