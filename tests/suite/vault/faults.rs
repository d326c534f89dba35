//! A store that fails at each of its calls: what was acknowledged is there, and what was refused can be done again.

use std::sync::atomic::Ordering;

use sealtoken::vault::{SweepMode, Vault, VaultError};
use sealtoken::{Lifetime, UnixTime};

use super::{Bench, RIGHT};
use crate::faulty::{Fault, Faulty};

const NEW: &str = "a new password";

const KEPT: &str = "kept-through-it-all";
const GONE: &str = "gone-in-the-end-0001";
const HIDDEN: &str = "hidden-by-the-sweep-1";
const OPEN: &str = "open-with-a-history-1";

/// The operations, one by one. Each ends in the same state however often it is begun.
const STEPS: usize = 21;

async fn step(bench: &Bench, number: usize) -> Result<(), VaultError> {
    let vault = &bench.vault;
    // What a lost reply hides may have been done: then it is done.
    let done = |result: Result<(), VaultError>, already: VaultError| match result {
        Err(error) if error == already => Ok(()),
        result => result,
    };
    match number {
        0 => {
            let create = vault.create("one").token(KEPT).password(RIGHT).label("l");
            done(create.await.map(|_| ()), VaultError::AlreadyExists)
        }
        1 => {
            let create = vault.create("two").token(GONE);
            done(create.await.map(|_| ()), VaultError::AlreadyExists)
        }
        2 => {
            let create = vault
                .create("three")
                .token(HIDDEN)
                .expires_in(Lifetime::seconds(5));
            done(create.await.map(|_| ()), VaultError::AlreadyExists)
        }
        3 => vault.update(KEPT, "uno").password(RIGHT).await,
        4 => vault.renew(KEPT, Lifetime::hours(1)).await,
        5 => done(vault.soft_delete(GONE).await, VaultError::Deleted),
        6 => vault.restore(GONE).await,
        7 => {
            let rekey = vault
                .rekey(RIGHT, NEW)
                .await
                .map(|count| assert_eq!(count, 1));
            done(rekey, VaultError::InvalidPassword)
        }
        8 => vault
            .read(KEPT)
            .password(NEW)
            .await
            .map(|value| assert_eq!(value.expose(), b"uno")),
        9 => vault.upsert(KEPT, "eins").password(NEW).await,
        10 => {
            bench.clock.set(UnixTime::from_secs(super::NOW + 10));
            let swept = vault.sweep_expired(SweepMode::Soft).await;
            swept.map(|swept| assert_eq!(swept.tampered, 0))
        }
        11 => done(vault.delete(GONE).await, VaultError::NotFound),
        12 => vault.rewrap().await.map(|_| ()),
        13 => {
            let create = vault.create("v1").token(OPEN);
            done(create.await.map(|_| ()), VaultError::AlreadyExists)
        }
        14 => vault.update(OPEN, "v2").await,
        15 => vault
            .roll_back(OPEN, 1)
            .await
            .map(|value| assert_eq!(value.expose(), b"v1")),
        16 => vault.prune_versions(OPEN, 1).await.map(|_| ()),
        17 => {
            let many = vault.create_many(["x", "y", "z"]).label("many").await?;
            many.into_iter().try_for_each(|one| one.map(|_| ()))
        }
        18 => {
            for entry in vault.list().label("many").await?.entries {
                done(vault.delete(entry?.id).await, VaultError::NotFound)?;
            }
            Ok(())
        }
        19 => {
            let unlocked = vault.unlock(NEW).await?;
            let read = unlocked.read_many([KEPT]).await?;
            assert_eq!(read[0].as_ref().unwrap().expose(), b"eins");
            Ok(())
        }
        // What was hidden has expired, too, and longer ago than the margin.
        _ => {
            bench.clock.set(UnixTime::from_secs(super::NOW + 1000));
            let swept = vault.sweep_expired(SweepMode::Hard).await;
            swept.map(|swept| assert_eq!(swept.tampered, 0))
        }
    }
}

/// Whether everything is as the steps leave it, seen by another process.
async fn check(bench: &Bench, what: &str) {
    let vault = bench
        .again(Vault::options().keep_versions(2))
        .await
        .unwrap();
    let value = vault.read(KEPT).password(NEW).await;
    assert_eq!(
        value.as_ref().map(|v| v.expose()),
        Ok(&b"eins"[..]),
        "{what}"
    );
    let old = vault.read(KEPT).password(RIGHT).await;
    assert_eq!(old.err(), Some(VaultError::InvalidPassword), "{what}");
    let info = vault.info(KEPT).await.unwrap();
    assert_eq!(
        info.expires_at,
        Some(UnixTime::from_secs(super::NOW + 3600)),
        "{what}"
    );
    for gone in [HIDDEN, GONE] {
        let info = vault.info(gone).await;
        assert_eq!(info.err(), Some(VaultError::NotFound), "{what}");
    }
    assert_eq!(vault.read(OPEN).await.unwrap().expose(), b"v1", "{what}");
    let all = vault.list().with_deleted().with_expired().count().await;
    assert_eq!(all, Ok(2), "{what}");
    for version in vault.versions(KEPT).await.unwrap() {
        let read = vault.read_version(KEPT, version.number).password(NEW).await;
        assert!(read.is_ok(), "{what}: version {}", version.number);
    }
}

/// Runs all steps with a fault at call `at`; how many calls there were.
async fn run(fault: Fault, at: u64) -> u64 {
    let what = format!("{fault:?} at call {at}");
    let store = Faulty::new(fault, at);
    // The vault is opened without a fault: that call has a test of its own.
    store.healed.store(true, Ordering::SeqCst);
    let bench = Bench::over(store.clone(), Vault::options().keep_versions(2)).await;
    store.calls.store(0, Ordering::SeqCst);
    store.healed.store(false, Ordering::SeqCst);
    for number in 0..STEPS {
        if let Err(error) = step(&bench, number).await {
            assert!(
                matches!(error, VaultError::Store(_)),
                "{what}, step {number}: {error:?}"
            );
            store.healed.store(true, Ordering::SeqCst);
            let again = step(&bench, number).await;
            assert_eq!(again, Ok(()), "{what}, step {number}");
        }
    }
    let calls = store.calls.load(Ordering::SeqCst);
    store.healed.store(true, Ordering::SeqCst);
    check(&bench, &what).await;
    calls
}

/// With a fault at each call in turn.
async fn run_all(fault: Fault) {
    let calls = run(fault, u64::MAX).await;
    assert!(calls > 30, "{calls}");
    for at in 1..=calls {
        run(fault, at).await;
    }
}

#[tokio::test]
async fn a_call_that_is_not_done_loses_nothing() {
    run_all(Fault::Before).await;
}

#[tokio::test]
async fn a_call_whose_reply_is_lost_doubles_nothing() {
    run_all(Fault::After).await;
}

#[tokio::test]
async fn a_store_that_goes_away_at_any_call_leaves_nothing_half_done() {
    run_all(Fault::ForGood).await;
}

#[tokio::test]
async fn a_lost_reply_of_a_write_is_no_error() {
    // A first value in a new namespace: the keyset is looked for and made, then the value is written.
    let mut outcomes = Vec::new();
    for at in 1..=3 {
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
    assert_eq!(outcomes, [false, true, true]);
}

#[tokio::test]
async fn opening_the_vault_may_fail_and_be_done_again() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        for at in 1..=4 {
            let store = Faulty::new(fault, at);
            let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
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
    let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
    let vault = Vault::open(store.clone(), &keys).await.unwrap();
    let id = vault.create("v").await.unwrap();
    store.at.store(0, Ordering::SeqCst);
    for _ in 0..50 {
        let away = vault.read(&id).await.err();
        assert!(matches!(away, Some(VaultError::Store(_))), "{away:?}");
    }
    store.healed.store(true, Ordering::SeqCst);
    assert!(vault.read(&id).await.is_ok());
}
