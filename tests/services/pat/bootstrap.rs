//! The first admin.

use std::sync::Arc;

use async_trait::async_trait;
use sealtoken::ServiceError;
use sealtoken::pat::{PatError, PersonalAccessTokens, Reason, VerifyError};
use sealtoken::store::{Cursor, MemoryStore, Page, Query, Store as _, StoreError};
use sealtoken::{Key, KeyRing};

use super::{ADA, Bench, originals, reason};
use crate::engine::{Engine, on_every_engine};
use crate::intercept::{Intercept, Intercepted};

on_every_engine! {
    the_first_admin_comes_once,
}

async fn the_first_admin_comes_once(engine: Engine) {
    let bench = Bench::on(engine).await;
    let root = bench.pats.generate().unwrap();
    let text = root.token.expose();
    let unset = bench.pats.bootstrap(text, "root").await;
    assert_eq!(reason(unset), Some(Reason::NotFound));
    let options =
        || PersonalAccessTokens::options().bootstrap(root.hash.to_string().parse().unwrap());
    let pats = bench.again(options()).await;
    let bootstrap = async |text: &str| reason(pats.bootstrap(text, "root@example.com").await);
    // Until then it is no token, and another one is none either.
    assert_eq!(reason(pats.verify(text).await), Some(Reason::NotFound));
    let other = pats.generate().unwrap();
    assert_eq!(
        bootstrap(other.token.expose()).await,
        Some(Reason::InvalidSecret)
    );
    let same_id = pats.generate_as(root.id).unwrap();
    assert_eq!(
        bootstrap(same_id.token.expose()).await,
        Some(Reason::InvalidSecret)
    );
    assert_eq!(bootstrap("nonsense").await, Some(Reason::InvalidPrefix));
    assert_eq!(bootstrap("pat_nonsense").await, Some(Reason::InvalidFormat));
    let owner = pats.bootstrap(text, "").await;
    assert_eq!(owner, Err(VerifyError::Failed(PatError::InvalidOwner)));
    assert_eq!(pats.list().count().await, Ok(0));

    let admin = pats.bootstrap(text, "root@example.com").await.unwrap();
    assert!(admin.admin && admin.id == root.id && admin.hash.is_none());
    assert_eq!(pats.get(root.id).await.as_ref(), Ok(&admin));
    let verified = bench.pats.verify(text).await.unwrap();
    assert!(verified.admin && verified.owner == "root@example.com");
    assert_eq!(bootstrap(text).await, Some(Reason::NotFound));
    // Not again, not when it was revoked, and not when all tokens are gone.
    pats.revoke(root.id).await.unwrap();
    assert_eq!(bootstrap(text).await, Some(Reason::NotFound));
    pats.delete(root.id).await.unwrap();
    assert_eq!(bench.pats.list().count().await, Ok(0));
    // No secret is looked at any more, the right one or another.
    for text in [text, same_id.token.expose()] {
        assert_eq!(bootstrap(text).await, Some(Reason::NotFound));
    }
    assert_eq!(reason(pats.verify(text).await), Some(Reason::NotFound));
}

#[tokio::test]
async fn no_admin_is_bootstrapped_where_a_token_exists() {
    let bench = Bench::on(Engine::memory()).await;
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = bench.again(options).await;
    let issued = bench.issue(ADA).await.unwrap();
    bench.pats.revoke(issued.record.id).await.unwrap();
    let late = pats.bootstrap(root.token.expose(), "root").await;
    assert_eq!(reason(late), Some(Reason::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

/// An engine whose first page of everything has nothing in it, and more behind it.
#[derive(Debug)]
struct NothingFirst(MemoryStore);

#[async_trait]
impl Intercept for NothingFirst {
    fn inner(&self) -> &MemoryStore {
        &self.0
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        if query.after.is_some() {
            return self.0.scan(query).await;
        }
        // Before the first id.
        let next = Some(Cursor::from_bytes([0, 0, 0]));
        let records = Vec::new();
        Ok(Page { records, next })
    }
}

#[tokio::test]
async fn a_token_behind_an_empty_page_is_a_token() {
    let store = Arc::new(Intercepted(NothingFirst(MemoryStore::new())));
    let bench = Bench::over(store, PersonalAccessTokens::options()).await;
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = bench.again(options).await;
    let issued = bench.issue(ADA).await.unwrap();
    let late = pats.bootstrap(root.token.expose(), "root").await;
    assert_eq!(reason(late), Some(Reason::NotFound));
    // Pages of nothing at all do not keep the first one out.
    bench.pats.delete(issued.record.id).await.unwrap();
    let first = pats.bootstrap(root.token.expose(), "root").await;
    assert!(first.unwrap().admin);
}

#[tokio::test]
async fn the_first_admin_of_the_other_system_comes_once_too() {
    let bench = Bench::on(Engine::memory()).await;
    let pats = bench
        .again(PersonalAccessTokens::options().bootstrap(originals::hash()))
        .await;
    for wrong in [originals::WRONG, pats.generate().unwrap().token.expose()] {
        let refused = pats.bootstrap(wrong, "root").await;
        assert_eq!(reason(refused), Some(Reason::InvalidSecret));
    }
    let admin = pats.bootstrap(originals::TEXT, "root").await.unwrap();
    assert!(admin.admin && admin.id == originals::id());
    // There the secret is bound to no id: here it is used up.
    let other = originals::TEXT.replace(originals::ID, "XXXXXXXXXXXXXXXXXXXXX");
    assert_eq!(
        reason(pats.bootstrap(&other, "root").await),
        Some(Reason::NotFound)
    );
    assert_eq!(reason(pats.verify(&other).await), Some(Reason::NotFound));
    assert!(pats.verify(originals::TEXT).await.unwrap().admin);
}

/// An invalid owner costs no scrypt and no attempt.
#[tokio::test]
async fn an_impossible_owner_is_refused_before_the_secret_is_tried() {
    let bench = Bench::on(Engine::memory()).await;
    let generated = bench.pats.generate().unwrap();
    for (hash, wrong) in [
        (originals::hash(), originals::WRONG),
        (generated.hash, originals::WRONG),
    ] {
        let options = PersonalAccessTokens::options().bootstrap(hash);
        let pats = bench.again(options).await;
        for _ in 0..20 {
            let refused = pats.bootstrap(wrong, "").await;
            let expected = VerifyError::Failed(PatError::InvalidOwner);
            assert_eq!(refused.err(), Some(expected));
        }
    }
}

/// Else it would tell, for nothing, whether the first admin is still missing.
#[tokio::test]
async fn an_impossible_owner_is_refused_alike_in_every_state() {
    let bench = Bench::on(Engine::memory()).await;
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = bench.again(options).await;
    let refused = async || {
        let expected = VerifyError::Failed(PatError::InvalidOwner);
        for text in [root.token.expose(), originals::WRONG] {
            let refused = pats.bootstrap(text, "").await;
            assert_eq!(refused.err(), Some(expected.clone()));
        }
    };
    refused().await;
    let other = bench.issue(ADA).await.unwrap();
    refused().await;
    bench.pats.delete(other.record.id).await.unwrap();
    pats.bootstrap(root.token.expose(), "root").await.unwrap();
    refused().await;
    bench.pats.delete(root.id).await.unwrap();
    refused().await;
}

#[tokio::test]
async fn the_bootstrap_secret_cannot_be_locked_out() {
    let store = MemoryStore::new();
    let keys = KeyRing::new(Key::generate());
    let first = PersonalAccessTokens::open(store.clone(), &keys)
        .await
        .unwrap();
    let root = first.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = options.open(store, &keys).await.unwrap();
    for n in 0..15 {
        let guess = pats.generate().unwrap();
        let answer = pats.bootstrap(guess.token.expose(), "mallory").await;
        assert_eq!(
            matches!(
                answer,
                Err(VerifyError::Failed(PatError::Service(
                    ServiceError::TooManyAttempts { .. }
                )))
            ),
            n >= 10,
            "{answer:?}"
        );
    }
    assert!(pats.bootstrap(root.token.expose(), "root").await.is_ok());
}
