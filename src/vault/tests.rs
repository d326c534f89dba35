use std::sync::atomic::Ordering;

use super::*;
use crate::crypto::clock::ExpiryError;
use crate::keys::Key;
use crate::sealed::ServiceError;
use crate::store::MemoryStore;
use crate::token::Lifetime;

/// How many passwords an operation hashes.
async fn hashed<T>(vault: &Vault, operation: impl IntoFuture<Output = T>) -> (T, u64) {
    let hashed = &vault.shared.hasher.hashed;
    let before = hashed.load(Ordering::SeqCst);
    let result = operation.await;
    (result, hashed.load(Ordering::SeqCst) - before)
}

#[tokio::test]
async fn every_refusal_costs_the_same_number_of_hashes() {
    let keys = KeyRing::new(Key::generate());
    let store = MemoryStore::new();
    let vault = Vault::open(store.clone(), &keys).await.unwrap();
    let id = vault.create("v").password("correct horse").await.unwrap();
    let hidden = vault.create("v").password("correct horse").await.unwrap();
    let other = vault
        .create("v")
        .password("another password")
        .await
        .unwrap();
    let open = vault.create("v").await.unwrap();
    let over = vault.create("v").expires(vault.now().saturating_add(100));
    let over = over.password("correct horse").await.unwrap();
    vault.soft_delete(&hidden).await.unwrap();
    let nowhere = vault.namespace("nobody").unwrap();

    // With one cost, and with a second one that passwords have not moved up to.
    for costs in 1..=2_u64 {
        let cost = Argon2Cost::new(18 + u32::try_from(costs).unwrap(), 2, 1).unwrap();
        let clock = crate::crypto::clock::ManualClock::at(vault.now().saturating_add(1000));
        let options = Vault::options().argon2_cost(cost).limiter(()).clock(clock);
        let vault = options.open(store.clone(), &keys).await.unwrap();
        let nowhere = Vault {
            shared: Arc::clone(&vault.shared),
            name: Arc::clone(&nowhere.name),
        };
        for (what, vault, token) in [
            ("wrong password", &vault, id.expose()),
            ("unknown token", &vault, "tk_not_there_at_all"),
            ("no token", &vault, "?"),
            ("deleted", &vault, hidden.expose()),
            ("expired", &vault, over.expose()),
            ("another's value", &vault, other.expose()),
            ("no password on it", &vault, open.expose()),
            ("unknown namespace", &nowhere, id.expose()),
        ] {
            let (result, count) = hashed(vault, vault.read(token).password("wrong password")).await;
            assert!(result.is_err());
            assert_eq!(count, costs, "{what}");
            let (result, count) =
                hashed(vault, vault.update(token, "w").password("wrong password")).await;
            assert!(result.is_err());
            assert_eq!(count, costs, "{what}");
        }
    }
}

#[tokio::test]
async fn many_values_cost_one_hash_and_a_rekey_two() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let (ids, count) = hashed(
        &vault,
        vault.create_many(["v"; 500]).password("correct horse"),
    )
    .await;
    assert_eq!(count, 1);
    let ids: Vec<VaultToken> = ids.unwrap().into_iter().map(Result::unwrap).collect();
    let (read, count) = hashed(&vault, vault.read_many(&ids).password("correct horse")).await;
    assert_eq!((read.unwrap().iter().flatten().count(), count), (500, 1));
    let (covered, count) = hashed(&vault, vault.rekey("correct horse", "another one")).await;
    assert_eq!((covered, count), (Ok(500), 2));
    let unlocked = vault.unlock("another one").await.unwrap();
    let (_, count) = hashed(&vault, async { unlocked.read_many(&ids).await.unwrap() }).await;
    assert_eq!(count, 0);
    let renewed = vault.renew(&ids[0]).expires(Lifetime::hours(1));
    assert_eq!(hashed(&vault, renewed).await.1, 0);
}

#[tokio::test]
async fn values_that_are_too_long_cost_no_hash() {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().max_value(3);
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let (none, count) = hashed(
        &vault,
        vault
            .create_many(["long", "long"])
            .password("correct horse"),
    )
    .await;
    let none = none.unwrap();
    assert_eq!(
        (none.len(), none.iter().flatten().count(), count),
        (2, 0, 0)
    );
    for expected in [1, 1] {
        let values = ["long", "long", "one", "long", "two", "long"];
        let create = vault.create_many(values).password("correct horse");
        let (some, count) = hashed(&vault, create).await;
        assert_eq!(count, expected);
        let limit = VaultError::ValueTooLong { limit: 3 };
        for (value, created) in values.iter().zip(some.unwrap()) {
            match created {
                Ok(token) => {
                    let read = vault.read(&token).password("correct horse").await.unwrap();
                    assert_eq!(read.expose(), value.as_bytes());
                }
                Err(error) => assert_eq!((*value, error), ("long", limit.clone())),
            }
        }
    }
    assert_eq!(vault.list().count().await, Ok(4));
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_a_password_is_hashed() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let id = vault.create("v").password("correct horse").await.unwrap();
    let past = UnixTime::from_secs(0);
    let update = vault.update(&id, "w").password("correct horse");
    let (result, count) = hashed(&vault, update.expires(past)).await;
    assert_eq!(
        (result, count),
        (
            Err(VaultError::Service(ServiceError::InvalidExpiry(
                ExpiryError::InThePast
            ))),
            0
        )
    );
    let create = vault.create("v").password("correct horse");
    let (result, count) = hashed(&vault, create.expires(past)).await;
    assert_eq!(
        (result.err(), count),
        (
            Some(VaultError::Service(ServiceError::InvalidExpiry(
                ExpiryError::InThePast
            ))),
            0
        )
    );
    let create = vault.create("v").password("seven 7");
    let (result, count) = hashed(&vault, create).await;
    let short = VaultError::PasswordTooShort { min: 8 };
    assert_eq!((result.err(), count), (Some(short), 0));
    let rekey = vault.rekey("correct horse", "seven 7");
    let (result, count) = hashed(&vault, rekey).await;
    let short = VaultError::PasswordTooShort { min: 8 };
    assert_eq!((result, count), (Err(short), 0));
}

/// Otherwise their time would distinguish right guesses from wrong ones, without limit.
#[tokio::test]
async fn no_password_is_hashed_where_no_attempt_is_left() {
    use crate::limits::{Allowance, MemoryLimiter};

    let keys = KeyRing::new(Key::generate());
    let every = std::time::Duration::from_secs(3600);
    let [one, many] = [1, 1000].map(|burst| Allowance::new(burst, every));
    let options = Vault::options().limiter(MemoryLimiter::new(one, many));
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let id = vault.create("v").password("correct horse").await.unwrap();
    let id = id.expose();
    let wrong = vault.read(id).password("wrong password").await;
    assert_eq!(wrong.err(), Some(VaultError::InvalidPassword));
    for password in ["correct horse", "wrong password"] {
        let none = vault.read_many([""; 0]).password(password);
        let (read, count) = hashed(&vault, none).await;
        assert_eq!((read.unwrap().len(), count), (0, 0));
        let closed = vault.read_many([id, id]).password(password);
        let (read, count) = hashed(&vault, closed).await;
        let refused = |one: Result<_, VaultError>| {
            matches!(
                one.err(),
                Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
            )
        };
        assert!(read.unwrap().into_iter().all(refused));
        assert_eq!(count, 0);
        // Beside one that has an attempt, it is tried, and counted.
        let other = format!("tk_not_there_{}", password.len());
        let (_, count) = hashed(&vault, vault.read_many([id, &*other]).password(password)).await;
        assert_eq!(count, 1);
    }
    let empty = vault.read_many([""; 0]).password("").await;
    assert_eq!(empty.err(), Some(VaultError::EmptyPassword));
}

/// The costs are read once, and then known.
#[tokio::test]
async fn where_another_process_raised_the_cost_new_passwords_are_at_that_one() {
    let (keys, store) = (KeyRing::new(Key::generate()), MemoryStore::new());
    let vault = Vault::open(store.clone(), &keys).await.unwrap();
    let raised = Vault::options().argon2_cost(Argon2Cost::new(20, 2, 1).unwrap());
    let raised = raised.open(store, &keys).await.unwrap();
    let create = vault.create("v").password("correct horse");
    let (token, count) = hashed(&vault, create).await;
    assert_eq!(count, 2);
    let token = token.unwrap();
    for vault in [raised, vault] {
        let read = vault.read(&token).password("correct horse");
        let (value, count) = hashed(&vault, read).await;
        assert_eq!((value.is_ok(), count), (true, 1));
    }
}
