//! Lost replies and outages, one by one. `histories` has every operation, at every call and beside
//! every rival.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sealtoken::store::{Change, MemoryStore, Outcome, Store as _, StoreError};
use sealtoken::vault::{Vault, VaultError, VaultOptions};
use sealtoken::{Key, KeyRing, PublicError, ServiceError};

use super::{Bench, RIGHT};
use crate::faulty::{Fault, Faulty, records, unknown};
use crate::limiters::attempts_for_a_token;

pub(super) const NEW: &str = "a new password";

pub(super) const KEPT: &str = "kept-through-it-all";

/// Another process, without faults.
async fn other(bench: &Bench, store: &Faulty) -> Vault {
    let options = Vault::options().clock(bench.clock.clone()).limiter(());
    let other = options.open(store.inner.clone(), &bench.keys);
    other.await.unwrap()
}

async fn bench() -> (Bench, Arc<Faulty>) {
    let store = Faulty::new(Fault::After, u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options().keep_versions(2)).await;
    (bench, store)
}

pub(super) async fn value(bench: &Bench, token: &str) -> Result<Vec<u8>, VaultError> {
    bench
        .vault
        .read(token)
        .await
        .map(|value| value.expose().to_vec())
}

#[tokio::test]
async fn what_others_wrote_after_a_lost_reply_is_neither_overwritten_nor_removed() {
    // An update, and a newer one.
    let (bench, store) = bench().await;
    let theirs = other(&bench, &store).await;
    bench.vault.create("one").token(KEPT).await.unwrap();
    let vault = theirs.clone();
    store.lose_reply(2, async move { vault.update(KEPT, "theirs").await });
    unknown(bench.vault.update(KEPT, "ours").await);
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"theirs");

    // A removal, and another value under the same token.
    let vault = theirs.clone();
    store.lose_reply(2, async move { vault.upsert(KEPT, "anew").await });
    unknown(bench.vault.delete(KEPT).await);
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"anew");

    // An inserted and removed value is not inserted again.
    bench.vault.delete(KEPT).await.unwrap();
    let vault = theirs.clone();
    store.lose_reply(1, async move { vault.delete(KEPT).await });
    unknown(bench.vault.create("ours").token(KEPT).await);
    assert_eq!(value(&bench, KEPT).await, Err(VaultError::NotFound));
    store.lose_reply(1, async move {
        let all = theirs.list().await?.entries;
        theirs.delete(all.into_iter().next().unwrap()?.id).await
    });
    unknown(bench.vault.create("ours").await);
    assert_eq!(bench.vault.list().count().await, Ok(0));
    assert_eq!(records(&store.inner, "vault_versions").await.len(), 0);
}

#[tokio::test]
async fn a_removal_is_done_where_the_value_is_gone_whoever_removed_it() {
    let (bench, store) = bench().await;
    bench.vault.create("one").token(KEPT).await.unwrap();
    store.lose_reply(2, async { Ok::<_, VaultError>(()) });
    assert_eq!(bench.vault.delete(KEPT).await, Ok(()));
    assert_eq!(value(&bench, KEPT).await, Err(VaultError::NotFound));
}

#[tokio::test]
async fn a_password_that_was_changed_again_after_a_lost_reply_is_not_called_wrong() {
    let (bench, store) = bench().await;
    let theirs = other(&bench, &store).await;
    let create = bench.vault.create("one").token(KEPT).password(RIGHT);
    create.await.unwrap();
    // The costs, both entries, the count, and then the write.
    store.lose_reply(5, async move {
        theirs.rekey(NEW, "a third password").await.map(drop)
    });
    unknown(bench.vault.rekey(RIGHT, NEW).await);
    assert!(store.has_failed_writing());
    let read = bench.vault.read(KEPT).password("a third password").await;
    assert_eq!(read.unwrap().expose(), b"one");
}

#[tokio::test]
async fn a_lost_reply_and_then_an_outage_does_not_say_that_nothing_was_done() {
    let store = Faulty::over(
        MemoryStore::new(),
        &[Fault::After, Fault::ForGood],
        u64::MAX,
    );
    let bench = Bench::over(store.clone(), Vault::options()).await;
    // The keyset of the namespace is looked up, and values that it sealed, before it is created.
    store.fail_from(4);
    unknown(bench.vault.create("one").token(KEPT).await);
    store.heal();
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"one");
}

#[tokio::test]
async fn a_lost_reply_of_a_write_is_no_error() {
    // The first value of a namespace: the keyset is looked up, and values that it sealed; the
    // keyset is created, then the value written.
    let mut outcomes = Vec::new();
    for at in 1..=4 {
        let store = Faulty::new(Fault::After, u64::MAX);
        let bench = Bench::over(store.clone(), Vault::options()).await;
        store.calls.store(0, Ordering::SeqCst);
        store.at.store(at, Ordering::SeqCst);
        let created = bench.vault.create("v").token(KEPT).await;
        store.healed.store(true, Ordering::SeqCst);
        assert_eq!(
            bench.vault.exists(KEPT).await,
            Ok(created.is_ok()),
            "call {at}"
        );
        outcomes.push(created.is_ok());
    }
    assert_eq!(outcomes, [false, false, true, true]);
}

#[tokio::test]
async fn opening_the_vault_may_fail_and_be_done_again() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        for at in 1..=4 {
            let store = Faulty::new(fault, at);
            let keys = KeyRing::new(Key::generate());
            let first = Vault::open(store.clone(), &keys).await;
            store.healed.store(true, Ordering::SeqCst);
            let vault = Vault::open(store.clone(), &keys).await.unwrap();
            let id = vault.create("v").await.unwrap();
            if let Ok(first) = first {
                assert!(first.read(&id).await.is_ok(), "{fault:?} at {at}");
            }
        }
    }
}

#[tokio::test]
async fn an_outage_uses_up_nobodys_attempts() {
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(store.clone(), &keys).await.unwrap();
    let id = vault.create("v").await.unwrap();
    store.at.store(0, Ordering::SeqCst);
    for _ in 0..50 {
        let away = vault.read(&id).await.err();
        assert!(
            matches!(away, Some(VaultError::Service(ServiceError::Store(_)))),
            "{away:?}"
        );
    }
    store.healed.store(true, Ordering::SeqCst);
    assert!(vault.read(&id).await.is_ok());
}

pub(super) fn keeping() -> VaultOptions {
    Vault::options()
        .keep_versions(3)
        .purge_margin(std::time::Duration::ZERO)
}

#[tokio::test]
async fn a_lost_reply_and_then_one_call_that_fails_is_still_found_out() {
    let faults = [Fault::After, Fault::Before];
    let store = Faulty::over(MemoryStore::new(), &faults, u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options()).await;
    bench.vault.create("the namespace begins").await.unwrap();
    // Its write, and the first question whether it was done.
    store.fail_from(1);
    assert!(bench.vault.create("one").token(KEPT).await.is_ok());
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"one");
}

#[tokio::test]
async fn a_removal_is_not_done_where_a_part_of_it_is_gone() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::Lost], u64::MAX);
    let bench = Bench::over(store.clone(), keeping()).await;
    bench.vault.create("one").token(KEPT).await.unwrap();
    bench.vault.update(KEPT, "two").await.unwrap();
    let earlier = records(&store.inner, "vault_versions").await.remove(0);
    let (key, expected) = (earlier.key, None);
    let remove = Change::Remove { key, expected };
    assert_eq!(store.inner.write(&[remove]).await, Ok(Outcome::Written));
    // The value is read, and the reply to its removal is lost; a rival changes the value before the
    // removal is sent again.
    let vault = other(&bench, &store).await;
    store.lose_reply(2, async move { vault.soft_delete(KEPT).await });
    unknown(bench.vault.delete(KEPT).await);
    assert_eq!(value(&bench, KEPT).await, Err(VaultError::Deleted));
}

/// An attacker chose which records are damaged, and the guess decides which one is read.
#[tokio::test]
async fn a_damaged_database_uses_up_attempts_and_an_outage_none() {
    for (fault, counts) in [(Fault::Corrupt, true), (Fault::Before, false)] {
        for many in [false, true] {
            let store = Faulty::over(MemoryStore::new(), &[fault], u64::MAX);
            let keys = KeyRing::new(Key::generate());
            let vault = Vault::options().limiter(attempts_for_a_token(3));
            let vault = vault.open(store.clone(), &keys).await.unwrap();
            let create = vault.create("one").token(KEPT).password(RIGHT);
            create.await.unwrap();
            let read = async || {
                if many {
                    let all = vault.read_many([KEPT]).password(RIGHT).await;
                    all.and_then(|mut all| all.remove(0)).err()
                } else {
                    vault.read(KEPT).password(RIGHT).await.err()
                }
            };
            for _ in 0..3 {
                // After the value: the entry of the password.
                store.fail_from(2);
                let failed = read().await.unwrap();
                assert_eq!(failed.public(), PublicError::Unavailable, "{failed:?}");
                assert_eq!(failed.code(), "unavailable");
            }
            store.heal();
            let is_closed = matches!(
                read().await,
                Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
            );
            assert_eq!(is_closed, counts, "{fault:?}, many: {many}");
        }
    }
}

/// The store is at fault.
#[tokio::test]
async fn a_damaged_database_is_no_record_that_was_changed() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::Corrupt; 60], u64::MAX);
    let old = Key::generate();
    let keys = KeyRing::new(old.clone());
    let vault = Vault::options().keep_versions(2);
    let vault = vault.open(store.clone(), &keys).await.unwrap();
    vault.create("one").token(KEPT).await.unwrap();
    vault.update(KEPT, "two").await.unwrap();
    let damaged = VaultError::Service(ServiceError::Store(StoreError::Corrupt));
    assert_eq!(
        (damaged.code(), damaged.public()),
        ("unavailable", PublicError::Unavailable)
    );
    store.fail_from(1);
    assert_eq!(vault.read(KEPT).await.err(), Some(damaged.clone()));
    // Only an earlier value that was changed reports itself; this one was not.
    store.fail_from(2);
    assert_eq!(vault.versions(KEPT).await, Err(damaged.clone()));
    let both = KeyRing::new(Key::generate()).with_retired(old).unwrap();
    keys.replace(&both).unwrap();
    store.heal();
    store.fail_writes(Some(Fault::Corrupt));
    assert_eq!(vault.rewrap().await, Err(damaged));
    store.fail_writes(None);
    let done = vault.rewrap().await.unwrap();
    assert_eq!((done.resealed, done.is_done()), (2, false));
    assert!(vault.rewrap().await.unwrap().is_done());
}
