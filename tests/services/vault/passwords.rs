//! Passwords, their costs, and the key ring, replaced.

use sealtoken::vault::{Argon2Cost, Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime, ServiceError};

use super::{Bench, RIGHT, WRONG};
use crate::engine::Engine;

crate::engine::on_every_engine! {
    a_rekey_moves_everything_under_a_password_and_nothing_else,
    what_is_written_after_a_rekey_is_under_a_key_that_the_old_password_never_had,
    the_ring_is_rotated_and_everything_still_opens,
    without_the_key_that_sealed_it_a_vault_does_not_open_and_says_which_it_was,
    a_stronger_cost_is_taken_up_as_passwords_are_used,
}

async fn a_rekey_moves_everything_under_a_password_and_nothing_else(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let mut ids = Vec::new();
    for one in vault
        .create_many(["a", "b", "c"])
        .password(RIGHT)
        .expires(Lifetime::hours(1))
        .await
        .unwrap()
    {
        ids.push(one.unwrap());
    }
    let other = vault.create("o").password(WRONG).await.unwrap();
    vault.soft_delete(&ids[0]).await.unwrap();
    let new = "a new password";
    assert_eq!(
        vault.rekey(RIGHT, "short").await,
        Err(VaultError::PasswordTooShort { min: 8 })
    );
    assert_eq!(
        vault.rekey("not in use", new).await,
        Err(VaultError::InvalidPassword)
    );
    assert_eq!(vault.rekey(RIGHT, new).await, Ok(3));
    assert_eq!(
        vault.read(&ids[1]).password(RIGHT).await.err(),
        Some(VaultError::InvalidPassword)
    );
    assert_eq!(
        vault.read(&ids[1]).password(new).await.unwrap().expose(),
        b"b"
    );
    vault.restore(&ids[0]).await.unwrap();
    assert_eq!(
        vault.read(&ids[0]).password(new).await.unwrap().expose(),
        b"a"
    );
    assert!(vault.read(&other).password(WRONG).await.is_ok());

    // To a password in use: both lists become one.
    assert_eq!(vault.rekey(new, WRONG).await, Ok(3));
    assert!(vault.read(&ids[2]).password(WRONG).await.is_ok());
    assert!(vault.read(&other).password(WRONG).await.is_ok());
    // To the same password.
    assert_eq!(vault.rekey(WRONG, WRONG).await, Ok(4));
    assert!(vault.read(&other).password(WRONG).await.is_ok());
    // Back to one that was in use before.
    assert_eq!(vault.rekey(WRONG, RIGHT).await, Ok(4));
    assert!(vault.read(&ids[0]).password(RIGHT).await.is_ok());
}

async fn what_is_written_after_a_rekey_is_under_a_key_that_the_old_password_never_had(
    engine: Engine,
) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let before = vault.create("before").password(RIGHT).await.unwrap();
    let old = vault.unlock(RIGHT).await.unwrap();
    vault.rekey(RIGHT, "a new password").await.unwrap();
    let after = vault
        .create("after")
        .password("a new password")
        .await
        .unwrap();
    assert!(old.read(&before).await.is_ok());
    assert_eq!(
        old.read(&after).await.err(),
        Some(VaultError::InvalidPassword)
    );
    // A value written under the old keys is not lost.
    let late = old.create("late").await.unwrap();
    assert_eq!(
        vault
            .read(&late)
            .password("a new password")
            .await
            .unwrap()
            .expose(),
        b"late"
    );
}

async fn a_stronger_cost_is_taken_up_as_passwords_are_used(engine: Engine) {
    let bench = Bench::on(engine).await;
    let read = bench.vault.create("read").password(RIGHT).await.unwrap();
    let rekeyed = bench
        .vault
        .create("rekeyed")
        .password("another one")
        .await
        .unwrap();
    let stronger = Argon2Cost::new(24, 2, 1).unwrap();
    let vault = bench
        .again(Vault::options().argon2_cost(stronger))
        .await
        .unwrap();
    // Another process raised the cost; this one finds the entries that moved, and the others.
    assert!(vault.read(&read).password(RIGHT).await.is_ok());
    vault.flush().await;
    assert!(bench.vault.read(&read).password(RIGHT).await.is_ok());
    assert_eq!(
        bench.vault.read(&read).password(WRONG).await.err(),
        Some(VaultError::InvalidPassword)
    );
    assert_eq!(vault.rekey("another one", "yet another").await, Ok(1));
    assert_eq!(
        bench
            .vault
            .read(&rekeyed)
            .password("yet another")
            .await
            .unwrap()
            .expose(),
        b"rekeyed"
    );
    // A weaker setting does not lower it.
    let weaker = bench.again(Vault::options()).await.unwrap();
    assert!(weaker.read(&read).password(RIGHT).await.is_ok());
}

async fn the_ring_is_rotated_and_everything_still_opens(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.vault.create("v").password(RIGHT).await.unwrap();
    let ada = bench.vault.namespace("ada").unwrap();
    let hers = ada.create("hers").await.unwrap();

    let (old, new) = (bench.old.clone(), Key::generate());
    let both = KeyRing::new(new.clone()).with_retired(old).unwrap();
    bench.keys.replace(&both).unwrap();
    let mut reported = 0;
    let done = bench
        .vault
        .rewrap()
        .progress(|n| reported = n)
        .await
        .unwrap();
    assert_eq!((done.resealed, done.unchanged, reported), (3, 0, 3));
    let again = bench.vault.rewrap().await.unwrap();
    assert_eq!((again.resealed, again.unchanged), (0, 3));

    // The old key leaves the ring, and another process opens the vault.
    bench.keys.replace(&KeyRing::new(new)).unwrap();
    let vault = bench.again(Vault::options()).await.unwrap();
    assert_eq!(
        vault.read(&id).password(RIGHT).await.unwrap().expose(),
        b"v"
    );
    let ada = vault.namespace("ada").unwrap();
    assert_eq!(ada.read(&hers).await.unwrap().expose(), b"hers");
}

async fn without_the_key_that_sealed_it_a_vault_does_not_open_and_says_which_it_was(
    engine: Engine,
) {
    let bench = Bench::on(engine).await;
    bench.keys.replace(&KeyRing::new(Key::generate())).unwrap();
    let refused = bench.again(Vault::options()).await;
    assert_eq!(
        refused.err(),
        Some(VaultError::Service(ServiceError::UnknownKey(
            bench.old.id()
        )))
    );
}
