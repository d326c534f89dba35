//! Tokens of any other system, described by the caller.

use std::time::Duration;

use sealtoken::pat::{
    ForeignPat, Origin, PatError, PatId, PatRecord, PersonalAccessTokens, Reason,
};
use sealtoken::{ExpiryError, ServiceError, UnixTime};

use super::{Bench, NOW, originals};
use crate::engine::Engine;

const LAST: i64 = 253_402_300_799;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn id(number: u8) -> PatId {
    format!("{number:021}").parse().unwrap()
}

async fn taken(bench: &Bench, foreign: ForeignPat) -> PatRecord {
    let results = bench.pats.import([foreign]).await.unwrap();
    let id = results[0].as_ref().unwrap().id;
    bench.pats.get(id).await.unwrap()
}

#[tokio::test]
async fn it_keeps_all_that_a_token_can_have_and_verifies_with_its_text() {
    let bench = Bench::on(Engine::memory()).await;
    let mut foreign = ForeignPat::new(originals::id(), originals::HASH, "ada", at(NOW - 60));
    foreign.admin = true;
    foreign.roles.push("reader".into());
    foreign.scopes.push("repo:read".into());
    foreign.name = Some("laptop".into());
    let entry = ("ticket".to_owned(), "OPS-12".to_owned());
    foreign.metadata.push(entry);
    foreign.expires_at = Some(at(NOW + 60));
    foreign.last_used_at = Some(at(NOW - 5));
    let record = taken(&bench, foreign).await;
    assert_eq!(record.origin, Origin::Imported);
    assert!(record.admin && record.has_role("reader") && record.has_scope("repo:read"));
    assert_eq!(record.owner, "ada");
    assert_eq!(record.name.as_deref(), Some("laptop"));
    assert_eq!(record.metadata("ticket"), Some("OPS-12"));
    assert_eq!(record.created_at, at(NOW - 60));
    assert_eq!(record.updated_at, at(NOW));
    assert_eq!(record.last_used_at, Some(at(NOW - 5)));
    assert_eq!(record.expires_at, Some(at(NOW + 60)));
    assert_eq!(record.revoked_at, None);
    assert!(bench.pats.verify(originals::TEXT).await.is_ok());
}

#[tokio::test]
async fn its_roles_scopes_and_metadata_come_in_any_order_and_once_each() {
    let bench = Bench::on(Engine::memory()).await;
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut foreign = ForeignPat::new(originals::id(), originals::HASH, "ada", at(NOW - 60));
    foreign.roles = texts(&["writer", "reader", "writer"]);
    foreign.scopes = texts(&["b", "a", "b"]);
    let entries = [("k", "1"), ("a", "2"), ("k", "3")];
    foreign.metadata = entries
        .map(|(key, value)| (key.into(), value.into()))
        .into();
    let record = taken(&bench, foreign).await;
    assert_eq!(record.roles, ["reader", "writer"]);
    assert_eq!(record.scopes, ["a", "b"]);
    let shown = serde_json::to_value(&record).unwrap();
    assert_eq!(shown["roles"], serde_json::json!(["reader", "writer"]));
    assert_eq!(shown["scopes"], serde_json::json!(["a", "b"]));
    assert_eq!(shown["metadata"], serde_json::json!({"a": "2", "k": "3"}));
    assert_eq!(record.metadata("k"), Some("3"));
    assert_eq!(record.metadata("x"), None);
}

#[tokio::test]
async fn an_expiry_may_have_passed() {
    let bench = Bench::on(Engine::memory()).await;
    let expiring = |expiry| {
        let mut foreign = ForeignPat::new(id(1), "$fake", "ada", at(NOW - 60));
        foreign.expires_at = Some(at(expiry));
        foreign
    };
    for (given, expiry) in [
        (NOW - 100, NOW - 100),
        (-1, 0),
        (NOW - 30, NOW - 30),
        (LAST, LAST),
    ] {
        // Each in a store of its own: the earliest expiry would win.
        let fresh = Bench::over(
            std::sync::Arc::new(sealtoken::store::MemoryStore::new()),
            PersonalAccessTokens::options().keep_expired(Duration::from_secs(1 << 40)),
        );
        let record = taken(&fresh.await, expiring(given)).await;
        assert_eq!(record.expires_at, Some(at(expiry)));
    }
    let results = bench.pats.import([expiring(LAST + 1)]).await.unwrap();
    let out_of_range = ServiceError::InvalidExpiry(ExpiryError::OutOfRange);
    assert_eq!(results, [Err(PatError::Service(out_of_range))]);
}

#[tokio::test]
async fn its_other_times_are_brought_into_the_calendar() {
    let bench = Bench::on(Engine::memory()).await;
    for (number, given, kept) in [(1, i64::MIN, 0), (2, -1, 0), (3, LAST + 1, LAST), (4, 7, 7)] {
        let mut foreign = ForeignPat::new(id(number), "$fake", "ada", at(given));
        foreign.revoked_at = Some(at(given));
        foreign.last_used_at = Some(at(given));
        let record = taken(&bench, foreign).await;
        assert_eq!(record.created_at, at(kept));
        let others = (record.revoked_at, record.last_used_at);
        assert_eq!(others, (Some(at(kept)), Some(at(kept))));
    }
}

#[tokio::test]
async fn a_hash_has_1_to_200_characters_and_the_token_is_as_sound_as_a_new_one() {
    let bench = Bench::on(Engine::memory()).await;
    let with_hash = |hash: String| ForeignPat::new(id(1), hash, "ada", at(NOW));
    let no_hash = || Err(PatError::Hash(Reason::InvalidPhc));
    for (foreign, refused) in [
        (with_hash(String::new()), no_hash()),
        (with_hash("ä".repeat(201)), no_hash()),
        (
            ForeignPat::new(id(1), "$fake", "", at(NOW)),
            Err(PatError::InvalidOwner),
        ),
    ] {
        let results = bench.pats.import([foreign]).await.unwrap();
        assert_eq!(results, [refused]);
    }
    let results = bench
        .pats
        .import([with_hash("ä".repeat(200))])
        .await
        .unwrap();
    let unusable = results[0].as_ref().unwrap().unusable;
    assert_eq!(unusable, Some(Reason::InvalidPhc));
}

#[test]
fn it_does_not_print_its_hash() {
    let foreign = ForeignPat::new(id(1), "$scrypt$secret", "ada", at(NOW));
    assert!(!format!("{foreign:?}").contains("secret"), "{foreign:?}");
}
