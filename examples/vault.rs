//! A vault with a namespace for each user: secrets behind a token and a password, a changed
//! password, and a rotated key ring.
//!
//! ```console
//! cargo run --features vault --example vault
//! ```

use std::error::Error;

use sealtoken::PublicError;
use sealtoken::store::MemoryStore;
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (old, new) = (Key::generate(), Key::generate());
    // A service reads its keys by `env::var("SEALTOKEN_KEYS")?.parse()?`, and opens
    // `sealtoken_sqlite::SqliteStore::open("tokens.db").await?`.
    let keys = KeyRing::new(old.clone());
    let store = MemoryStore::new();
    let clock = ManualClock::at(UnixTime::now());
    let vault = Vault::options()
        .clock(clock.clone())
        .open(store.clone(), &keys)
        .await?;

    // Each user has a namespace with its own keys, passwords and tokens.
    let (ada, bob) = (vault.namespace("user:1")?, vault.namespace("user:2")?);
    let first = ada
        .create("db-password")
        .password("correct horse")
        .expires(Lifetime::hours(1))
        .label("work")
        .await?;
    let others = ada
        .create_many(["mail-password", "ssh-passphrase"])
        .password("correct horse")
        .await?;
    let others: Vec<_> = others.into_iter().collect::<Result<_, _>>()?;
    println!("Ada keeps {} values", ada.list().count().await?);

    let value = ada.read(&first).password("correct horse").await?;
    assert_eq!(value.expose(), b"db-password");
    // A caller sees the same answer to each of these; a log shows the difference.
    for (refused, code) in [
        (ada.read(&first).await, "invalid_password"),
        (
            ada.read(&first).password("a guess").await,
            "invalid_password",
        ),
        (
            bob.read(&first).password("correct horse").await,
            "not_found",
        ),
    ] {
        let error = refused.err().ok_or("it opened")?;
        assert_eq!((error.code(), error.public()), (code, PublicError::Refused));
        println!(
            "refused: {}, and the caller sees: {}",
            error,
            error.public()
        );
    }

    // One write, and one Argon2id for each of the two passwords, however many values.
    let covered = ada.rekey("correct horse", "battery staple").await?;
    assert_eq!(covered, 3);
    println!("a new password covers {covered} values");
    // And one for everything that an unlocked namespace does.
    let unlocked = ada.unlock("battery staple").await?;
    for (token, expected) in others.iter().zip(["mail-password", "ssh-passphrase"]) {
        assert_eq!(unlocked.read(token).await?.expose_str()?, expected);
    }

    // An hour later the first value has expired. Soft-deleted, it can still be restored.
    clock.advance(3600);
    assert_eq!(unlocked.read(&first).await.err(), Some(VaultError::Expired));
    assert_eq!(ada.soft_delete_expired().await?.count, 1);
    ada.restore(&first).await?;
    ada.renew(&first)
        .expires(Lifetime::days(1))
        .even_expired()
        .await?;
    assert!(unlocked.read(&first).await.is_ok());
    println!(
        "{} had expired, and is back",
        ada.list().label("work").count().await?
    );

    // The ring is rotated: keysets are sealed again, values stay as they are, and the old key goes.
    keys.replace(&KeyRing::new(new.clone()).with_retired(old)?)?;
    let sealed = vault.rewrap().await?.resealed;
    assert_eq!(vault.rewrap().await?.resealed, 0);
    println!("the new key sealed {sealed} keysets");
    let vault = Vault::open(store, &KeyRing::new(new)).await?;
    let ada = vault.namespace("user:1")?;
    let value = ada.read(&first).password("battery staple").await?;
    assert_eq!(value.expose(), b"db-password");
    Ok(())
}
