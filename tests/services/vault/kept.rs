//! What is left in the database: everything promised, and nothing that was removed.

use std::sync::Arc;
use std::time::Duration;

use sealtoken::ServiceError;
use sealtoken::store::{Collection, Effect, Query, Store, StoreError};
use sealtoken::vault::{Argon2Cost, Vault, VaultError, VaultToken};
use sealtoken::{Key, KeyRing, Lifetime};

use super::hostile::HostileStore;
use super::{Bench, RIGHT};
use crate::engine::Engine;
use crate::faulty::{Fault, Faulty};

crate::engine::on_every_engine! {
    a_removed_value_leaves_no_earlier_one,
    a_restored_value_keeps_its_expiry,
    an_expired_value_shows_no_earlier_one,
    a_password_that_moved_up_has_one_entry,
    a_weaker_setting_changes_the_cost_for_nobody,
    a_purge_by_a_clock_that_is_ahead_removes_no_live_value,
}

async fn count(store: &dyn Store, collection: &'static str) -> u64 {
    let query = Query::all(Collection::new(collection).unwrap());
    store.count(&query).await.unwrap()
}

async fn a_removed_value_leaves_no_earlier_one(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(2)).await;
    let vault = &bench.vault;
    for way in ["purge expired", "purge deleted", "delete"] {
        let create = vault.create("v").expires(Lifetime::hours(1));
        let token = create.await.unwrap();
        for n in 0..4 {
            vault.update(&token, format!("{n}")).await.unwrap();
        }
        assert_eq!(count(&*bench.store, "vault_versions").await, 2);
        match way {
            "purge expired" => {
                bench.clock.advance(7200);
                let tally = vault.purge_expired().await;
                assert_eq!(tally.unwrap().count, 1);
            }
            "purge deleted" => {
                vault.soft_delete(&token).await.unwrap();
                let purged = vault.purge_deleted(Duration::ZERO).await;
                assert_eq!(purged.unwrap().count, 1);
            }
            _ => vault.delete(&token).await.unwrap(),
        }
        for collection in ["vault_values", "vault_versions"] {
            assert_eq!(count(&*bench.store, collection).await, 0, "{way}");
        }
    }
}

async fn a_restored_value_keeps_its_expiry(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let create = vault.create("v").expires(Lifetime::hours(1));
    let token = create.await.unwrap();
    let before = vault.get(&token).await.unwrap();
    vault.soft_delete(&token).await.unwrap();
    vault.restore(&token).await.unwrap();
    assert_eq!(vault.get(&token).await.unwrap(), before);
    bench.clock.advance(3600);
    assert_eq!(vault.read(&token).await.err(), Some(VaultError::Expired));
    vault.restore(&token).await.unwrap();
    assert_eq!(vault.read(&token).await.err(), Some(VaultError::Expired));
}

async fn an_expired_value_shows_no_earlier_one(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(2)).await;
    let vault = &bench.vault;
    let create = vault.create("one").expires(Lifetime::hours(1));
    let token = create.await.unwrap();
    vault.update(&token, "two").await.unwrap();
    let refused = async |error: VaultError| {
        for number in 1..=3 {
            let read = vault.read(&token).version(number).await;
            assert_eq!(read.err().as_ref(), Some(&error));
            let brought = vault.roll_back(&token, number).await;
            assert_eq!(brought.err().as_ref(), Some(&error));
        }
    };
    vault.soft_delete(&token).await.unwrap();
    refused(VaultError::Deleted).await;
    vault.restore(&token).await.unwrap();
    assert!(vault.read(&token).version(1).await.is_ok());
    bench.clock.advance(3600);
    refused(VaultError::Expired).await;
}

async fn a_password_that_moved_up_has_one_entry(engine: Engine) {
    let bench = Bench::on(engine).await;
    let token = bench.vault.create("v").password(RIGHT).await.unwrap();
    let stronger = Argon2Cost::new(20, 2, 1).unwrap();
    let stronger = bench.again(Vault::options().argon2_cost(stronger)).await;
    let stronger = stronger.unwrap();
    assert!(stronger.read(&token).password(RIGHT).await.is_ok());
    stronger.flush().await;
    assert_eq!(count(&*bench.store, "vault_passwords").await, 1);
    assert!(bench.vault.read(&token).password(RIGHT).await.is_ok());
    assert_eq!(count(&*bench.store, "vault_passwords").await, 1);
}

async fn a_weaker_setting_changes_the_cost_for_nobody(engine: Engine) {
    let stronger = Vault::options().argon2_cost(Argon2Cost::new(20, 2, 1).unwrap());
    let bench = Bench::with(engine, stronger).await;
    let token = bench.vault.create("v").password(RIGHT).await.unwrap();
    let all = async |collection: &'static str| {
        let query = Query::all(Collection::new(collection).unwrap());
        bench.store.scan(&query).await.unwrap().records
    };
    // Only the keyset has the costs.
    let (keysets, entries) = (all("vault_keysets").await, all("vault_passwords").await);
    let weaker = bench.again(Vault::options()).await.unwrap();
    assert!(weaker.read(&token).password(RIGHT).await.is_ok());
    weaker.create("w").password(RIGHT).await.unwrap();
    weaker.flush().await;
    assert_eq!(all("vault_keysets").await, keysets);
    assert_eq!(all("vault_passwords").await, entries);
}

async fn a_purge_by_a_clock_that_is_ahead_removes_no_live_value(engine: Engine) {
    let bench = Bench::on(engine).await;
    let create = bench.vault.create("v").expires(Lifetime::minutes(4));
    let token = create.await.unwrap();
    let clock = sealtoken::ManualClock::at(sealtoken::UnixTime::from_secs(super::NOW + 300));
    let options = Vault::options().clock(clock.clone()).limiter(());
    let ahead = options.open(bench.store.clone(), &bench.keys).await;
    let ahead = ahead.unwrap();
    let tally = ahead.purge_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (0, 0));
    assert_eq!(bench.vault.read(&token).await.unwrap().expose(), b"v");
    // It is removed ten minutes after its expiry, and not a second earlier.
    clock.advance(4 * 60 + 600 - 300 - 1);
    assert_eq!(ahead.purge_expired().await.unwrap().count, 0);
    clock.advance(1);
    assert_eq!(ahead.purge_expired().await.unwrap().count, 1);
}

#[tokio::test]
async fn a_removal_beside_an_update_leaves_neither_secret() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options().keep_versions(3)).await;
    let token = bench.vault.create("one").await.unwrap();
    bench.vault.update(&token, "two").await.unwrap();
    store.hold.store(true, std::sync::atomic::Ordering::SeqCst);
    let (vault, gone) = (bench.vault.clone(), token.clone());
    let removal = tokio::spawn(async move { vault.delete(&gone).await });
    store.read.notified().await;
    bench.vault.update(&token, "three").await.unwrap();
    store.go_on.notify_one();
    assert_eq!(removal.await.unwrap(), Ok(()));
    for collection in ["vault_values", "vault_versions"] {
        assert_eq!(count(&store.inner, collection).await, 0);
    }
}

#[tokio::test]
async fn of_two_first_users_of_a_password_both_read_what_they_wrote() {
    for many in [false, true] {
        let store = HostileStore::new();
        let bench = Bench::over(store.clone(), Vault::options()).await;
        // The namespace exists before they meet.
        bench.vault.create("open").await.unwrap();
        store.let_two_meet();
        let create = async |name: &str| {
            if many {
                let values = [format!("{name} 1"), format!("{name} 2")];
                let created = bench.vault.create_many(values).password(RIGHT).await;
                let created = created.unwrap().into_iter();
                created.map(Result::unwrap).collect::<Vec<_>>()
            } else {
                let value = format!("{name} 1");
                vec![bench.vault.create(value).password(RIGHT).await.unwrap()]
            }
        };
        let (ada, bob) = tokio::join!(create("ada"), create("bob"));
        let fresh = bench.again(Vault::options()).await.unwrap();
        for (name, tokens) in [("ada", ada), ("bob", bob)] {
            let read = fresh.read_many(&tokens).password(RIGHT).await.unwrap();
            for (n, value) in read.into_iter().enumerate() {
                let expected = format!("{name} {}", n + 1);
                assert_eq!(value.unwrap().expose_str(), Ok(expected.as_str()));
            }
        }
        assert_eq!(count(&*store, "vault_passwords").await, 1);
    }
}

/// A vault whose cost was raised, and a value of one password at each cost: the lower one first.
async fn at_two_costs() -> (Arc<HostileStore>, Bench, Vault, [VaultToken; 2]) {
    let store = HostileStore::new();
    let bench = Bench::over(store.clone(), Vault::options()).await;
    bench.vault.create("open").await.unwrap();
    store.let_two_meet();
    let vault = bench.vault.clone();
    let weaker = tokio::spawn(async move { vault.create("weaker").password(RIGHT).await });
    // It has read the costs and is about to write its entry: now they are raised.
    store.until_one_waits().await;
    let stronger = Argon2Cost::new(20, 2, 1).unwrap();
    let stronger = bench.again(Vault::options().argon2_cost(stronger)).await;
    let stronger = stronger.unwrap();
    let second = stronger.create("stronger").password(RIGHT).await.unwrap();
    let first = weaker.await.unwrap().unwrap();
    assert_eq!(count(&*store, "vault_passwords").await, 2);
    (store, bench, stronger, [first, second])
}

#[tokio::test]
async fn a_password_unlocks_what_it_has_at_two_costs() {
    let (_, _, stronger, tokens) = at_two_costs().await;
    let unlocked = stronger.unlock(RIGHT).await.unwrap();
    for token in &tokens {
        assert!(unlocked.read(token).await.is_ok());
    }
}

#[tokio::test]
async fn what_one_password_has_at_two_costs_is_all_read_and_becomes_one_entry() {
    let (store, bench, stronger, [first, second]) = at_two_costs().await;
    let read = stronger.read(&first).password(RIGHT).await.unwrap();
    assert_eq!(read.expose(), b"weaker");
    stronger.flush().await;
    assert_eq!(count(&*store, "vault_passwords").await, 1);
    let unlocked = bench.vault.unlock(RIGHT).await.unwrap();
    for (token, value) in [(&first, "weaker"), (&second, "stronger")] {
        let read = unlocked.read(token).await.unwrap();
        assert_eq!(read.expose_str(), Ok(value));
    }
}

#[tokio::test]
async fn an_earlier_value_under_a_key_that_has_not_moved_up_is_no_wrong_password() {
    let store = HostileStore::new();
    let options = || Vault::options().keep_versions(3);
    let bench = Bench::over(store.clone(), options()).await;
    bench.vault.create("open").await.unwrap();
    store.let_two_meet();
    let vault = bench.vault.clone();
    let weaker = tokio::spawn(async move { vault.create("one").password(RIGHT).await });
    store.until_one_waits().await;
    let stronger = options().argon2_cost(Argon2Cost::new(20, 2, 1).unwrap());
    let stronger = bench.again(stronger).await.unwrap();
    let another = stronger.create("another").password(RIGHT).await.unwrap();
    let token = weaker.await.unwrap().unwrap();
    store.keep_entries();
    let update = async |value: &str| {
        let updated = stronger.update(&token, value).password(RIGHT).await;
        assert_eq!(updated, Ok(()));
    };
    update("two").await;
    assert_eq!(count(&*store, "vault_passwords").await, 2);
    for (number, value) in [(1, "one"), (2, "two")] {
        let read = stronger.read(&token).version(number).password(RIGHT).await;
        assert_eq!(read.unwrap().expose_str(), Ok(value));
    }
    let brought = stronger.roll_back(&token, 1).password(RIGHT).await;
    assert_eq!(brought.unwrap().expose_str(), Ok("one"));
    update("four").await;
    let none = stronger.read(&another).version(9).password(RIGHT).await;
    assert_eq!(none.err(), Some(VaultError::NoSuchVersion));
    assert_eq!(count(&*store, "vault_passwords").await, 2);
}

#[tokio::test]
async fn a_password_that_has_not_moved_up_unlocks_all_the_same() {
    let bench = Bench::on(Engine::memory()).await;
    let token = bench.vault.create("v").password(RIGHT).await.unwrap();
    let stronger = Argon2Cost::new(20, 2, 1).unwrap();
    let stronger = bench.again(Vault::options().argon2_cost(stronger)).await;
    let unlocked = stronger.unwrap().unlock(RIGHT).await.unwrap();
    assert_eq!(unlocked.read(&token).await.unwrap().expose(), b"v");
    assert_eq!(count(&*bench.store, "vault_passwords").await, 1);
}

#[tokio::test]
async fn where_fewer_earlier_values_are_kept_they_go_a_few_at_a_time() {
    let bench = Bench::with(Engine::memory(), Vault::options().keep_versions(16)).await;
    let token = bench.vault.create("v").await.unwrap();
    for n in 0..20 {
        bench.vault.update(&token, format!("{n}")).await.unwrap();
    }
    let none = bench.again(Vault::options()).await.unwrap();
    // Each update removes at most eight, and adds the one that it replaces.
    for left in [16, 9, 2, 0] {
        let kept = none.get(&token).await.unwrap().earlier_versions;
        assert_eq!(
            (kept, count(&*bench.store, "vault_versions").await),
            (left, left)
        );
        none.update(&token, "w").await.unwrap();
    }
}

#[tokio::test]
async fn work_that_was_cut_off_does_not_say_that_nothing_was_done() {
    let store = HostileStore::with_batches_of(9);
    let bench = Bench::over(store.clone(), super::at_once()).await;
    let values = bench.vault.create_many(["v"; 20]);
    let created = values.expires(Lifetime::hours(1)).await.unwrap();
    assert!(created.iter().all(Result::is_ok));
    let ada = bench.vault.namespace("ada").unwrap();
    ada.create("hers").await.unwrap();
    bench.clock.advance(3600);
    let effect = |error: VaultError| match error {
        VaultError::Service(ServiceError::Store(StoreError::Unavailable { effect, .. })) => effect,
        error => panic!("{error:?}"),
    };
    let retired = KeyRing::new(Key::generate()).with_retired(bench.old.clone());
    bench.keys.replace(&retired.unwrap()).unwrap();
    for (failing, expected) in [(1, Effect::None), (2, Effect::Unknown)] {
        store.fail_at(failing);
        let error = bench.vault.purge_expired().await.unwrap_err();
        assert_eq!(effect(error), expected, "purge {failing}");
        store.fail_at(failing);
        let error = bench.vault.rewrap().await.unwrap_err();
        assert_eq!(effect(error), expected, "rewrap {failing}");
    }
}

#[tokio::test]
async fn a_batch_that_failed_is_not_reported_as_created() {
    // A value has two labels, so three of them are a batch.
    let store = HostileStore::with_batches_of(9);
    let bench = Bench::over(store.clone(), Vault::options()).await;
    bench.vault.create("first").await.unwrap();
    store.fail_at(2);
    let values: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    let created = bench.vault.create_many(values).await.unwrap();
    let done: Vec<bool> = created.iter().map(Result::is_ok).collect();
    let (yes, no) = (true, false);
    assert_eq!(done, [yes, yes, yes, no, no, no, yes, yes, yes]);
    for (n, token) in created.iter().enumerate() {
        if let Ok(token) = token {
            let value = bench.vault.read(token).await.unwrap();
            assert_eq!(value.expose_str(), Ok(n.to_string().as_str()));
        }
    }
    assert_eq!(count(&*store, "vault_values").await, 7);
}

#[tokio::test]
async fn a_ring_is_rotated_for_more_namespaces_than_a_page_has() {
    const NAMESPACES: u64 = 250;
    let bench = Bench::on(Engine::memory()).await;
    let mut tokens = Vec::new();
    for n in 0..NAMESPACES {
        let vault = bench.vault.namespace(&n.to_string()).unwrap();
        tokens.push(vault.create("v").await.unwrap());
    }
    let new = Key::generate();
    let both = KeyRing::new(new.clone()).with_retired(bench.old.clone());
    bench.keys.replace(&both.unwrap()).unwrap();
    let done = bench.vault.rewrap().await.unwrap();
    assert_eq!((done.resealed, done.failed), (NAMESPACES + 1, 0));
    bench.keys.replace(&KeyRing::new(new)).unwrap();
    let fresh = bench.again(Vault::options()).await.unwrap();
    for (n, token) in tokens.iter().enumerate() {
        let vault = fresh.namespace(&n.to_string()).unwrap();
        assert_eq!(vault.read(token).await.unwrap().expose(), b"v");
    }
}
