//! Operations on many tokens that fail halfway: purges, re-wrapping, imports.

use std::sync::Arc;
use std::time::Duration;

use sealtoken::pat::{PatError, PersonalAccessTokens};
use sealtoken::store::{Change, Outcome, Store as _, StoreError};
use sealtoken::{Key, KeyRing, Lifetime, PublicError, ServiceError};

use super::originals::item;
use super::{ADA, Bench, FREE, at, originals, other};
use crate::faulty::{Fault, Faulty, records, unknown};

/// A purge whose second page fails has removed the first.
#[tokio::test]
async fn a_purge_that_failed_half_way_does_not_say_that_nothing_was_done() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let options = PersonalAccessTokens::options().keep_expired(Duration::ZERO);
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    for _ in 0..501 {
        bench
            .issue(ADA)
            .expires(Lifetime::seconds(1))
            .await
            .unwrap();
    }
    bench.clock.advance(2);
    store.fail_from(2);
    unknown(bench.pats.purge_expired().await);
    store.heal();
    assert_eq!(
        bench.pats.purge_expired().await.map(|done| done.count),
        Ok(1)
    );
}

/// Each failure on the way is reported, and the keyset opens with the keys that it had or with the
/// new one.
#[tokio::test]
async fn a_rewrap_that_failed_says_so_and_can_be_done_again() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let new = Key::generate();
    let ring = KeyRing::new(new.clone()).with_retired(bench.old.clone());
    bench.keys.replace(&ring.unwrap()).unwrap();
    let mut failed = 0;
    for call in 1.. {
        store.fail_from(call);
        let rewrapped = bench.pats.rewrap().await;
        if !store.has_failed() {
            assert_eq!(rewrapped.map(|done| done.resealed), Ok(1));
            break;
        }
        let is_reported = matches!(&rewrapped, Err(PatError::Service(ServiceError::Store(_))));
        assert!(is_reported, "call {call}: {rewrapped:?}");
        failed += 1;
    }
    // It is read, and it is written.
    assert_eq!(failed, 2);
    store.heal();
    let lone = PersonalAccessTokens::open(store.inner.clone(), &KeyRing::new(new)).await;
    assert!(lone.unwrap().verify(issued.token.expose()).await.is_ok());
}

/// What is wrong with the database is no record that was changed: the retired key has to stay.
#[tokio::test]
async fn a_keyset_that_a_damaged_database_does_not_take_is_not_sealed_again() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let ring = KeyRing::new(Key::generate());
    let both = ring.clone().with_retired(bench.old.clone()).unwrap();
    bench.keys.replace(&both).unwrap();
    store.fail_writes(Some(Fault::Corrupt));
    let damaged = PatError::Service(ServiceError::Store(StoreError::Corrupt));
    assert_eq!(bench.pats.rewrap().await, Err(damaged.clone()));
    assert_eq!(
        (damaged.code(), damaged.public()),
        ("unavailable", PublicError::Unavailable)
    );
    assert!(damaged.to_string().starts_with("the database "));
    store.fail_writes(None);
    assert_eq!(bench.pats.rewrap().await.map(|done| done.resealed), Ok(1));
    let opened = PersonalAccessTokens::open(store.inner.clone(), &ring).await;
    assert!(opened.is_ok());
}

/// Somebody else seals it, or takes it away, at the very moment.
#[tokio::test]
async fn a_rewrap_succeeds_only_where_the_current_key_seals_the_keyset() {
    let store = Faulty::new(Fault::None, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let both = KeyRing::new(Key::generate()).with_retired(bench.old.clone());
    bench.keys.replace(&both.unwrap()).unwrap();
    let keyset = records(&store.inner, "pat_keysets").await.remove(0);
    let remove = Change::Remove {
        key: keyset.key.clone(),
        expected: None,
    };
    let inner = store.inner.clone();
    // It is read, and then it would be written.
    store.set_rival(Box::pin(async move {
        let _ = inner.write(&[remove]).await.unwrap();
    }));
    store.fail_from(1);
    let gone = bench.pats.rewrap().await;
    assert_eq!(
        gone,
        Err(PatError::Service(ServiceError::KeysetMissing(
            keyset.key.clone()
        )))
    );

    let mut changed = keyset.clone();
    changed.body[20] ^= 1;
    let put = store.inner.write(&[Change::Insert(changed)]).await;
    assert_eq!(put, Ok(Outcome::Written));
    assert_eq!(
        bench.pats.rewrap().await,
        Err(PatError::Service(ServiceError::Tampered))
    );
}

/// An import whose second token fails has taken in the first.
#[tokio::test]
async fn an_import_that_failed_half_way_does_not_say_that_nothing_was_done() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let items = || [item(originals::ID, ""), item(FREE, "")];
    store.fail_from(1);
    let none = bench.pats.import(items()).await.unwrap_err();
    assert_eq!(
        none,
        PatError::Service(ServiceError::Store(StoreError::unavailable("test")))
    );
    store.fail_from(2);
    unknown(bench.pats.import(items()).await);
    assert_eq!(bench.pats.list().count().await, Ok(1));
    // One that was imported before and is restricted now is something that was done, too.
    let items = [
        item(originals::ID, r#","revokedAt":{"N":"5"}"#),
        item(FREE, ""),
    ];
    store.fail_from(4);
    unknown(bench.pats.import(items).await);
    let restricted = bench.pats.get(originals::id()).await.unwrap();
    assert_eq!(restricted.revoked_at, Some(at(5)));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

/// What was imported is looked at, and by the time it is to be restricted another token has its id.
#[tokio::test]
async fn an_import_restricts_no_token_that_took_the_place_of_the_imported_one() {
    let store = Faulty::new(Fault::None, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = originals::id();
    let first = bench.pats.import([item(originals::ID, "")]).await.unwrap();
    assert!(first[0].as_ref().unwrap().is_new);
    let pats = other(&bench, &store).await;
    store.lose_reply(1, async move {
        pats.delete(id).await?;
        pats.issue(ADA).id(id).await.map(drop)
    });
    let revoked = item(originals::ID, r#","revokedAt":{"N":"5"}"#);
    let second = bench.pats.import([revoked]).await.unwrap();
    assert_eq!(second, [Err(PatError::AlreadyExists)]);
    let record = bench.pats.get(id).await.unwrap();
    assert_eq!(record.origin, sealtoken::pat::Origin::Issued);
    assert_eq!(record.revoked_at, None);
}
