//! Creating, reading and replacing values.

use sealtoken::vault::VaultError;
use sealtoken::{Lifetime, PublicError, UnixTime};

use super::{Bench, NOW, RIGHT, WRONG};
use crate::engine::Engine;

crate::engine::on_every_engine! {
    a_value_is_read_with_its_password_and_no_other,
    a_value_without_a_password_is_under_the_keyset_alone,
    a_password_that_is_right_for_one_value_is_wrong_for_another,
    lengths_of_tokens_have_bounds_and_a_weak_one_must_be_asked_for,
    a_custom_token_is_taken_once_also_after_a_soft_deletion,
    many_are_read_for_one_password_and_a_missing_one_fails_nobody,
    an_update_takes_the_current_password_and_keeps_the_expiry,
    an_upsert_creates_a_missing_value_and_updates_an_existing_one,
    namespaces_are_separate,
    an_unlocked_namespace_reads_and_writes_without_the_password,
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
