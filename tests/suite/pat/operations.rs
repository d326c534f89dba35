//! What each operation does.

use std::time::Duration;

use sealtoken::pat::{NewPat, PersonalAccessTokens, Reason, VerifyError};

use super::Bench;
use crate::engine::{Engine, on_every_engine};

fn refused(reason: Reason) -> VerifyError {
    VerifyError::Refused(reason)
}

async fn a_token_is_issued_verified_revoked_and_restored(engine: Engine) {
    let bench = Bench::on(engine).await;
    let pats = &bench.pats;
    let new = NewPat::for_owner("ada@example.com").roles(["reader", "writer"]);
    let issued = pats.issue(new).await.unwrap();
    let text = issued.token.expose();
    let record = pats.verify(text).await.unwrap();
    assert_eq!(record.id, issued.record.id);
    assert_eq!(record.owner, "ada@example.com");
    assert!(record.has_role("reader") && !record.admin && record.hash.is_none());
    let revoked = pats.revoke(&record.id).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(pats.verify(text).await, Err(refused(Reason::Revoked)));
    pats.restore(&record.id).await.unwrap();
    assert!(pats.verify(text).await.is_ok());
}

async fn a_rotated_secret_is_good_for_the_overlap(engine: Engine) {
    let bench = Bench::with(engine, PersonalAccessTokens::options().without_last_used()).await;
    let pats = &bench.pats;
    let first = pats.issue(NewPat::for_owner("ada")).await.unwrap();
    let overlap = Duration::from_secs(60);
    let second = pats.rotate(&first.record.id, overlap).await.unwrap();
    assert_eq!(second.record.id, first.record.id);
    assert!(pats.verify(first.token.expose()).await.is_ok());
    assert!(pats.verify(second.token.expose()).await.is_ok());
    bench.clock.advance(60);
    let old = pats.verify(first.token.expose()).await;
    assert_eq!(old, Err(refused(Reason::Expired)));
    assert!(pats.verify(second.token.expose()).await.is_ok());
}

on_every_engine! {
    a_token_is_issued_verified_revoked_and_restored,
    a_rotated_secret_is_good_for_the_overlap,
}
