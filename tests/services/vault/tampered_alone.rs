//! One record that was changed from outside does not affect the others.

use sealtoken::store::Record;
use sealtoken::vault::{Argon2Cost, Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime, ServiceError, State};

use super::tampering::{is_keyset, records};
use super::{Bench, RIGHT, WRONG};
use crate::attacker::put;
use crate::engine::Engine;

crate::engine::on_every_engine! {
    a_keyset_that_was_changed_keeps_no_other_from_being_sealed_again,
    a_row_that_was_changed_stops_no_count,
    an_earlier_value_that_was_changed_hides_no_other,
    a_password_whose_entry_was_changed_is_the_result_of_its_own_values_alone,
    a_tampered_entry_at_one_cost_stops_none_at_another,
}

async fn a_keyset_that_was_changed_keeps_no_other_from_being_sealed_again(engine: Engine) {
    let bench = Bench::on(engine).await;
    for name in ["ada", "bob", "cyd", "dan"] {
        bench
            .vault
            .namespace(name)
            .unwrap()
            .create("v")
            .await
            .unwrap();
    }
    let all = records(&*bench.store).await;
    let keysets: Vec<&Record> = all
        .iter()
        .filter(|r| is_keyset(r) && r.key.id.len() == 32)
        .collect();
    let mut edited = keysets[1].clone();
    edited.body[40] ^= 1;
    put(&*bench.store, &edited).await;
    let new = Key::generate();
    let both = KeyRing::new(new).with_retired(bench.old.clone()).unwrap();
    bench.keys.replace(&both).unwrap();
    let done = bench.vault.rewrap().await.unwrap();
    assert_eq!((done.resealed, done.unchanged, done.failed), (4, 0, 1));
}

/// The records of a collection.
async fn of(bench: &Bench, collection: &str) -> Vec<Record> {
    let all = records(&*bench.store).await.into_iter();
    all.filter(|record| record.key.collection.as_str() == collection)
        .collect()
}

async fn change(bench: &Bench, record: &Record) -> Record {
    let mut changed = record.clone();
    changed.body[40] ^= 1;
    put(&*bench.store, &changed).await;
    changed
}

async fn a_row_that_was_changed_stops_no_count(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    for _ in 0..3 {
        let create = vault.create("v").label("l").expires(Lifetime::hours(1));
        create.await.unwrap();
    }
    change(&bench, &of(&bench, "vault_values").await[1]).await;
    let lists = [
        vault.list(),
        vault.list().label("l"),
        vault.list().with(State::Expired),
    ];
    for list in lists {
        assert_eq!(list.clone().count().await, Ok(2));
        let tally = list.tally().await.unwrap();
        assert_eq!((tally.count, tally.tampered), (2, 1));
    }
    // The store counts its records, and opens none.
    let whole = vault.list().with(State::Expired).with(State::Deleted);
    assert_eq!(whole.clone().count().await, Ok(3));
    let tally = whole.tally().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (2, 1));
}

async fn an_earlier_value_that_was_changed_hides_no_other(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(3)).await;
    let vault = &bench.vault;
    let token = vault.create("1").await.unwrap();
    for value in ["2", "3", "4"] {
        vault.update(&token, value).await.unwrap();
    }
    change(&bench, &of(&bench, "vault_versions").await[1]).await;
    let versions = vault.versions(&token).await.unwrap();
    let numbers: Vec<u64> = versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    let mut tampered = 0;
    for version in &versions {
        match vault.read(&token).version(version.number).await {
            Ok(value) => {
                assert_eq!(value.expose(), version.number.to_string().as_bytes());
                assert_eq!(version.length, Some(1));
                assert!(version.written_at.is_some() && !version.is_tampered());
            }
            Err(error) => {
                assert_eq!(error, VaultError::Service(ServiceError::Tampered));
                assert!(version.is_tampered() && version.length.is_none());
                tampered += 1;
            }
        }
    }
    assert_eq!(tampered, 1);
}

async fn a_password_whose_entry_was_changed_is_the_result_of_its_own_values_alone(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let good = vault.create("v").password(RIGHT).await.unwrap();
    let over = vault.create("v").password(RIGHT);
    let over = over.expires(Lifetime::hours(1)).await.unwrap();
    bench.clock.advance(7200);
    change(&bench, &of(&bench, "vault_passwords").await[0]).await;
    let other = vault.create("w").password(WRONG).await.unwrap();
    let tokens = [good.expose(), over.expose(), "tk_of_nobody_at_all"];
    let read = vault.read_many(tokens).password(RIGHT).await.unwrap();
    let read: Vec<_> = read.into_iter().map(Result::err).collect();
    let expected = [
        VaultError::Service(ServiceError::Tampered),
        VaultError::Expired,
        VaultError::NotFound,
    ];
    assert_eq!(read, expected.map(Some));
    for error in [
        vault.read(&good).password(RIGHT).await.err(),
        vault.update(&good, "w").password(RIGHT).await.err(),
        vault.create("w").password(RIGHT).await.err(),
        vault.unlock(RIGHT).await.err(),
        vault.rekey(RIGHT, "a new password").await.err(),
    ] {
        assert_eq!(error, Some(VaultError::Service(ServiceError::Tampered)));
    }
    let read = vault.read(&other).password(WRONG).await;
    assert_eq!(read.unwrap().expose(), b"w");
}

/// As if two processes with different costs had created one each at the same time.
async fn a_tampered_entry_at_one_cost_stops_none_at_another(engine: Engine) {
    let bench = Bench::on(engine).await;
    let token = bench.vault.create("v").password(RIGHT).await.unwrap();
    let weaker = of(&bench, "vault_passwords").await.remove(0);
    let stronger = Vault::options().argon2_cost(Argon2Cost::new(20, 2, 1).unwrap());
    let stronger = bench.again(stronger).await.unwrap();
    stronger.read(&token).password(RIGHT).await.unwrap();
    stronger.flush().await;
    let moved = of(&bench, "vault_passwords").await.remove(0);
    assert_ne!(moved.key, weaker.key);
    put(&*bench.store, &weaker).await;
    let changed = change(&bench, &moved).await;

    let many = stronger.read_many([&token]).password(RIGHT).await.unwrap();
    assert!(many[0].is_ok());
    let unlocked = stronger.unlock(RIGHT).await.unwrap();
    assert_eq!(unlocked.read(&token).await.unwrap().expose(), b"v");
    let created = stronger.create("w").password(RIGHT).await.unwrap();
    let read = stronger.read(&created).password(RIGHT).await;
    assert_eq!(read.unwrap().expose(), b"w");
    // The changed entry is left for whoever restores it.
    stronger.flush().await;
    let entries = of(&bench, "vault_passwords").await;
    assert!(entries.len() == 2 && entries.contains(&changed));
}
