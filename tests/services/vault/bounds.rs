//! Bounds: one step beyond each, an input is refused before anything is written.

use std::sync::atomic::Ordering;

use sealtoken::store::{MemoryStore, Store as _};
use sealtoken::vault::{Argon2Cost, Vault, VaultError, VaultOptions};
use sealtoken::{ExpiryError, Lifetime, PublicError, ServiceError, State, UnixTime};

use super::{Bench, NOW, RIGHT, WRONG, invalid_expiry};
use crate::engine::Engine;
use crate::faulty::{Fault, Faulty, records};

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

#[tokio::test]
async fn labels_and_namespaces_have_255_bytes_at_most() {
    let bench = Bench::on(Engine::memory()).await;
    let vault = &bench.vault;
    for (length, valid) in [(0, false), (1, true), (255, true), (256, false)] {
        let text = "a".repeat(length);
        let created = vault.create("v").label(&text).await;
        let refused = created.err();
        assert_eq!(refused.is_none(), valid, "{length}");
        assert!(valid || refused == Some(VaultError::InvalidLabel));
        let namespace = vault.namespace(&text).map(|_| ());
        let expected = if valid {
            Ok(())
        } else {
            Err(VaultError::InvalidNamespace)
        };
        assert_eq!(namespace, expected, "{length}");
    }
}

#[tokio::test]
async fn settings_out_of_bounds_open_no_vault() {
    let open = async |options: VaultOptions| {
        let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
        options.open(MemoryStore::new(), &keys).await.map(|_| ())
    };
    for options in [
        Vault::options().max_concurrent_hashes(0),
        Vault::options().max_concurrent_hashes(65),
        Vault::options().keep_versions(17),
        Vault::options().min_password(0),
        Vault::options().min_password(257),
    ] {
        let refused = open(options).await;
        assert!(
            matches!(
                refused,
                Err(VaultError::Service(ServiceError::InvalidSetting(_)))
            ),
            "{refused:?}"
        );
    }
    for options in [
        Vault::options().max_concurrent_hashes(1).keep_versions(16),
        Vault::options().max_concurrent_hashes(64).min_password(1),
        Vault::options().min_password(256),
    ] {
        assert_eq!(open(options).await, Ok(()));
    }
}

#[tokio::test]
async fn a_vault_takes_eight_costs_in_its_life_and_no_ninth() {
    let bench = Bench::on(Engine::memory()).await;
    // The first is 19 MiB and two passes.
    let costs = [
        (19, 3),
        (20, 3),
        (21, 3),
        (22, 3),
        (23, 3),
        (24, 3),
        (25, 3),
    ];
    for (memory, passes) in costs {
        let cost = Argon2Cost::new(memory, passes, 1).unwrap();
        let stronger = Vault::options().argon2_cost(cost);
        assert!(bench.again(stronger).await.is_ok(), "{memory} {passes}");
    }
    let keysets = records(&*bench.store, "vault_keysets").await;
    let ninth = Vault::options().argon2_cost(Argon2Cost::new(26, 3, 1).unwrap());
    let refused = bench.again(ninth).await.err();
    assert!(matches!(
        refused,
        Some(VaultError::Service(ServiceError::InvalidSetting(_)))
    ));
    // A cost of the same work is not stronger.
    for (memory, passes) in [(75, 1), (25, 3), (20, 3)] {
        let same = Vault::options().argon2_cost(Argon2Cost::new(memory, passes, 1).unwrap());
        assert!(bench.again(same).await.is_ok());
    }
    assert_eq!(records(&*bench.store, "vault_keysets").await, keysets);
}

#[tokio::test]
async fn more_passes_at_the_same_memory_are_a_stronger_cost() {
    let bench = Bench::on(Engine::memory()).await;
    let keysets = records(&*bench.store, "vault_keysets").await;
    let more = Vault::options().argon2_cost(Argon2Cost::new(19, 3, 1).unwrap());
    bench.again(more).await.unwrap();
    assert_ne!(records(&*bench.store, "vault_keysets").await, keysets);
}

#[tokio::test]
async fn a_refused_value_creates_no_namespace() {
    let bench = Bench::on(Engine::memory()).await;
    let vault = bench.vault.namespace("new").unwrap();
    let past = UnixTime::from_secs(NOW);
    let beyond = UnixTime::from_secs(LAST + 1);
    for (at, why) in [
        (past, ExpiryError::InThePast),
        (beyond, ExpiryError::OutOfRange),
    ] {
        let one = vault.create("v").expires(at).await;
        assert_eq!(one.err(), Some(invalid_expiry(why)));
        let many = vault.create_many(["v"]).expires(at).await;
        assert_eq!(many.err(), Some(invalid_expiry(why)));
        let put = vault.upsert("a-token-of-my-own-001", "v").expires(at);
        assert_eq!(put.await, Err(invalid_expiry(why)));
    }
    let long = vault.create(vec![0; 1024 * 1024 + 1]).await;
    let limit = 1024 * 1024;
    assert_eq!(long.err(), Some(VaultError::ValueTooLong { limit }));
    let short = vault.create("v").password("seven 7").await;
    assert_eq!(short.err(), Some(VaultError::PasswordTooShort { min: 8 }));
    // The vault's own keyset is the only one.
    assert_eq!(records(&*bench.store, "vault_keysets").await.len(), 1);
    assert!(
        vault
            .create("v")
            .expires(UnixTime::from_secs(LAST))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_value_leaves_room_for_what_is_sealed_around_it() {
    let bench = Bench::with(Engine::memory(), Vault::options().max_value(usize::MAX)).await;
    let limit = bench.store.limits().max_body - 4096;
    let label = "l".repeat(255);
    let longest = bench.vault.create(vec![0; limit]).label(label).await;
    assert!(longest.is_ok());
    let more = bench.vault.create(vec![0; limit + 1]).await;
    assert_eq!(more.err(), Some(VaultError::ValueTooLong { limit }));
}

#[tokio::test]
async fn each_of_many_has_the_limit_also_where_it_makes_the_entry_of_a_new_password() {
    let bench = Bench::with(Engine::memory(), Vault::options().max_value(10)).await;
    let limit = 10;
    let values = [vec![0; 11], vec![1; 10], vec![2; 11], vec![3; 1]];
    let created = bench.vault.create_many(values).password(RIGHT).await;
    let created = created.unwrap();
    let refused: Vec<_> = created.iter().map(|one| one.clone().err()).collect();
    let long = Some(VaultError::ValueTooLong { limit });
    assert_eq!(refused, [long.clone(), None, long, None]);
    for (at, value) in [(1, vec![1; 10]), (3, vec![3])] {
        let token = created[at].as_ref().unwrap();
        let read = bench.vault.read(token).password(RIGHT).await.unwrap();
        assert_eq!(read.expose(), value);
    }
}

#[tokio::test]
async fn a_batch_has_no_more_bytes_than_a_body_may_have() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(store.clone(), Vault::options()).await;
    bench.vault.create("first").await.unwrap();
    store.writes.store(0, Ordering::SeqCst);
    let created = bench.vault.create_many(vec![vec![0; 1024 * 1024]; 5]).await;
    assert!(created.unwrap().iter().all(Result::is_ok));
    assert_eq!(store.writes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn lists_reach_the_last_second_and_a_limit_of_zero_gives_nothing() {
    let bench = Bench::on(Engine::memory()).await;
    let vault = &bench.vault;
    let last = UnixTime::from_secs(LAST);
    vault.create("v").expires(last).await.unwrap();
    let before = |seconds| vault.list().expires_before(UnixTime::from_secs(seconds));
    assert_eq!(before(LAST).count().await, Ok(0));
    assert_eq!(before(LAST + 1).count().await, Ok(1));
    vault.create("v").await.unwrap();
    let begin = vault.list().limit(0).await.unwrap();
    assert_eq!((begin.entries.len(), &begin.next), (0, &None));
    let first = vault.list().limit(1).after(begin.next).await.unwrap();
    assert_eq!(first.entries.len(), 1);
    // It stays where it was.
    let nothing = vault.list().limit(0).after(first.next.clone());
    let nothing = nothing.await.unwrap();
    assert_eq!((nothing.entries.len(), &nothing.next), (0, &first.next));
    let mut stream = vault.list().limit(0).after(first.next.clone()).stream();
    assert!(stream.next().await.is_none());
    assert_eq!(stream.cursor(), first.next.as_ref());
    let rest = vault.list().after(nothing.next).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next), (1, None));
}

#[tokio::test]
async fn what_is_shown_of_a_value_is_what_it_is() {
    let bench = Bench::with(Engine::memory(), Vault::options().keep_versions(2)).await;
    let vault = &bench.vault;
    let token = vault.create("one").expires(Lifetime::hours(1)).await;
    let token = token.unwrap();
    assert!(!vault.get(&token).await.unwrap().has_password);
    for value in ["two", "three"] {
        bench.clock.advance(10);
        vault.update(&token, value).await.unwrap();
    }
    let versions = vault.versions(&token).await.unwrap();
    let shown: Vec<_> = versions
        .iter()
        .map(|one| {
            (
                one.number,
                one.written_at.map(UnixTime::as_secs),
                one.length,
                one.is_current,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (3, Some(NOW + 20), Some(5), true),
            (2, Some(NOW + 10), Some(3), false),
            (1, Some(NOW), Some(3), false)
        ]
    );
    // Both soft-deleted and expired: soft-deleted comes first, since it can be restored.
    vault.soft_delete(&token).await.unwrap();
    bench.clock.advance(3600);
    assert_eq!(vault.read(&token).await.err(), Some(VaultError::Deleted));
    let info = vault.get(&token).await.unwrap();
    assert_eq!((info.state, info.earlier_versions), (State::Deleted, 2));
    // An upsert sets the expiry of an existing value, too.
    let put = vault.upsert("a-token-of-my-own-001", "v");
    put.await.unwrap();
    let put = vault.upsert("a-token-of-my-own-001", "w");
    put.expires(Lifetime::hours(2)).await.unwrap();
    let info = vault.get("a-token-of-my-own-001").await.unwrap();
    assert_eq!(
        info.expires_at,
        Some(UnixTime::from_secs(NOW + 3620 + 7200))
    );
}

/// The indexes that lead to a value: `soft_delete_expired` does not see its own work again.
#[tokio::test]
async fn the_labels_of_a_record_say_where_it_stands() {
    let bench = Bench::on(Engine::memory()).await;
    let create = bench.vault.create("v").expires(Lifetime::hours(1));
    let token = create.label("l").await.unwrap();
    let labels = async || {
        let record = records(&*bench.store, "vault_values").await.remove(0);
        let names = record.labels.iter().map(|label| label.name.to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(labels().await, ["created", "data_key", "expires", "label"]);
    bench.vault.soft_delete(&token).await.unwrap();
    let hidden = ["created", "data_key", "deleted", "expires_deleted", "label"];
    assert_eq!(labels().await, hidden);
}

#[tokio::test]
async fn a_missing_earlier_value_is_no_guess_and_one_of_another_password_is() {
    let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
    let limiter = crate::limiters::attempts_for_a_token(2);
    let options = Vault::options().limiter(limiter);
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    let token = vault.create("v").password(RIGHT).await.unwrap();
    for _ in 0..5 {
        let none = vault.read(&token).version(7).password(RIGHT).await.err();
        assert_eq!(none, Some(VaultError::NoSuchVersion));
    }
    for _ in 0..2 {
        let wrong = vault.update(&token, "w").password(WRONG).await;
        assert_eq!(wrong, Err(VaultError::InvalidPassword));
    }
    let closed = vault.read(&token).password(RIGHT).await.err().unwrap();
    assert!(matches!(closed.public(), PublicError::TryLater { .. }));
    // An invalid text exhausts no attempts, however often it comes.
    for _ in 0..5 {
        let read = vault.read("?").password(WRONG).await;
        assert_eq!(read.err(), Some(VaultError::NotFound));
    }
}

#[tokio::test]
async fn guesses_by_rekey_use_up_the_attempts_of_the_namespace() {
    use sealtoken::limits::{Allowance, MemoryLimiter};
    let every = std::time::Duration::from_secs(60);
    let few = Allowance::new(2, every);
    let options = Vault::options().limiter(MemoryLimiter::new(few, few));
    let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    vault.create("v").password(RIGHT).await.unwrap();
    for n in 0..3 {
        let error = vault.rekey(WRONG, "a new password").await.err().unwrap();
        let is_closed = matches!(
            error,
            VaultError::Service(ServiceError::TooManyAttempts { .. })
        );
        assert_eq!(is_closed, n >= 2, "{error:?}");
    }
}

#[tokio::test]
async fn values_have_a_limit_and_one_byte_more_is_refused_before_any_work() {
    let bench = Bench::with(Engine::memory(), Vault::options().max_value(1000)).await;
    let id = bench.vault.create(vec![7; 1000]).await.unwrap();
    assert_eq!(bench.vault.read(&id).await.unwrap().expose(), vec![7; 1000]);
    let limit = 1000;
    let refused = bench.vault.create(vec![7; 1001]).await;
    assert_eq!(refused.err(), Some(VaultError::ValueTooLong { limit }));
    let refused = bench.vault.update(&id, vec![7; 1001]).await;
    assert_eq!(refused, Err(VaultError::ValueTooLong { limit }));
    assert!(bench.vault.create("").await.is_ok());
    let many = bench
        .vault
        .create_many([vec![1; 10], vec![1; 1001], vec![2; 10]])
        .await
        .unwrap();
    assert!(many[0].is_ok() && many[2].is_ok());
    assert_eq!(
        many[1].clone().err(),
        Some(VaultError::ValueTooLong { limit })
    );
}

#[tokio::test]
async fn a_value_of_a_mebibyte_goes_in_and_comes_out() {
    let bench = Bench::on(Engine::memory()).await;
    let big = vec![0x5a; 1024 * 1024];
    let id = bench
        .vault
        .create(big.clone())
        .password(RIGHT)
        .await
        .unwrap();
    assert!(
        bench
            .vault
            .read(&id)
            .password(RIGHT)
            .await
            .unwrap()
            .expose()
            == big
    );
}

#[tokio::test]
async fn new_passwords_have_the_least_length_that_is_set() {
    let bench = Bench::with(Engine::memory(), Vault::options().min_password(12)).await;
    let short = bench.vault.create("v").password("eleven char").await;
    assert_eq!(short.err(), Some(VaultError::PasswordTooShort { min: 12 }));
    assert!(
        bench
            .vault
            .create("v")
            .password("twelve chars")
            .await
            .is_ok()
    );
    let out_of_bounds = Vault::options()
        .min_password(0)
        .open(MemoryStore::new(), &bench.keys)
        .await;
    assert!(matches!(
        out_of_bounds.err(),
        Some(VaultError::Service(ServiceError::InvalidSetting(_)))
    ));
}
