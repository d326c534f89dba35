//! The vault: no value, password or token is left behind, nor any key derived from its keysets.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use sealtoken::store::{MemoryStore, Record};
use sealtoken::vault::Vault;
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::freed::{alone, record};
use sealtoken_process_tests::schedule;
use tokio::runtime::{Builder, Runtime};

use super::keysets::{
    key, keysets, mac, nothing_of_the_keys, nothing_of_what_was_begun, of_body, records,
};
use super::secrets::{NESTED, OTHER, PLAIN, ROOT, TEXTS};

/// A password in its normal form, which is hashed, and as it is typed.
const PASSWORD: &str = "Vr9Kd2Lm5Xp8\u{e4}Qs1Tz4Wb7";
const TYPED: &str = "Vr9Kd2Lm5Xp8a\u{308}Qs1Tz4Wb7";

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn ring() -> KeyRing {
    KeyRing::new(Key::from_bytes(ROOT))
}

#[test]
fn values_without_a_password_leave_no_plaintext_and_no_key() {
    let alone = alone();
    let (runtime, store) = (runtime(), MemoryStore::new());
    let old = Key::generate();
    let before = KeyRing::new(old.clone()).with_standby(Key::from_bytes(ROOT));
    let before = before.expect("two ids");
    let (token, freed) = record(&alone, || {
        runtime.block_on(async {
            let vault = Vault::options().keep_versions(2);
            let vault = vault.open(store.clone(), &before).await.expect("it opens");
            let ada = vault.namespace("ada").expect("a name");
            let token = ada.create(PLAIN).label("work").await.expect("created");
            ada.update(&token, OTHER.to_owned()).await.expect("updated");
            ada.update(&token, NESTED.as_bytes())
                .await
                .expect("updated");
            assert_eq!(
                ada.read(&token).await.expect("there").expose(),
                NESTED.as_bytes()
            );
            let earlier = ada.read(&token).version(1).await.expect("kept");
            assert_eq!(earlier.expose(), PLAIN.as_bytes());
            let own = "own-token-Za7Xs4Dc1Vf8Bg5Nh2Mj9";
            ada.create(OTHER).token(own).await.expect("created");
            ada.read_many([own, token.expose()]).await.expect("there");
            ada.get(&token).await.expect("there");
            ada.delete(&token).await.expect("there");
            vault
                .namespace("nobody")
                .expect("a name")
                .read(own)
                .await
                .expect_err("not there");
            drop(
                ada.create(PLAIN)
                    .token("short")
                    .await
                    .expect_err("too short"),
            );
            // The keysets were sealed by the previous key of the ring.
            let after = ring().with_retired(old.clone()).expect("two ids");
            let again = Vault::open(store.clone(), &after).await.expect("it opens");
            again.rewrap().await.expect("all are resealed");
            drop(
                again
                    .namespace("ada")
                    .expect("a name")
                    .read(own)
                    .await
                    .expect("there"),
            );
            token
        })
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("token", &token.expose().as_bytes()[3..])]);
    nothing_of_the_keys(&freed, &keysets(&runtime, &store, "vault_keysets"));
}

#[test]
fn a_vault_that_is_dropped_leaves_no_key() {
    let alone = alone();
    let (runtime, store) = (runtime(), MemoryStore::new());
    let vault = runtime.block_on(async {
        let vault = Vault::open(store.clone(), &ring()).await.expect("it opens");
        let ada = vault.namespace("ada").expect("a name");
        ada.create(PLAIN).await.expect("created");
        vault
    });
    let keysets = keysets(&runtime, &store, "vault_keysets");
    assert_eq!(keysets.len(), 2);
    let ((), freed) = record(&alone, || drop(vault));
    nothing_of_the_keys(&freed, &keysets);
    nothing_of_what_was_begun(&freed, &keysets);
}

/// The Argon2id hash of a password, and one block of its memory as a sample.
fn hashed(password: &str, salt: &[u8]) -> ([u8; 64], Vec<u8>) {
    let params = Params::new(19 * 1024, 2, 1, Some(64)).expect("good");
    let mut blocks = vec![Block::new(); params.block_count()];
    let mut hash = [0; 64];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, &mut blocks)
        .expect("good");
    let words = blocks[12_345].as_ref().iter();
    (hash, words.flat_map(|word| word.to_ne_bytes()).collect())
}

/// Everything derived from a password in the namespace of this keyset, including the data keys in
/// its entry.
fn of_password(
    password: &str,
    keyset: &[u8; 32],
    entries: &[Record],
) -> Vec<(&'static str, Vec<u8>)> {
    let key = |name| key(keyset, name);
    let (hash, block) = hashed(password, &key("password salt")[..16]);
    let id = mac(&key("password id"), &[&hash[..32]]);
    let opens = mac(&key("password entry"), &[&hash[32..]]);
    let mut secrets = vec![
        ("password", password.as_bytes().to_vec()),
        ("hash of the password", hash.to_vec()),
        ("memory of Argon2id", block),
        ("key of the entry", schedule::expand(&opens).to_vec()),
    ];
    let entry = entries.iter().find(|entry| entry.key.id == id);
    for data_key in entry.iter().flat_map(|entry| {
        let plaintext = of_body(&opens, &entry.body);
        let keys = plaintext[1..]
            .chunks_exact(48)
            .map(|each| each[16..].to_vec());
        keys.collect::<Vec<_>>()
    }) {
        let data_key = data_key.try_into().expect("32 bytes");
        secrets.push(("data key", schedule::expand(&data_key).to_vec()));
    }
    secrets
}

#[test]
fn passwords_leave_nothing_of_themselves_or_of_the_keys_behind_them() {
    const NEXT: &str = "Hx4Nq7Jc2Rf9Gv3Yt6Bd";

    let alone = alone();
    let (runtime, store, keys) = (runtime(), MemoryStore::new(), ring());
    let vault = runtime
        .block_on(Vault::open(store.clone(), &keys))
        .expect("it opens");
    let (token, freed) = record(&alone, || {
        runtime.block_on(async {
            let token = vault.create(PLAIN).password(TYPED).await.expect("created");
            let unlocked = vault
                .unlock(PASSWORD.to_owned())
                .await
                .expect("the right one");
            assert_eq!(
                unlocked.read(&token).await.expect("there").expose(),
                PLAIN.as_bytes()
            );
            unlocked.update(&token, OTHER).await.expect("updated");
            drop(unlocked);
            assert_eq!(vault.rekey(PASSWORD, NEXT).await, Ok(1));
            vault
                .read(&token)
                .password("")
                .await
                .expect_err("no password");
            token
        })
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("token", &token.expose().as_bytes()[3..])]);
    // Only the default namespace has a password.
    let (keysets, entries) = (
        keysets(&runtime, &store, "vault_keysets"),
        records(&runtime, &store, "vault_passwords"),
    );
    assert_eq!((keysets.len(), entries.len()), (2, 1));
    let found = keysets
        .iter()
        .flat_map(|keyset| of_password(NEXT, keyset, &entries));
    let found: Vec<_> = found.collect();
    assert!(found.iter().any(|(name, _)| *name == "data key"));
    freed.holds_nothing_of(&found);
    for keyset in &keysets {
        freed.holds_nothing_of(&of_password(PASSWORD, keyset, &entries));
    }
    freed.holds_nothing_of(&[("password as it was typed", TYPED)]);
    nothing_of_the_keys(&freed, &keysets);
}
