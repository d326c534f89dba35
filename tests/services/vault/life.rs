//! The life of a value: expired, renewed, soft-deleted, restored, purged, listed, and its versions.

use std::time::Duration;

use sealtoken::vault::{Vault, VaultError};
use sealtoken::{ExpiryError, Lifetime, State, UnixTime};

use super::{Bench, NOW, RIGHT, WRONG, invalid_expiry};
use crate::engine::Engine;

crate::engine::on_every_engine! {
    a_value_expires_at_its_second,
    a_renewal_refuses_an_expired_value_unless_allowed,
    a_soft_deleted_value_can_be_restored_until_it_is_purged,
    expired_values_and_no_others_are_soft_deleted_or_purged,
    lists_find_by_label_by_times_and_by_state,
    earlier_values_are_kept_read_rolled_back_to_and_pruned,
}

async fn a_value_expires_at_its_second(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let id = vault
        .create("v")
        .expires(Lifetime::seconds(60))
        .await
        .unwrap();
    let at = UnixTime::from_secs(NOW + 60);
    let other = vault.create("v").expires(at).await.unwrap();
    bench.clock.advance(59);
    assert!(vault.read(&id).await.is_ok() && vault.exists(&id).await.unwrap());
    bench.clock.advance(1);
    for id in [&id, &other] {
        assert_eq!(vault.read(id).await.err(), Some(VaultError::Expired));
        assert!(!vault.exists(id).await.unwrap());
        assert_eq!(vault.get(id).await.unwrap().state, State::Expired);
    }
    let past = vault.create("v").expires(UnixTime::from_secs(NOW)).await;
    assert_eq!(past.err(), Some(invalid_expiry(ExpiryError::InThePast)));
    let zero = vault.create("v").expires(Lifetime::seconds(0)).await;
    assert_eq!(zero.err(), Some(invalid_expiry(ExpiryError::Zero)));
}

async fn a_renewal_refuses_an_expired_value_unless_allowed(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let id = vault
        .create("v")
        .password(RIGHT)
        .expires(Lifetime::minutes(1))
        .await
        .unwrap();
    vault
        .renew(&id)
        .expires(Lifetime::minutes(5))
        .await
        .unwrap();
    bench.clock.advance(300);
    assert_eq!(
        vault.renew(&id).expires(Lifetime::minutes(5)).await,
        Err(VaultError::Expired)
    );
    vault
        .renew(&id)
        .expires(Lifetime::minutes(5))
        .even_expired()
        .await
        .unwrap();
    assert!(vault.read(&id).password(RIGHT).await.is_ok());
    vault.soft_delete(&id).await.unwrap();
    assert_eq!(
        vault.renew(&id).expires(Lifetime::Forever).await,
        Err(VaultError::Deleted)
    );
    vault
        .renew(&id)
        .expires(Lifetime::Forever)
        .even_deleted()
        .await
        .unwrap();
    assert_eq!(
        vault.read(&id).password(RIGHT).await.err(),
        Some(VaultError::Deleted)
    );
    vault.restore(&id).await.unwrap();
    assert_eq!(vault.get(&id).await.unwrap().expires_at, None);
    let past = vault.renew(&id).expires(UnixTime::from_secs(0)).await;
    assert_eq!(past, Err(invalid_expiry(ExpiryError::InThePast)));
}

async fn a_soft_deleted_value_can_be_restored_until_it_is_purged(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let id = vault.create("v").await.unwrap();
    vault.soft_delete(&id).await.unwrap();
    assert_eq!(vault.soft_delete(&id).await, Err(VaultError::Deleted));
    assert_eq!(vault.read(&id).await.err(), Some(VaultError::Deleted));
    vault.restore(&id).await.unwrap();
    vault.restore(&id).await.unwrap();
    assert!(vault.read(&id).await.is_ok());

    vault.soft_delete(&id).await.unwrap();
    bench.clock.advance(100);
    let day = Duration::from_secs(101);
    assert_eq!(vault.purge_deleted(day).await.unwrap().count, 0);
    bench.clock.advance(1);
    assert_eq!(vault.purge_deleted(day).await.unwrap().count, 1);
    assert_eq!(vault.restore(&id).await, Err(VaultError::NotFound));
    assert_eq!(vault.delete(&id).await, Err(VaultError::NotFound));
}

async fn expired_values_and_no_others_are_soft_deleted_or_purged(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let mut short = Vec::new();
    for _ in 0..250 {
        short.push(
            vault
                .create("v")
                .expires(Lifetime::minutes(1))
                .await
                .unwrap(),
        );
    }
    let long = vault
        .create("v")
        .expires(Lifetime::minutes(2))
        .await
        .unwrap();
    let forever = vault.create("v").await.unwrap();
    let other = vault.namespace("other").unwrap();
    let elsewhere = other
        .create("v")
        .expires(Lifetime::minutes(1))
        .await
        .unwrap();
    bench.clock.advance(60);

    let mut reported = vec![0];
    let delete = vault.soft_delete_expired();
    let tally = delete.progress(|n| reported.push(n)).await.unwrap();
    assert_eq!((tally.count, tally.tampered), (250, 0));
    assert_eq!(reported.last(), Some(&250));
    assert!(
        reported.is_sorted_by(|one, next| one < next),
        "{reported:?}"
    );
    let again = vault.soft_delete_expired();
    let again = again.progress(|n| panic!("{n}: it has not grown"));
    assert_eq!(again.await.unwrap().count, 0);
    assert_eq!(vault.get(&short[0]).await.unwrap().state, State::Deleted);
    assert!(vault.read(&long).await.is_ok() && vault.read(&forever).await.is_ok());
    assert_eq!(other.get(&elsewhere).await.unwrap().state, State::Expired);

    // Only values that expired before the margin are removed.
    assert_eq!(vault.purge_expired().await.unwrap().count, 0);
    bench.clock.advance(600 - 1);
    assert_eq!(vault.purge_expired().await.unwrap().count, 0);
    bench.clock.advance(1);
    assert_eq!(vault.purge_expired().await.unwrap().count, 250);
    assert_eq!(vault.get(&short[0]).await.err(), Some(VaultError::NotFound));
    assert_eq!(
        vault
            .list()
            .with(State::Deleted)
            .with(State::Expired)
            .count()
            .await
            .unwrap(),
        2
    );
}

async fn lists_find_by_label_by_times_and_by_state(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let mut ids = Vec::new();
    for n in 0..10_u64 {
        let label = if n % 2 == 0 { "even" } else { "odd" };
        let create = vault.create("v").label(label);
        ids.push(match n {
            0..5 => create.expires(Lifetime::seconds(100)).await.unwrap(),
            _ => create.await.unwrap(),
        });
        bench.clock.advance(10);
    }
    vault.soft_delete(&ids[9]).await.unwrap();
    vault.soft_delete(&ids[0]).await.unwrap();
    // 100 seconds on: the first one has expired and is soft-deleted; another follows every ten.
    bench.clock.advance(10);
    let at = |seconds| UnixTime::from_secs(NOW + seconds);
    let list = || vault.list();
    for (what, list, expected) in [
        ("live", list(), 7),
        ("all", list().with(State::Expired).with(State::Deleted), 10),
        ("with expired", list().with(State::Expired), 8),
        ("with deleted", list().with(State::Deleted), 9),
        ("only expired", list().only(State::Expired), 1),
        ("only deleted", list().only(State::Deleted), 2),
        (
            "only deleted, and also expired",
            list().only(State::Deleted).expires_before(at(111)),
            1,
        ),
        (
            "only deleted, with expired",
            list().only(State::Deleted).with(State::Expired),
            3,
        ),
        (
            "the last state alone",
            list().only(State::Deleted).only(State::Expired),
            1,
        ),
        ("a state that no value has", list().only(State::Revoked), 0),
        ("label", list().label("even"), 4),
        (
            "label, all",
            list()
                .label("even")
                .with(State::Expired)
                .with(State::Deleted),
            5,
        ),
        ("no such label", list().label("none"), 0),
        ("created from", list().created_from(at(50)), 4),
        ("created before", list().created_before(at(50)), 3),
        (
            "created between",
            list().created_from(at(20)).created_before(at(40)),
            2,
        ),
        ("ends from", list().expires_from(at(120)), 3),
        (
            "ends before",
            list().expires_before(at(130)).with(State::Expired),
            2,
        ),
        (
            "ends before, all",
            list()
                .expires_before(at(130))
                .with(State::Expired)
                .with(State::Deleted),
            3,
        ),
        (
            "label and time",
            list()
                .label("odd")
                .created_from(at(30))
                .created_before(at(60)),
            2,
        ),
    ] {
        assert_eq!(list.clone().count().await.unwrap(), expected, "{what}");
        let mut seen = Vec::new();
        let mut next = None;
        loop {
            let page = list.clone().limit(2).after(next).await.unwrap();
            assert!(page.entries.len() <= 2);
            seen.extend(page.entries.into_iter().map(|entry| entry.unwrap().id));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen.len() as u64, expected, "{what}");
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{what}");
    }
    let first = vault
        .list()
        .with(State::Expired)
        .with(State::Deleted)
        .limit(1)
        .await
        .unwrap();
    let info = first.entries[0].as_ref().unwrap();
    assert_eq!((info.created_at, info.deleted_at), (at(0), Some(at(100))));
    vault.restore(info.id).await.unwrap();
    vault.delete(info.id).await.unwrap();
    assert_eq!(vault.get(&ids[0]).await.err(), Some(VaultError::NotFound));
}

async fn earlier_values_are_kept_read_rolled_back_to_and_pruned(engine: Engine) {
    let options = Vault::options().keep_versions(3);
    let bench = Bench::with(engine, options).await;
    let vault = &bench.vault;
    let id = vault.create("v1").password(RIGHT).await.unwrap();
    for n in 2..=6 {
        bench.clock.advance(1);
        vault
            .update(&id, format!("v{n}"))
            .password(RIGHT)
            .await
            .unwrap();
    }
    let numbers = || async {
        vault
            .versions(&id)
            .await
            .unwrap()
            .iter()
            .map(|v| v.number)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers().await, [6, 5, 4, 3]);
    let id = &id;
    assert_eq!(
        vault
            .read(id)
            .version(3)
            .password(RIGHT)
            .await
            .unwrap()
            .expose(),
        b"v3"
    );
    assert_eq!(
        vault.read(id).version(2).password(RIGHT).await.err(),
        Some(VaultError::NoSuchVersion)
    );
    assert_eq!(
        vault.read(id).version(7).password(RIGHT).await.err(),
        Some(VaultError::NoSuchVersion)
    );
    assert_eq!(
        vault.read(id).version(3).password(WRONG).await.err(),
        Some(VaultError::InvalidPassword)
    );
    assert_eq!(
        vault
            .roll_back(id, 4)
            .password(RIGHT)
            .await
            .unwrap()
            .expose(),
        b"v4"
    );
    assert_eq!(
        vault.read(id).password(RIGHT).await.unwrap().expose(),
        b"v4"
    );
    assert_eq!(vault.get(id).await.unwrap().version, 7);
    // A rekey takes the earlier values along.
    vault.rekey(RIGHT, "a new password").await.unwrap();
    assert_eq!(
        vault
            .read(id)
            .version(5)
            .password("a new password")
            .await
            .unwrap()
            .expose(),
        b"v5"
    );
    assert_eq!(vault.prune_versions(id, 1).await, Ok(2));
    assert_eq!(vault.versions(id).await.unwrap().len(), 2);
    vault.delete(id).await.unwrap();
    let left =
        sealtoken::store::Query::all(sealtoken::store::Collection::new("vault_versions").unwrap());
    assert_eq!(bench.store.count(&left).await.unwrap(), 0);
}

/// One password for the current value and the earlier ones.
#[tokio::test]
async fn an_unlocked_namespace_reads_earlier_values() {
    let bench = Bench::with(Engine::memory(), Vault::options().keep_versions(1)).await;
    let vault = &bench.vault;
    let token = vault.create("one").password(RIGHT).await.unwrap();
    let unlocked = vault.unlock(RIGHT).await.unwrap();
    unlocked.update(&token, "two").await.unwrap();
    for (number, expected) in [(1, "one"), (2, "two")] {
        let value = unlocked.read(&token).version(number).await.unwrap();
        assert_eq!(value.expose_str(), Ok(expected));
    }
    let missing = unlocked.read(&token).version(3).await;
    assert_eq!(missing.err(), Some(VaultError::NoSuchVersion));
}
