//! An attacker who writes to the database.

use sealtoken::store::{Collection, Label, LabelName, Query, Record, Store, Version};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Lifetime, ServiceError, State, UnixTime};

use super::{Bench, NOW, RIGHT, at_once};
use crate::attacker::{put, remove};
use crate::engine::Engine;

crate::engine::on_every_engine! {
    whatever_an_attacker_changes_is_never_read_as_something_else,
    a_purge_that_is_led_astray_touches_no_live_value,
    a_row_that_was_changed_can_be_deleted_and_its_token_used_again,
}

const COLLECTIONS: [&str; 4] = [
    "vault_keysets",
    "vault_passwords",
    "vault_values",
    "vault_versions",
];

pub(super) async fn records(store: &dyn Store) -> Vec<Record> {
    let mut all = Vec::new();
    for name in COLLECTIONS {
        let query = Query::all(Collection::new(name).unwrap()).limit(1000);
        all.extend(store.scan(&query).await.unwrap().records);
    }
    all
}

pub(super) fn is_keyset(record: &Record) -> bool {
    record.key.collection.as_str() == "vault_keysets"
}

/// How an attacker changes a record, given all the others.
fn changed(record: &Record, all: &[Record]) -> Vec<(String, Record)> {
    let mut changes = Vec::new();
    let mut change = |what: String, edit: &dyn Fn(&mut Record)| {
        let mut edited = record.clone();
        edit(&mut edited);
        if edited != *record {
            changes.push((what, edited));
        }
    };
    for at in (0..record.body.len())
        .step_by(7)
        .chain([record.body.len() - 1])
    {
        change(format!("bit of byte {at}"), &|r| {
            r.body[at] ^= 1 << (at % 8)
        });
    }
    for length in [0, 1, 29, record.body.len() / 2, record.body.len() - 1] {
        change(format!("cut to {length}"), &|r| r.body.truncate(length));
    }
    change("a byte more".into(), &|r| r.body.push(0));
    change("another version".into(), &|r| {
        r.version = Version::from_bytes([7; 16])
    });
    change("to be purged".into(), &|r| {
        r.purge_at = Some(UnixTime::from_secs(1))
    });
    for at in 0..record.labels.len() {
        change(format!("label {at} gone"), &|r| {
            r.labels.remove(at);
        });
        change(format!("label {at} changed"), &|r| {
            let last = r.labels[at].value.len() - 1;
            r.labels[at].value[last] ^= 1;
        });
    }
    change("one more label".into(), &|r| {
        r.labels
            .push(Label::new(LabelName::new("deleted").unwrap(), [1]));
    });
    for (at, other) in all
        .iter()
        .enumerate()
        .filter(|(_, other)| other.key != record.key)
    {
        change(format!("the body of record {at}"), &|r| {
            r.body.clone_from(&other.body)
        });
        change(format!("record {at} under this id"), &|r| {
            *r = Record {
                key: r.key.clone(),
                ..other.clone()
            };
        });
        change(format!("the labels of record {at}"), &|r| {
            r.labels.clone_from(&other.labels)
        });
        change(format!("the version of record {at}"), &|r| {
            r.version = other.version
        });
    }
    changes
}

async fn whatever_an_attacker_changes_is_never_read_as_something_else(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(2)).await;
    let ada = bench.vault.namespace("ada").unwrap();
    let end = Lifetime::hours(1);
    let mut tokens = Vec::new();
    for (vault, value, password) in [
        (&bench.vault, "one", Some(RIGHT)),
        (&bench.vault, "two", Some(RIGHT)),
        (&bench.vault, "open", None),
        (&ada, "hers", Some(RIGHT)),
    ] {
        let mut create = vault.create(value).expires(end).label("l");
        if let Some(password) = password {
            create = create.password(password);
        }
        let id = create.await.unwrap();
        tokens.push((vault.namespace_name().to_owned(), id, value, password));
    }
    bench
        .vault
        .update(&tokens[0].1, "uno")
        .password(RIGHT)
        .await
        .unwrap();
    tokens[0].2 = "uno";

    let all = records(&*bench.store).await;
    assert!(all.len() >= 9, "{}", all.len());
    let (mut looked, mut tampered) = (0, 0);
    for record in &all {
        for (what, edited) in changed(record, &all) {
            put(&*bench.store, &edited).await;
            let fresh = bench.again(Vault::options().keep_versions(2)).await;
            for (namespace, id, value, password) in &tokens {
                let Ok(vault) = &fresh else { continue };
                let vault = vault.namespace(namespace).unwrap();
                // A hash only where the entry of the password was changed.
                let with = password.filter(|_| record.key.collection.as_str() == "vault_passwords");
                let read = match with {
                    Some(password) => vault.read(id).password(password).await,
                    None => vault.read(id).await,
                };
                match read {
                    Ok(read) => assert_eq!(read.expose(), value.as_bytes(), "{what}"),
                    Err(VaultError::Service(ServiceError::Tampered)) => tampered += 1,
                    // The id of the key that sealed a keyset is in clear: another id names a key
                    // that the ring lacks.
                    Err(VaultError::Service(ServiceError::UnknownKey(_))) => {
                        assert!(is_keyset(record) && what.contains("label"), "{what}");
                    }
                    // Without its password, an unchanged value is refused as before.
                    Err(VaultError::InvalidPassword) => {
                        assert!(with.is_none() && password.is_some(), "{what} of {record:?}");
                    }
                    Err(error) => panic!("{what} of {record:?}: {error:?}"),
                }
                looked += 1;
            }
            match fresh.err() {
                Some(VaultError::Service(ServiceError::Tampered)) => tampered += 1,
                Some(VaultError::Service(ServiceError::UnknownKey(_))) => {
                    assert!(is_keyset(record), "{what}")
                }
                None => {}
                Some(error) => panic!("{what} of {record:?}: {error:?}"),
            }
            put(&*bench.store, record).await;
        }
    }
    assert!(looked > 1000 && tampered > 200, "{looked} {tampered}");

    // A removed row looks as if it never existed; nothing else is read in its place.
    for record in &all {
        remove(&*bench.store, record).await;
        if let Ok(vault) = bench.again(Vault::options()).await {
            for (namespace, id, value, _) in &tokens {
                let vault = vault.namespace(namespace).unwrap();
                if let Ok(read) = vault.read(id).await {
                    assert_eq!(read.expose(), value.as_bytes());
                }
            }
        }
        remove(&*bench.store, record).await;
        for again in records(&*bench.store).await {
            if !all.contains(&again) {
                remove(&*bench.store, &again).await;
            }
        }
        put(&*bench.store, record).await;
    }
    for (namespace, id, value, password) in &tokens {
        let vault = bench.vault.namespace(namespace).unwrap();
        let read = match password {
            Some(password) => vault.read(id).password(*password).await,
            None => vault.read(id).await,
        };
        assert_eq!(read.unwrap().expose(), value.as_bytes());
    }
}

async fn a_purge_that_is_led_astray_touches_no_live_value(engine: Engine) {
    let bench = Bench::with(engine, at_once()).await;
    let vault = &bench.vault;
    let lives = vault
        .create("lives")
        .expires(Lifetime::hours(1))
        .await
        .unwrap();
    let over = vault
        .create("over")
        .expires(Lifetime::seconds(1))
        .await
        .unwrap();
    bench.clock.advance(1);
    let all = records(&*bench.store).await;
    let values: Vec<&Record> = all
        .iter()
        .filter(|r| r.key.collection.as_str() == "vault_values")
        .collect();
    let hex = |record: &Record| {
        let digits = record.key.id.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>()
    };
    let over_id = vault.get(&over).await.unwrap().id.to_string();
    let (ended, other): (Vec<&Record>, Vec<&Record>) =
        values.iter().partition(|r| hex(r) == over_id);
    // The live value gets the labels of the expired one, so the index leads to it.
    let mut edited = other[0].clone();
    edited.labels.clone_from(&ended[0].labels);
    put(&*bench.store, &edited).await;
    let tally = vault.purge_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (1, 1));
    assert_eq!(
        vault.read(&lives).await.err(),
        Some(VaultError::Service(ServiceError::Tampered))
    );
    put(&*bench.store, other[0]).await;
    assert_eq!(vault.read(&lives).await.unwrap().expose(), b"lives");
    // A list names the changed records, and shows all others.
    put(&*bench.store, &edited).await;
    vault
        .create("another")
        .expires(UnixTime::from_secs(NOW + 50))
        .await
        .unwrap();
    let page = vault.list().with(State::Expired).await.unwrap();
    assert_eq!(
        page.entries.iter().filter(|entry| entry.is_err()).count(),
        1
    );
    assert_eq!(page.entries.len(), 2);
}

async fn a_row_that_was_changed_can_be_deleted_and_its_token_used_again(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(3)).await;
    let vault = &bench.vault;
    let token = "a-token-of-my-own-001";
    vault.create("one").token(token).await.unwrap();
    vault.update(token, "two").await.unwrap();
    vault.update(token, "three").await.unwrap();
    let all = records(&*bench.store).await;
    let row = all
        .iter()
        .find(|r| r.key.collection.as_str() == "vault_values")
        .unwrap();
    let mut edited = row.clone();
    edited.body[40] ^= 1;
    put(&*bench.store, &edited).await;
    assert_eq!(
        vault.read(token).await.err(),
        Some(VaultError::Service(ServiceError::Tampered))
    );
    vault.delete(token).await.unwrap();

    // The earlier values of the first life still exist, and do no harm.
    vault.create("uno").token(token).await.unwrap();
    for value in ["due", "tre", "quattro", "cinque"] {
        vault.update(token, value).await.unwrap();
    }
    let mut seen = Vec::new();
    for version in vault.versions(token).await.unwrap() {
        let value = vault.read(token).version(version.number).await.unwrap();
        seen.push(value.expose_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["cinque", "quattro", "tre", "due"]);
}
