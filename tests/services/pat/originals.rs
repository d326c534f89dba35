//! Tokens of the other system, whose hashes are scrypt's. What its own code gives for each reason
//! is in `vectors.rs`.

use std::time::Duration;

use sealtoken::pat::{
    ForeignPat, Origin, PatId, PatOptions, PersonalAccessTokens, Reason, SecretHash,
};
use sealtoken_import::access_tokens;

use super::{ADA, Bench, NOW, at, reason};
use crate::engine::{Engine, on_every_engine};

pub(crate) const ID: &str = "2JAkraRtrH4sRVE1aOcjG";
pub(crate) const TEXT: &str = "pat_2JAkraRtrH4sRVE1aOcjG.Dlm72oBWIr6RnrMoe92uQg==";
pub(super) const WRONG: &str = "pat_2JAkraRtrH4sRVE1aOcjG.Dlm72oBWIr6RnrMoe92uQw==";
pub(crate) const HASH: &str = "$scrypt$ln=10,r=8,p=1$g4YGYr7uaYTUXddjaTkXPg$bWvmkRKgB5Fa7UIlO/tYyw";

on_every_engine! {
    a_registered_token_is_verified_by_scrypt_and_by_ours_from_then_on,
    a_hash_is_replaced_by_use_only_where_that_is_asked_for,
}

pub(super) fn id() -> PatId {
    ID.parse().unwrap()
}

pub(super) fn hash() -> SecretHash {
    HASH.parse().unwrap()
}

/// An item of the other system, with this in addition.
pub(super) fn item(id: &str, more: &str) -> ForeignPat {
    let text = format!(
        "{{\"tokenId\":{{\"S\":\"{id}\"}},\"secretPhc\":{{\"S\":\"{HASH}\"}},\
         \"owner\":{{\"S\":\"ada\"}},\"createdAt\":{{\"N\":\"1\"}}{more}}}"
    );
    access_tokens::from_dynamodb_json(&text).unwrap()
}

fn upgrading() -> PatOptions {
    PersonalAccessTokens::options().upgrade_hashes(true)
}

async fn why(pats: &PersonalAccessTokens, text: &str) -> Option<Reason> {
    reason(pats.verify(text).await)
}

async fn a_registered_token_is_verified_by_scrypt_and_by_ours_from_then_on(engine: Engine) {
    let bench = Bench::with(engine, upgrading()).await;
    let pats = &bench.pats;
    let registered = pats.register(id(), hash(), ADA).await.unwrap();
    assert_eq!(
        (registered.id, registered.origin),
        (id(), Origin::Registered)
    );
    let stored = async || pats.get_with_hash(id()).await.unwrap().hash.unwrap();
    assert_eq!(why(pats, WRONG).await, Some(Reason::InvalidSecret));
    assert_eq!(stored().await.to_string(), HASH);
    let verified = pats.verify(TEXT).await.unwrap();
    pats.flush().await;
    assert_eq!((verified.origin, verified.hash), (Origin::Registered, None));
    let replaced = stored().await.to_string();
    assert!(replaced.starts_with("$hmac-sha256$kid="), "{replaced}");
    // The text is what it was, and so is every answer.
    assert_eq!(why(pats, TEXT).await, None);
    assert_eq!(why(pats, WRONG).await, Some(Reason::InvalidSecret));
    assert_eq!(stored().await.to_string(), replaced);
    // In a token of ours the same id has another secret.
    let ours = pats.generate_as(id()).unwrap();
    assert_eq!(
        why(pats, ours.token.expose()).await,
        Some(Reason::InvalidSecret)
    );
    pats.revoke(id()).await.unwrap();
    assert_eq!(why(pats, TEXT).await, Some(Reason::Revoked));
    assert_eq!(why(pats, WRONG).await, Some(Reason::InvalidSecret));
}

async fn a_hash_is_replaced_by_use_only_where_that_is_asked_for(engine: Engine) {
    let bench = Bench::on(engine).await;
    bench.pats.register(id(), hash(), ADA).await.unwrap();
    let stored = async || {
        let record = bench.pats.get_with_hash(id()).await.unwrap();
        record.hash.unwrap().to_string()
    };
    bench.pats.verify(TEXT).await.unwrap();
    bench.pats.flush().await;
    assert_eq!(stored().await, HASH);
    // Not by a use that is refused.
    let upgrading = bench.again(upgrading()).await;
    bench.pats.revoke(id()).await.unwrap();
    assert_eq!(why(&upgrading, TEXT).await, Some(Reason::Revoked));
    upgrading.flush().await;
    assert_eq!(stored().await, HASH);
    bench.pats.restore(id()).await.unwrap();
    // Also where the last use is not due.
    let before = bench.pats.get(id()).await.unwrap();
    upgrading.verify(TEXT).await.unwrap();
    upgrading.flush().await;
    assert_ne!(stored().await, HASH);
    assert_eq!(bench.pats.get(id()).await, Ok(before));
    // The process that does not upgrade verifies the one of ours, too.
    assert_eq!(why(&bench.pats, TEXT).await, None);
}

#[tokio::test]
async fn a_token_of_ours_is_never_verified_by_scrypt() {
    let bench = Bench::with(Engine::memory(), upgrading()).await;
    let pats = &bench.pats;
    // What was issued here stays ours: a text of theirs with its id fits nothing.
    let issued = pats.issue(ADA).id(id()).await.unwrap();
    assert_eq!(why(pats, TEXT).await, Some(Reason::InvalidSecret));
    // Their text with our secret in base64, and ours with a full stop.
    let swapped = issued.token.expose().replacen("G_", "G.", 1);
    assert_eq!(why(pats, &swapped).await, Some(Reason::InvalidFormat));
    // Where it is given an scrypt hash by its owner, it is a registered one.
    let updated = pats.update(id()).hash(hash()).await.unwrap();
    assert_eq!(updated.origin, Origin::Registered);
    assert_eq!(why(pats, TEXT).await, None);
    assert_eq!(bench.reason(&issued).await, Some(Reason::InvalidSecret));
}

#[tokio::test]
async fn an_imported_secret_is_rotated_away_like_another() {
    for options in [PersonalAccessTokens::options(), upgrading()] {
        let bench = Bench::with(Engine::memory(), options).await;
        let pats = &bench.pats;
        pats.register(id(), hash(), ADA).await.unwrap();
        let rotated = pats
            .rotate(id())
            .overlap(Duration::from_secs(60))
            .await
            .unwrap();
        for _ in 0..2 {
            assert_eq!(why(pats, TEXT).await, None);
            assert_eq!(bench.reason(&rotated).await, None);
            assert_eq!(why(pats, WRONG).await, Some(Reason::InvalidSecret));
            pats.flush().await;
        }
        // Its use replaces the new secret by nothing.
        let stored = pats.get_with_hash(id()).await.unwrap();
        assert_eq!(stored.hash, Some(rotated.hash.clone()));
        bench.clock.set(at(NOW + 60));
        assert_eq!(why(pats, TEXT).await, Some(Reason::Expired));
        assert_eq!(bench.reason(&rotated).await, None);
    }
}

/// The present hash is scrypt's, and so it is due to be replaced: by the one of its own secret
/// alone.
#[tokio::test]
async fn the_use_of_the_secret_before_replaces_no_hash() {
    let bench = Bench::with(Engine::memory(), upgrading()).await;
    let pats = &bench.pats;
    let before = pats.issue(ADA).id(id()).await.unwrap();
    let minute = Duration::from_secs(60);
    pats.rotate(id()).to(hash()).overlap(minute).await.unwrap();
    assert_eq!(bench.reason(&before).await, None);
    pats.flush().await;
    let stored = pats.get_with_hash(id()).await.unwrap().hash.unwrap();
    assert_eq!(stored.to_string(), HASH);
    assert_eq!(why(pats, TEXT).await, None);
    bench.clock.set(at(NOW + 60));
    assert_eq!(bench.reason(&before).await, Some(Reason::Expired));
    pats.flush().await;
    let stored = pats.get_with_hash(id()).await.unwrap().hash.unwrap();
    assert_ne!(stored.to_string(), HASH);
    assert_eq!(why(pats, TEXT).await, None);
}

/// Where the hash of ours fits, the one before is not asked.
#[tokio::test]
async fn a_hash_that_was_replaced_is_enough_beside_one_of_scrypt_before_it() {
    let bench = Bench::with(Engine::memory(), upgrading()).await;
    let pats = &bench.pats;
    let zeros = "A".repeat(22);
    let before = format!("$scrypt$ln=10,r=8,p=1${zeros}${zeros}");
    let before = before.parse().unwrap();
    pats.register(id(), before, ADA).await.unwrap();
    let minute = Duration::from_secs(60);
    pats.rotate(id()).to(hash()).overlap(minute).await.unwrap();
    for _ in 0..2 {
        assert_eq!(why(pats, TEXT).await, None);
        pats.flush().await;
    }
    let stored = pats.get_with_hash(id()).await.unwrap().hash.unwrap();
    assert_ne!(stored.to_string(), HASH);
}

/// A hash that somebody else has set meanwhile is not replaced.
#[tokio::test]
async fn a_hash_is_replaced_only_where_it_is_still_the_one_that_was_verified() {
    let bench = Bench::with(Engine::memory(), upgrading()).await;
    let pats = &bench.pats;
    pats.register(id(), hash(), ADA).await.unwrap();
    pats.verify(TEXT).await.unwrap();
    let rotated = pats.rotate(id()).await.unwrap();
    pats.flush().await;
    assert_eq!(bench.reason(&rotated).await, None);
    assert_eq!(why(pats, TEXT).await, Some(Reason::InvalidSecret));
}

#[tokio::test]
async fn their_prefix_may_be_anything_that_is_visible() {
    let bench = Bench::on(Engine::memory()).await;
    bench.pats.register(id(), hash(), ADA).await.unwrap();
    for prefix in ["", "acme.tok-", "pat_2", "PAT:"] {
        let options = PersonalAccessTokens::options().accept_prefix(prefix);
        let pats = bench.again(options).await;
        assert_eq!(why(&pats, TEXT).await, None, "{prefix}");
        let text = TEXT.replacen("pat_", prefix, 1);
        assert_eq!(why(&pats, &text).await, None, "{prefix}");
    }
}
