//! Each operation of a vault.

use std::time::Duration;

use sealtoken::PublicError;
use sealtoken::ServiceError;
use sealtoken::State;
use sealtoken::vault::{Argon2Cost, Vault, VaultError};
use sealtoken::{ExpiryError, Key, KeyRing, Lifetime, UnixTime};

use super::{Bench, NOW, RIGHT, WRONG, invalid_expiry};
use crate::engine::Engine;

crate::engine::on_every_engine! {
    a_value_is_read_with_its_password_and_no_other,
    a_value_without_a_password_is_under_the_keyset_alone,
    a_password_that_is_right_for_one_value_is_wrong_for_another,
    lengths_of_tokens_have_bounds_and_a_weak_one_must_be_asked_for,
    a_custom_token_is_taken_once_also_after_a_soft_deletion,
    a_value_expires_at_its_second,
    many_are_read_for_one_password_and_a_missing_one_fails_nobody,
    an_update_takes_the_current_password_and_keeps_the_expiry,
    an_upsert_creates_a_missing_value_and_updates_an_existing_one,
    a_renewal_refuses_an_expired_value_unless_allowed,
    a_soft_deleted_value_can_be_restored_until_it_is_purged,
    expired_values_and_no_others_are_soft_deleted_or_purged,
    lists_find_by_label_by_times_and_by_state,
    namespaces_are_separate,
    a_rekey_moves_everything_under_a_password_and_nothing_else,
    what_is_written_after_a_rekey_is_under_a_key_that_the_old_password_never_had,
    an_unlocked_namespace_reads_and_writes_without_the_password,
    earlier_values_are_kept_read_rolled_back_to_and_pruned,
    the_ring_is_rotated_and_everything_still_opens,
    without_the_key_that_sealed_it_a_vault_does_not_open_and_says_which_it_was,
    a_stronger_cost_is_taken_up_as_passwords_are_used,
}

async fn a_value_is_read_with_its_password_and_no_other(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let id = vault.create("db-password").password(RIGHT).await.unwrap();
    assert!(id.expose().starts_with("tk_") && id.expose().len() == 32);
    let value = vault.read(&id).password(RIGHT).await.unwrap();
    assert_eq!(value.expose(), b"db-password");

    for refused in [vault.read(&id).password(WRONG).await, vault.read(&id).await] {
        assert_eq!(refused.err(), Some(VaultError::InvalidPassword));
    }
    let empty = vault.read(&id).password("").await;
    assert_eq!(empty.err(), Some(VaultError::EmptyPassword));
    assert_eq!(VaultError::InvalidPassword.public(), PublicError::Refused);
}

async fn a_value_without_a_password_is_under_the_keyset_alone(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.vault.create(b"\x00\xff").await.unwrap();
    assert_eq!(bench.vault.read(&id).await.unwrap().expose(), b"\x00\xff");
    let with = bench.vault.read(&id).password(RIGHT).await;
    assert_eq!(with.err(), Some(VaultError::InvalidPassword));
}

async fn a_password_that_is_right_for_one_value_is_wrong_for_another(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let one = vault.create("one").password(RIGHT).await.unwrap();
    let two = vault.create("two").password(WRONG).await.unwrap();
    assert!(vault.read(&one).password(RIGHT).await.is_ok());
    let crossed = vault.read(&two).password(RIGHT).await;
    assert_eq!(crossed.err(), Some(VaultError::InvalidPassword));
}

async fn lengths_of_tokens_have_bounds_and_a_weak_one_must_be_asked_for(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    for length in [25, 64] {
        let id = vault.create("v").length(length).await.unwrap();
        assert_eq!(id.expose().len(), length);
    }
    assert_eq!(
        vault
            .create("v")
            .weak_length(15)
            .await
            .unwrap()
            .expose()
            .len(),
        15
    );
    assert_eq!(
        vault.create("v").length(24).await.err(),
        Some(VaultError::WeakToken)
    );
    for length in [0, 14, 65, usize::MAX] {
        let refused = vault.create("v").weak_length(length).await;
        assert_eq!(refused.err(), Some(VaultError::InvalidTokenLength));
    }
}

async fn a_custom_token_is_taken_once_also_after_a_soft_deletion(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let id = vault.create("v").token("my-own_token-0001").await.unwrap();
    assert_eq!(id.expose(), "my-own_token-0001");
    let again = || async { vault.create("w").token("my-own_token-0001").await.err() };
    assert_eq!(again().await, Some(VaultError::AlreadyExists));
    vault.soft_delete(&id).await.unwrap();
    assert_eq!(again().await, Some(VaultError::AlreadyExists));
    vault.delete(&id).await.unwrap();
    assert_eq!(again().await, None);
    for bad in [
        "short",
        "with a space in the middle",
        "ümlaut-ümlaut-ümlaut",
        "",
    ] {
        let refused = vault.create("v").token(bad).await;
        assert_eq!(refused.err(), Some(VaultError::InvalidToken), "{bad}");
    }
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

async fn many_are_read_for_one_password_and_a_missing_one_fails_nobody(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let ids = vault
        .create_many(["a", "b", "c"])
        .password(RIGHT)
        .await
        .unwrap();
    let ids: Vec<_> = ids.into_iter().map(Result::unwrap).collect();
    let open = vault.create("open").await.unwrap();
    vault.soft_delete(&ids[1]).await.unwrap();
    let asked = [
        ids[2].expose(),
        "tk_not_there_at_all",
        ids[1].expose(),
        open.expose(),
        ids[2].expose(),
        "x",
    ];
    let read = vault.read_many(asked).password(RIGHT).await.unwrap();
    let read: Vec<_> = read
        .iter()
        .map(|one| one.as_ref().map(|v| v.expose_str().unwrap()))
        .collect();
    assert_eq!(
        read,
        [
            Ok("c"),
            Err(&VaultError::NotFound),
            Err(&VaultError::Deleted),
            Err(&VaultError::InvalidPassword),
            Ok("c"),
            Err(&VaultError::NotFound),
        ]
    );
    let none: [&str; 0] = [];
    assert!(vault.read_many(none).await.unwrap().is_empty());

    let twice = vault.read_many([&ids[0], &ids[0]]).password(RIGHT).await;
    for read in twice.unwrap() {
        assert_eq!(read.unwrap().expose(), b"a");
    }
}

async fn an_update_takes_the_current_password_and_keeps_the_expiry(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let id = vault
        .create("old")
        .password(RIGHT)
        .expires(Lifetime::hours(1))
        .label("l")
        .await
        .unwrap();
    assert_eq!(
        vault.update(&id, "new").await,
        Err(VaultError::InvalidPassword)
    );
    assert_eq!(
        vault.update(&id, "new").password(WRONG).await,
        Err(VaultError::InvalidPassword)
    );
    assert_eq!(
        vault.read(&id).password(RIGHT).await.unwrap().expose(),
        b"old"
    );
    bench.clock.advance(10);
    vault.update(&id, "new").password(RIGHT).await.unwrap();
    assert_eq!(
        vault.read(&id).password(RIGHT).await.unwrap().expose(),
        b"new"
    );
    let info = vault.get(&id).await.unwrap();
    assert_eq!(info.expires_at, Some(UnixTime::from_secs(NOW + 3600)));
    assert_eq!(
        (info.created_at.as_secs(), info.updated_at.as_secs()),
        (NOW, NOW + 10)
    );
    assert_eq!(
        (info.version, info.earlier_versions, info.length),
        (2, 0, 3)
    );
    assert_eq!(
        (info.label.as_deref(), info.has_password),
        (Some("l"), true)
    );

    bench.clock.advance(3600);
    assert_eq!(
        vault.update(&id, "x").password(RIGHT).await,
        Err(VaultError::Expired)
    );
    assert_eq!(
        vault.update("tk_unknown_unknown", "x").await,
        Err(VaultError::NotFound)
    );
}

async fn an_upsert_creates_a_missing_value_and_updates_an_existing_one(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    let token = "service-config-0001";
    vault
        .upsert(token, "one")
        .password(RIGHT)
        .expires(Lifetime::hours(1))
        .await
        .unwrap();
    assert_eq!(
        vault.read(token).password(RIGHT).await.unwrap().expose(),
        b"one"
    );
    vault.upsert(token, "two").password(RIGHT).await.unwrap();
    assert_eq!(
        vault.read(token).password(RIGHT).await.unwrap().expose(),
        b"two"
    );
    assert_eq!(
        vault.upsert(token, "x").password(WRONG).await,
        Err(VaultError::InvalidPassword)
    );
    vault.soft_delete(token).await.unwrap();
    assert_eq!(
        vault.upsert(token, "x").password(RIGHT).await,
        Err(VaultError::Deleted)
    );
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

    let mut told = 0;
    let tally = vault
        .soft_delete_expired()
        .progress(|n| told = n)
        .await
        .unwrap();
    assert_eq!((tally.count, tally.tampered, told), (250, 0, 250));
    assert_eq!(vault.soft_delete_expired().await.unwrap().count, 0);
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
            .with_deleted()
            .with_expired()
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
        ("all", list().with_expired().with_deleted(), 10),
        ("with expired", list().with_expired(), 8),
        ("with deleted", list().with_deleted(), 8),
        ("only expired", list().only_expired(), 1),
        ("only deleted", list().only_deleted(), 1),
        ("both only", list().only_deleted().only_expired(), 1),
        (
            "only deleted, with expired",
            list().only_deleted().with_expired(),
            2,
        ),
        ("label", list().label("even"), 4),
        (
            "label, all",
            list().label("even").with_expired().with_deleted(),
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
            list().expires_before(at(130)).with_expired(),
            2,
        ),
        (
            "ends before, all",
            list().expires_before(at(130)).with_expired().with_deleted(),
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
        .with_expired()
        .with_deleted()
        .limit(1)
        .await
        .unwrap();
    let info = first.entries[0].as_ref().unwrap();
    assert_eq!((info.created_at, info.deleted_at), (at(0), Some(at(100))));
    vault.restore(info.id).await.unwrap();
    vault.delete(info.id).await.unwrap();
    assert_eq!(vault.get(&ids[0]).await.err(), Some(VaultError::NotFound));
}

async fn namespaces_are_separate(engine: Engine) {
    let bench = Bench::on(engine).await;
    let ada = bench.vault.namespace("ada").unwrap();
    let bob = bench.vault.namespace("bob").unwrap();
    let token = "the-very-same-token";
    ada.create("a").token(token).password(RIGHT).await.unwrap();
    bob.create("b").token(token).password(RIGHT).await.unwrap();
    assert_eq!(ada.rekey(RIGHT, "another password").await.unwrap(), 1);
    assert_eq!(
        bob.read(token).password(RIGHT).await.unwrap().expose(),
        b"b"
    );
    assert_eq!(
        ada.read(token)
            .password("another password")
            .await
            .unwrap()
            .expose(),
        b"a"
    );
    let nobody = bench.vault.namespace("nobody").unwrap();
    assert_eq!(
        nobody.read(token).password(RIGHT).await.err(),
        Some(VaultError::NotFound)
    );
    assert_eq!(nobody.list().count().await.unwrap(), 0);
    assert_eq!(
        bench.vault.namespace("").err(),
        Some(VaultError::InvalidNamespace)
    );
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

async fn an_unlocked_namespace_reads_and_writes_without_the_password(engine: Engine) {
    let bench = Bench::on(engine).await;
    let vault = &bench.vault;
    assert_eq!(
        vault.unlock(RIGHT).await.err(),
        Some(VaultError::InvalidPassword)
    );
    let id = vault.create("v").password(RIGHT).await.unwrap();
    let unlocked = vault.unlock(RIGHT).await.unwrap();
    unlocked.update(&id, "w").await.unwrap();
    let more = unlocked.create_many(["x", "y"]).await.unwrap();
    let more: Vec<_> = more.into_iter().map(Result::unwrap).collect();
    let read = unlocked.read_many([&id, &more[1]]).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().expose(), b"w");
    assert_eq!(read[1].as_ref().unwrap().expose(), b"y");
    assert_eq!(
        vault.read(&more[0]).password(RIGHT).await.unwrap().expose(),
        b"x"
    );
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
            .read_version(id, 3)
            .password(RIGHT)
            .await
            .unwrap()
            .expose(),
        b"v3"
    );
    assert_eq!(
        vault.read_version(id, 2).password(RIGHT).await.err(),
        Some(VaultError::NoSuchVersion)
    );
    assert_eq!(
        vault.read_version(id, 7).password(RIGHT).await.err(),
        Some(VaultError::NoSuchVersion)
    );
    assert_eq!(
        vault.read_version(id, 3).password(WRONG).await.err(),
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
            .read_version(id, 5)
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

async fn the_ring_is_rotated_and_everything_still_opens(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.vault.create("v").password(RIGHT).await.unwrap();
    let ada = bench.vault.namespace("ada").unwrap();
    let hers = ada.create("hers").await.unwrap();

    let (old, new) = (bench.old.clone(), Key::generate());
    let both = KeyRing::new(new.clone()).with_retired(old).unwrap();
    bench.keys.replace(&both).unwrap();
    let mut told = 0;
    let done = bench.vault.rewrap().progress(|n| told = n).await.unwrap();
    assert_eq!((done.resealed, done.unchanged, told), (3, 0, 3));
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
