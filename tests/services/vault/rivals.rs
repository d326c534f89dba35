//! Others that change the same records while an operation is in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use sealtoken::ServiceError;
use sealtoken::store::{Change, MemoryStore, Outcome, Store as _, StoreError};
use sealtoken::vault::{Argon2Cost, Vault, VaultError, VaultOptions, operation};
use sealtoken::{Key, KeyRing, Lifetime};

use super::events::Recorder;
use super::faults::{KEPT, NEW, keeping, value};
use super::{Bench, RIGHT};
use crate::faulty::{Fault, Faulty, records};
use crate::intercept::{Intercept, Intercepted};

/// A vault on a store where the rival acts at the call with this number, before its reply.
async fn meanwhile<F>(
    call: u64,
    options: impl Fn() -> VaultOptions,
    prepare: impl AsyncFnOnce(&Bench),
    rival: impl FnOnce(Vault, MemoryStore) -> F,
) -> (Bench, Arc<Faulty>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let store = Faulty::over(MemoryStore::new(), &[Fault::None], u64::MAX);
    let bench = Bench::over(store.clone(), options()).await;
    prepare(&bench).await;
    let other = options().clock(bench.clock.clone()).limiter(());
    let other = other.open(store.inner.clone(), &bench.keys).await.unwrap();
    store.set_rival(Box::pin(rival(other, store.inner.clone())));
    store.fail_from(call);
    (bench, store)
}

#[tokio::test]
async fn an_entry_that_moves_up_between_two_looks_is_found() {
    for call in 1..=6 {
        let store = Faulty::over(MemoryStore::new(), &[Fault::None], u64::MAX);
        let bench = Bench::over(store.clone(), Vault::options()).await;
        let create = bench.vault.create("v").token(KEPT).password(RIGHT);
        create.await.unwrap();
        let options = || {
            let stronger = Argon2Cost::new(20, 2, 1).unwrap();
            Vault::options().argon2_cost(stronger).limiter(())
        };
        let other = options().open(store.inner.clone(), &bench.keys);
        let other = other.await.unwrap();
        let vault = options().open(store.clone(), &bench.keys).await.unwrap();
        store.set_rival(Box::pin(async move {
            assert!(other.read(KEPT).password(RIGHT).await.is_ok());
            other.flush().await;
        }));
        store.fail_from(call);
        let read = vault.read(KEPT).password(RIGHT).await;
        assert!(read.is_ok(), "moved at call {call}: {read:?}");
    }
}

#[tokio::test]
async fn an_earlier_value_that_went_with_all_of_it_is_not_found() {
    // The row, and then the earlier value.
    let (bench, _store) = meanwhile(
        1,
        keeping,
        async |bench| {
            bench.vault.create("one").token(KEPT).await.unwrap();
            bench.vault.update(KEPT, "two").await.unwrap();
        },
        async |vault, _| vault.delete(KEPT).await.unwrap(),
    )
    .await;
    let read = bench.vault.read(KEPT).version(1).await;
    assert_eq!(read.err(), Some(VaultError::NotFound));
}

#[tokio::test]
async fn what_was_put_in_or_removed_between_the_two_looks_of_an_upsert_is_no_error() {
    let recorder = Arc::new(Recorder::default());
    let recorded = || keeping().events(recorder.clone());
    // Of preparing it, of the rival and of the upsert.
    let reported = || {
        let events = recorder.all().into_iter();
        let events = events.map(|event| event.outcome.map(|()| event.operation));
        events.collect::<Vec<_>>()
    };
    let (bench, _store) = meanwhile(
        1,
        recorded,
        async |bench| {
            bench.vault.create("one").token(KEPT).await.unwrap();
        },
        async |vault, _| vault.delete(KEPT).await.unwrap(),
    )
    .await;
    assert_eq!(bench.vault.upsert(KEPT, "ours").await, Ok(()));
    let [create, delete] = [operation::CREATE, operation::DELETE].map(Ok);
    assert_eq!(reported(), [create, delete, create]);
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"ours");

    recorder.all();
    let (bench, _store) = meanwhile(
        1,
        recorded,
        async |bench| {
            bench.vault.create("another").await.unwrap();
        },
        async |vault, _| {
            vault.create("theirs").token(KEPT).await.unwrap();
        },
    )
    .await;
    assert_eq!(bench.vault.upsert(KEPT, "ours").await, Ok(()));
    assert_eq!(reported(), [create, create, Ok(operation::UPDATE)]);
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"ours");
}

#[tokio::test]
async fn a_value_that_expires_while_its_password_is_hashed_is_refused() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::None], u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options()).await;
    let create = bench.vault.create("v").token(KEPT).password(RIGHT);
    let lifetime = Lifetime::seconds(10);
    create.expires(lifetime).await.unwrap();
    let clock = bench.clock.clone();
    // Its row was read, and its password is not hashed yet.
    store.set_rival(Box::pin(async move { clock.advance(10) }));
    store.fail_from(1);
    let read = bench.vault.read(KEPT).password(RIGHT).await;
    assert_eq!(read.err(), Some(VaultError::Expired));
}

#[tokio::test]
async fn a_rekey_beside_a_cost_that_is_raised_is_no_wrong_password() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::None], u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options()).await;
    let create = bench.vault.create("v").token(KEPT).password(RIGHT);
    create.await.unwrap();
    // Between the costs and both entries.
    let stronger = Argon2Cost::new(20, 2, 1).unwrap();
    let options = Vault::options().argon2_cost(stronger).limiter(());
    let (inner, keys) = (store.inner.clone(), bench.keys.clone());
    store.set_rival(Box::pin(async move {
        let other = options.open(inner, &keys).await.unwrap();
        assert!(other.read(KEPT).password(RIGHT).await.is_ok());
        other.flush().await;
    }));
    store.fail_from(1);
    assert_eq!(bench.vault.rekey(RIGHT, NEW).await, Ok(1));
    assert!(bench.vault.read(KEPT).password(NEW).await.is_ok());
}

#[tokio::test]
async fn a_purge_judges_each_value_that_others_change_meanwhile() {
    const TOKENS: [&str; 4] = [
        "renewed-meanwhile-1",
        "broken-meanwhile-2",
        "left-as-it-was-3",
        "removed-meanwhile-4",
    ];
    let (bench, store) = meanwhile(
        1,
        keeping,
        async |bench| {
            for token in TOKENS {
                let create = bench.vault.create("v").token(token);
                let lifetime = Lifetime::seconds(10);
                create.expires(lifetime).await.unwrap();
            }
            bench.clock.advance(10);
        },
        async |vault, inner| {
            let hour = Lifetime::hours(1);
            vault
                .renew(TOKENS[0])
                .expires(hour)
                .even_expired()
                .await
                .unwrap();
            let id = vault.get(TOKENS[1]).await.unwrap().id.to_string();
            let all = records(&inner, "vault_values").await;
            let mut broken = all.into_iter().filter(|one| hex::encode(&one.key.id) == id);
            let old = broken.next().unwrap();
            let mut new = old.clone();
            new.version = sealtoken::store::Version::draw().unwrap();
            new.body[40] ^= 1;
            let replace = Change::Replace {
                record: new,
                expected: old.version,
            };
            assert_eq!(inner.write(&[replace]).await, Ok(Outcome::Written));
            vault.delete(TOKENS[3]).await.unwrap();
        },
    )
    .await;
    let tally = bench.vault.purge_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (1, 1));
    assert_eq!(value(&bench, TOKENS[0]).await.unwrap(), b"v");
    assert_eq!(records(&store.inner, "vault_values").await.len(), 2);
}

#[tokio::test]
async fn keysets_that_others_change_during_a_rewrap_are_sealed_again_all_the_same() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::None], u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options()).await;
    bench.vault.create("v").token(KEPT).await.unwrap();
    let other = bench.vault.namespace("other").unwrap();
    other.create("v").await.unwrap();
    // A process with the old ring seals the vault's keyset by the old key, and another keyset is
    // removed.
    let behind = KeyRing::new(bench.old.clone());
    let new = Key::generate();
    let both = KeyRing::new(new.clone()).with_retired(bench.old.clone());
    bench.keys.replace(&both.unwrap()).unwrap();
    let inner = store.inner.clone();
    let removed = records(&inner, "vault_keysets").await.into_iter();
    let removed = removed.filter(|one| one.key.id != b"vault").nth(1).unwrap();
    store.set_rival(Box::pin(async move {
        let stronger = Argon2Cost::new(20, 2, 1).unwrap();
        let options = Vault::options().argon2_cost(stronger);
        options.open(inner.clone(), &behind).await.unwrap();
        let (key, expected) = (removed.key, None);
        let remove = Change::Remove { key, expected };
        assert_eq!(inner.write(&[remove]).await, Ok(Outcome::Written));
    }));
    store.fail_from(1);
    let done = bench.vault.rewrap().await.unwrap();
    assert_eq!((done.resealed, done.unchanged, done.failed), (2, 1, 0));
    bench.keys.replace(&KeyRing::new(new)).unwrap();
    assert!(bench.again(Vault::options()).await.is_ok());
}

/// An engine where inserting a keyset conflicts with another one, which is gone when it is read.
/// This happens `left` times.
#[derive(Debug)]
struct Fleeting {
    inner: MemoryStore,
    left: AtomicU32,
}

#[async_trait]
impl Intercept for Fleeting {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        let is_keyset = batch[0].key().collection.as_str() == "vault_keysets";
        let less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if is_keyset && self.left.fetch_update(order, order, less).is_ok() {
            let (index, current) = (0, None);
            return Ok(Outcome::Conflict { index, current });
        }
        self.inner.write(batch).await
    }
}

#[tokio::test]
async fn a_keyset_that_meets_another_one_is_created_again_and_again() {
    for (times, opens) in [(1, true), (100, true), (u32::MAX, false)] {
        let store = Arc::new(Intercepted(Fleeting {
            inner: MemoryStore::new(),
            left: AtomicU32::new(times),
        }));
        let vault = Vault::open(store, &KeyRing::new(Key::generate())).await;
        if opens {
            assert!(vault.unwrap().create("v").await.is_ok());
        } else {
            let contended = VaultError::Service(ServiceError::Contended);
            assert_eq!(vault.err(), Some(contended));
        }
    }
}
