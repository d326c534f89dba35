//! Foreign and broken records: neither gets in the way of an operation.

use std::time::Duration;

use sealtoken::store::{Change, Collection, Record, RecordKey, Store as _};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime, PublicError, ServiceError};

use super::hostile::HostileStore;
use super::{Bench, RIGHT};
use crate::engine::Engine;
use crate::faulty::records;

crate::engine::on_every_engine! {
    a_value_of_one_namespace_is_nothing_to_another,
    a_keyset_that_is_gone_is_no_new_vault_and_comes_back_with_its_record,
}

/// Every operation on `id` in this vault finds nothing.
async fn is_nothing(vault: &Vault, id: sealtoken::vault::ValueId) {
    let hour = Lifetime::hours(1);
    assert_eq!(vault.exists(id).await, Ok(false));
    assert_eq!(vault.get(id).await, Err(VaultError::NotFound));
    let renewed = vault
        .renew(id)
        .expires(hour)
        .even_expired()
        .even_deleted()
        .await;
    assert_eq!(renewed, Err(VaultError::NotFound));
    assert_eq!(vault.soft_delete(id).await, Err(VaultError::NotFound));
    assert_eq!(vault.restore(id).await, Err(VaultError::NotFound));
    assert_eq!(vault.versions(id).await, Err(VaultError::NotFound));
    assert_eq!(vault.prune_versions(id, 0).await, Err(VaultError::NotFound));
    assert_eq!(vault.delete(id).await, Err(VaultError::NotFound));
}

async fn a_value_of_one_namespace_is_nothing_to_another(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(2)).await;
    let ada = bench.vault.namespace("ada").unwrap();
    let bob = bench.vault.namespace("bob").unwrap();
    let nobody = bench.vault.namespace("nobody").unwrap();
    bob.create("his").await.unwrap();
    let token = ada.create("v").expires(Lifetime::hours(1)).await.unwrap();
    ada.update(&token, "w").await.unwrap();
    let id = ada.get(&token).await.unwrap().id;
    for other in [&bob, &nobody] {
        is_nothing(other, id).await;
    }
    assert_eq!(ada.read(&token).await.unwrap().expose(), b"w");
    ada.soft_delete(id).await.unwrap();
    bench.clock.advance(7200);
    for other in [&bob, &nobody] {
        is_nothing(other, id).await;
    }
    assert_eq!(ada.get(&token).await.unwrap().id, id);
    ada.delete(id).await.unwrap();
    assert_eq!(ada.get(&token).await, Err(VaultError::NotFound));
}

#[tokio::test]
async fn a_broken_value_of_one_namespace_is_nothing_to_another_either() {
    let (store, bench) = hostile(Vault::options()).await;
    let ada = bench.vault.namespace("ada").unwrap();
    let bob = bench.vault.namespace("bob").unwrap();
    bob.create("his").await.unwrap();
    let token = ada.create("v").await.unwrap();
    let id = ada.get(&token).await.unwrap().id;
    let key = value_key(id);
    let mut record = store.get(&key).await.unwrap().unwrap();
    record.body[40] ^= 1;
    store.put(&record).await;
    is_nothing(&bob, id).await;
    assert_eq!(
        ada.get(id).await,
        Err(VaultError::Service(ServiceError::Tampered))
    );
    assert_eq!(ada.delete(id).await, Ok(()));
    assert_eq!(ada.get(id).await, Err(VaultError::NotFound));
}

pub(super) async fn hostile(
    options: sealtoken::vault::VaultOptions,
) -> (std::sync::Arc<HostileStore>, Bench) {
    let store = HostileStore::new();
    let bench = Bench::over(store.clone(), options).await;
    (store, bench)
}

fn value_key(id: sealtoken::vault::ValueId) -> RecordKey {
    let id = id.to_string();
    let bytes = (0..32).map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap());
    let values = sealtoken::store::Collection::new("vault_values").unwrap();
    RecordKey::new(values, bytes.collect::<Vec<u8>>())
}

#[tokio::test]
async fn a_row_that_an_engine_cannot_read_is_removed_by_token_and_by_id() {
    let (store, bench) = hostile(Vault::options()).await;
    let vault = &bench.vault;
    for by_id in [false, true] {
        let token = vault.create("v").await.unwrap();
        let id = vault.get(&token).await.unwrap().id;
        store.make_unreadable(&value_key(id));
        assert_eq!(
            vault.read(&token).await.err(),
            Some(VaultError::Service(ServiceError::Tampered))
        );
        assert_eq!(
            vault.soft_delete(id).await,
            Err(VaultError::Service(ServiceError::Tampered))
        );
        let removed = if by_id {
            vault.delete(id).await
        } else {
            vault.delete(&token).await
        };
        assert_eq!(removed, Ok(()));
        assert_eq!(vault.read(&token).await.err(), Some(VaultError::NotFound));
        assert!(store.all("vault_values").await.is_empty());
    }
}

#[tokio::test]
async fn a_broken_row_is_a_result_of_its_own_and_stops_no_other() {
    let (store, bench) = hostile(Vault::options()).await;
    let vault = &bench.vault;
    let hour = Lifetime::hours(1);
    let mut tokens = Vec::new();
    for _ in 0..6 {
        let token = vault.create("v").password(RIGHT).expires(hour).await;
        tokens.push(token.unwrap());
    }
    // One is unreadable, one has another body, one lacks its labels.
    let keys = store.all("vault_values").await;
    let mut broken = Vec::new();
    for (n, token) in tokens.iter().take(3).enumerate() {
        let key = value_key(vault.get(token).await.unwrap().id);
        let mut record = keys.iter().find(|r| r.key == key).unwrap().clone();
        match n {
            0 => store.make_unreadable(&key),
            1 => record.body = b"?".to_vec(),
            _ => record.labels.truncate(1),
        }
        if n > 0 {
            store.put(&record).await;
        }
        broken.push(key);
    }
    let read = vault.read_many(&tokens).password(RIGHT).await.unwrap();
    let tampered =
        |one: &Result<_, _>| matches!(one, Err(VaultError::Service(ServiceError::Tampered)));
    assert!(read[..3].iter().all(tampered));
    assert!(read[3..].iter().all(Result::is_ok));

    let page = vault.list().await.unwrap();
    assert_eq!(page.entries.iter().flatten().count(), 3);

    // Expired values are soft-deleted around them.
    bench.clock.advance(7200);
    let tally = vault.soft_delete_expired().await.unwrap();
    assert_eq!(tally.count, 3);
    let purged = vault.purge_deleted(Duration::ZERO).await.unwrap();
    assert_eq!(purged.count, 3);
    for token in &tokens[..3] {
        assert_eq!(vault.delete(token).await, Ok(()));
    }
    assert!(store.all("vault_values").await.is_empty());
}

#[tokio::test]
async fn keysets_with_odd_ids_and_broken_ones_keep_no_other_from_being_sealed_again() {
    let (store, bench) = hostile(Vault::options()).await;
    let mut tokens = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let vault = bench.vault.namespace(name).unwrap();
        tokens.push((name, vault.create("v").await.unwrap()));
    }
    let keysets = store.all("vault_keysets").await;
    let copied = keysets.iter().find(|r| r.key.id.len() == 32).unwrap();
    for id in [&b"x"[..], &[0xff; 33], &[0; 1024]] {
        let key = RecordKey::new(copied.key.collection.clone(), id);
        store
            .put(&Record {
                key,
                ..copied.clone()
            })
            .await;
    }
    store.make_unreadable(&copied.key);
    let ring = KeyRing::new(Key::generate());
    let both = ring.with_retired(bench.old.clone()).unwrap();
    bench.keys.replace(&both).unwrap();
    let done = bench.vault.rewrap().await.unwrap();
    assert_eq!((done.resealed, done.unchanged, done.failed), (3, 0, 4));
    let again = bench.vault.rewrap().await.unwrap();
    assert_eq!((again.resealed, again.is_done()), (0, false));
    // Only operations that meet the broken record report it.
    let fresh = bench.again(Vault::options()).await.unwrap();
    let mut readable = 0;
    for (name, token) in &tokens {
        match fresh.namespace(name).unwrap().read(token).await {
            Ok(_) => readable += 1,
            Err(error) => assert_eq!(error, VaultError::Service(ServiceError::Tampered)),
        }
    }
    assert_eq!(readable, 2);
}

#[tokio::test]
async fn an_earlier_value_that_nobody_owns_and_nothing_opens_gives_way() {
    let (store, bench) = hostile(Vault::options().keep_versions(3)).await;
    let vault = &bench.vault;
    let token = "a-token-of-my-own-001";
    vault.create("one").token(token).await.unwrap();
    vault.update(token, "two").await.unwrap();
    let earlier = store.all("vault_versions").await.remove(0);
    let key = value_key(vault.get(token).await.unwrap().id);
    // The value's row is broken and removed. Its earlier value stays, and is broken, too.
    store.make_unreadable(&key);
    store.make_unreadable(&earlier.key);
    vault.delete(token).await.unwrap();
    vault.create("uno").token(token).await.unwrap();
    assert_eq!(vault.update(token, "due").await, Ok(()));
    let earlier = vault.read(token).version(1).await.unwrap();
    assert_eq!(earlier.expose(), b"uno");
    assert_eq!(vault.read(token).await.unwrap().expose(), b"due");
}

#[tokio::test]
async fn an_index_that_leads_astray_removes_nothing_that_lives() {
    let (store, bench) = hostile(Vault::options()).await;
    let vault = &bench.vault;
    let lives = vault.create("v").await.unwrap();
    let later = vault.create("v").expires(Lifetime::hours(9)).await;
    let later = later.unwrap();
    let hidden = vault.create("v").await.unwrap();
    bench.clock.advance(3600);
    vault.soft_delete(&hidden).await.unwrap();
    store.lead_astray();
    for tally in [
        vault.soft_delete_expired().await.unwrap(),
        vault.purge_expired().await.unwrap(),
    ] {
        assert_eq!((tally.count, tally.tampered), (0, 0));
    }
    let purged = vault.purge_deleted(Duration::from_secs(60)).await.unwrap();
    assert_eq!(purged.count, 0);
    for token in [&lives, &later] {
        assert_eq!(vault.read(token).await.unwrap().expose(), b"v");
    }
    assert_eq!(vault.restore(&hidden).await, Ok(()));
    assert_eq!(vault.read(&hidden).await.unwrap().expose(), b"v");
}

/// The vault's own keyset, and that of a namespace: a new one in its place would open no value.
async fn a_keyset_that_is_gone_is_no_new_vault_and_comes_back_with_its_record(engine: Engine) {
    let bench = Bench::on(engine).await;
    let other = bench.vault.namespace("other").unwrap();
    let token = other.create("value").await.unwrap();
    let collection = Collection::new("vault_keysets").unwrap();
    for record in records(&*bench.store, "vault_keysets").await {
        let (key, expected) = (record.key.clone(), None);
        let remove = Change::Remove { key, expected };
        let _ = bench.store.write(&[remove]).await.unwrap();
        let opened = bench.again(Vault::options()).await;
        let (gone, named) = if record.key.id == b"vault" {
            (opened.err(), "\"vault\"".to_owned())
        } else {
            // Its namespace is not created again, and others still are.
            let opened = opened.unwrap();
            opened.namespace("new").unwrap().create("v").await.unwrap();
            let created = opened.namespace("other").unwrap().create("v").await;
            (created.err(), hex::encode(&record.key.id))
        };
        assert_eq!(
            gone,
            Some(VaultError::Service(ServiceError::KeysetMissing(
                record.key.clone()
            )))
        );
        let gone = gone.unwrap();
        assert_eq!(
            (gone.code(), gone.public()),
            ("keyset_missing", PublicError::Unavailable)
        );
        let message = gone.to_string();
        let what =
            format!("restore the record {named} of the collection {collection} from a backup");
        assert!(message.contains(&what), "{message}");
        assert_eq!(bench.store.get(&record.key).await.unwrap(), None);

        let _ = bench.store.write(&[Change::Insert(record)]).await.unwrap();
        let opened = bench.again(Vault::options()).await.unwrap();
        let read = opened.namespace("other").unwrap().read(&token).await;
        assert_eq!(read.unwrap().expose(), b"value");
    }
}

#[tokio::test]
async fn a_row_that_names_another_namespace_in_one_label_is_still_its_own() {
    let (store, bench) = hostile(Vault::options()).await;
    let vault = &bench.vault;
    let create = vault.create("v").expires(Lifetime::hours(1));
    let id = vault.get(&create.await.unwrap()).await.unwrap().id;
    let mut record = store.get(&value_key(id)).await.unwrap().unwrap();
    let mut expires = record.labels.iter_mut();
    let expires = expires.find(|label| label.name.as_str() == "expires");
    expires.unwrap().value[0] ^= 1;
    store.put(&record).await;
    assert_eq!(
        vault.get(id).await,
        Err(VaultError::Service(ServiceError::Tampered))
    );
    assert_eq!(vault.delete(id).await, Ok(()));
}

/// A limit of the design: a database that is put back to an earlier state, row by row.
#[tokio::test]
async fn rows_that_were_put_back_show_no_earlier_value_that_was_pruned_or_is_another_passwords() {
    let (store, bench) = hostile(Vault::options().keep_versions(3)).await;
    let vault = &bench.vault;
    let token = vault.create("one").password(RIGHT).await.unwrap();
    vault.update(&token, "two").password(RIGHT).await.unwrap();
    let entry = store.all("vault_passwords").await.remove(0);
    let earlier = store.all("vault_versions").await.remove(0);
    let new = "a new password";
    vault.rekey(RIGHT, new).await.unwrap();
    vault.update(&token, "three").password(new).await.unwrap();
    // The old password has its entry again, with the key of both earlier values, but not of the
    // current one.
    store.put(&entry).await;
    for number in [1, 2] {
        let read = vault.read(&token).version(number).password(RIGHT).await;
        assert_eq!(read.err(), Some(VaultError::InvalidPassword), "{number}");
    }
    vault.prune_versions(&token, 0).await.unwrap();
    store.put(&earlier).await;
    let read = vault.read(&token).version(1).password(new).await;
    assert_eq!(read.err(), Some(VaultError::NoSuchVersion));
}
