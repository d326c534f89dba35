//! What users do to tokens of their own, and try to do to those of others.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealtoken::State;
use sealtoken::pat::{Issued, OwnedTokens, PatError, PatId, PersonalAccessTokens, SecretHash};

use super::{ADA, Bench, NOW, at};
use crate::engine::{Engine, on_every_engine};
use crate::faulty::Faulty;

on_every_engine! {
    an_owner_does_to_a_token_what_anybody_may_do_by_its_id,
    another_owners_token_is_not_found,
    the_list_of_an_owner_is_narrowed_and_never_another_owners,
}

const OPERATIONS: usize = 6;

/// The operations of a user's page, by number.
async fn operate(
    owned: &OwnedTokens<'_>,
    number: usize,
    id: PatId,
    hash: &SecretHash,
) -> Result<(), PatError> {
    let minute = Duration::from_secs(60);
    match number {
        0 => owned.get(id).await.map(drop),
        1 => owned.revoke(id).await.map(drop),
        2 => owned.rotate(id).overlap(minute).await.map(drop),
        3 => owned
            .rotate(id)
            .to(hash.clone())
            .overlap(minute)
            .await
            .map(drop),
        4 => owned.update(id).name("n").await.map(drop),
        _ => owned.delete(id).await,
    }
}

async fn an_owner_does_to_a_token_what_anybody_may_do_by_its_id(engine: Engine) {
    let bench = Bench::with(
        engine,
        PersonalAccessTokens::options().last_used_every(None),
    )
    .await;
    let owned = bench.pats.owned_by(ADA);
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    assert_eq!(owned.get(id).await.as_ref(), Ok(&issued.record));
    let named = owned.update(id).name("laptop").await;
    assert_eq!(named.unwrap().name.as_deref(), Some("laptop"));
    let rotated = owned.rotate(id).await.unwrap();
    assert!(bench.reason(&issued).await.is_some());
    assert_eq!(bench.reason(&rotated).await, None);
    let made = bench.pats.generate_as(id).unwrap();
    let record = owned.rotate(id).to(made.hash).await;
    assert!(record.is_ok() && bench.reason(&rotated).await.is_some());
    assert!(bench.pats.verify(made.token.expose()).await.is_ok());
    assert_eq!(owned.list().count().await, Ok(1));
    let revoked = owned.revoke(id).await.unwrap();
    assert_eq!(revoked.state_at(at(NOW)), State::Revoked);
    owned.delete(id).await.unwrap();
    assert_eq!(owned.delete(id).await, Err(PatError::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

async fn another_owners_token_is_not_found(engine: Engine) {
    let bench = Bench::with(
        engine,
        PersonalAccessTokens::options().last_used_every(None),
    )
    .await;
    let issued = bench.issue(ADA).await.unwrap();
    let unknown = bench.pats.generate().unwrap();
    let before = bench.records().await;
    for owner in ["bob", "", "ada@example.co", "Ada@example.com"] {
        let owned = bench.pats.owned_by(owner);
        for number in 0..OPERATIONS {
            for id in [issued.record.id, unknown.id] {
                let hash = bench.pats.generate_as(id).unwrap().hash;
                let done = operate(&owned, number, id, &hash).await;
                assert_eq!(done, Err(PatError::NotFound), "{owner} {number}");
            }
        }
        assert_eq!(owned.list().count().await, Ok(0));
    }
    assert_eq!(bench.records().await, before);
    assert_eq!(bench.verify(&issued).await, Ok(issued.record.clone()));
}

async fn the_list_of_an_owner_is_narrowed_and_never_another_owners(engine: Engine) {
    let bench = Bench::with(
        engine,
        PersonalAccessTokens::options().last_used_every(None),
    )
    .await;
    let hers = bench.issue(ADA).role("reader").await.unwrap().record;
    bench.issue("bob").role("reader").await.unwrap();
    let list = || bench.pats.owned_by(ADA).list();
    for other in ["bob", "", "Ada@example.com"] {
        for list in [
            list().owner(other),
            list().owner(other).role("reader"),
            list().role("reader").owner(other).owner(ADA),
        ] {
            assert_eq!(list.count().await, Ok(0), "{other}");
            assert_eq!(list.clone().await.unwrap().entries, []);
            assert_eq!(list.stream().next().await, None);
        }
    }
    let narrowed = list().owner(ADA).role("reader").await;
    assert_eq!(narrowed.unwrap().entries, [Ok(hers)]);
    assert_eq!(list().role("writer").count().await, Ok(0));
}

/// It is given to someone else between the look at it and the write: the write is not done.
#[tokio::test]
async fn a_token_that_is_given_away_meanwhile_is_its_new_owners() {
    for number in 1..OPERATIONS {
        let store = Faulty::counting();
        let options = PersonalAccessTokens::options().last_used_every(None);
        let bench = Bench::over(Arc::clone(&store) as _, options).await;
        let issued: Issued = bench.issue(ADA).await.unwrap();
        let id = issued.record.id;
        let hash = bench.pats.generate_as(id).unwrap().hash;
        store.hold.store(true, Ordering::SeqCst);
        let pats = bench.pats.clone();
        let slow =
            tokio::spawn(async move { operate(&pats.owned_by(ADA), number, id, &hash).await });
        store.read.notified().await;
        let given = bench.pats.update(id).owner("bob").await.unwrap();
        store.go_on.notify_one();
        assert_eq!(slow.await.unwrap(), Err(PatError::NotFound), "{number}");
        assert_eq!(bench.verify(&issued).await, Ok(given), "{number}");
    }
}
