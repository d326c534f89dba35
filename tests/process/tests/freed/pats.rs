//! Personal access tokens: issuing, rotating and verifying leave no secret behind.

use std::time::Duration;

use sealtoken::pat::{PersonalAccessTokens, SecretHash};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::freed::{alone, record};
use tokio::runtime::Builder;

use super::keysets::{keysets, nothing_of_the_keys, nothing_of_what_was_begun};
use super::secrets::ROOT;

/// A token imported from another system, and its secret.
const THEIRS: &str = "pat_2JAkraRtrH4sRVE1aOcjG.Dlm72oBWIr6RnrMoe92uQg==";
const SECRET: [u8; 16] = [
    0x0e, 0x59, 0xbb, 0xda, 0x80, 0x56, 0x22, 0xbe, 0x91, 0x9e, 0xb3, 0x28, 0x7b, 0xdd, 0xae, 0x42,
];
const HASH: &str = "$scrypt$ln=10,r=8,p=1$g4YGYr7uaYTUXddjaTkXPg$bWvmkRKgB5Fa7UIlO/tYyw";

#[test]
fn no_secret_of_a_token_is_left_behind() {
    let alone = alone();
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let (store, keys) = (MemoryStore::new(), KeyRing::new(Key::from_bytes(ROOT)));
    let id = THEIRS[4..25].parse().expect("an id");
    let (kept, freed) = record(&alone, || {
        runtime.block_on(async {
            let options = PersonalAccessTokens::options().upgrade_hashes(true);
            let options = options.cache(10, Duration::from_secs(60));
            let pats = options.open(store.clone(), &keys).await;
            let pats = pats.expect("it opens");
            let issued = pats.issue("ada").await.expect("it issues");
            let rotated = pats
                .rotate(issued.record.id)
                .overlap(Duration::from_secs(60))
                .await;
            let rotated = rotated.expect("it rotates");
            let generated = pats.generate().expect("randomness");
            for token in [
                &issued.token,
                &rotated.token,
                &generated.token,
                &issued.token,
            ] {
                let _ = pats.verify(token.expose()).await;
                let _ = pats.verify(&token.expose()[..60]).await;
            }
            let hash: SecretHash = HASH.parse().expect("a hash");
            pats.register(id, hash, "ada").await.expect("it registers");
            for _ in 0..2 {
                pats.verify(THEIRS).await.expect("the right one");
            }
            drop((issued.token.clone(), rotated.clone(), generated.clone()));
            // Kept, so that the test can search for them.
            [issued.token, rotated.token, generated.token]
        })
    });
    for token in &kept {
        freed.holds_nothing_of(&[("secret of ours", &token.expose().as_bytes()[26..69])]);
    }
    freed.holds_nothing_of(&[("secret of theirs", &SECRET[..])]);
    freed.holds_nothing_of(&[("text of theirs", &THEIRS.as_bytes()[26..])]);
    nothing_of_the_keys(&freed, &keysets(&runtime, &store, "pat_keysets"));
}

#[test]
fn a_service_that_is_dropped_leaves_no_key() {
    let alone = alone();
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let (store, keys) = (MemoryStore::new(), KeyRing::new(Key::from_bytes(ROOT)));
    let opened = PersonalAccessTokens::open(store.clone(), &keys);
    let pats = runtime.block_on(opened).expect("it opens");
    let keysets = keysets(&runtime, &store, "pat_keysets");
    assert_eq!(keysets.len(), 1);
    let ((), freed) = record(&alone, || drop((pats, keys)));
    nothing_of_the_keys(&freed, &keysets);
    nothing_of_what_was_begun(&freed, &keysets);
}

#[test]
fn the_search_finds_a_secret_that_was_left_behind() {
    let alone = alone();
    let (token, freed) = record(&alone, || {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let keys = KeyRing::new(Key::generate());
        let opened = PersonalAccessTokens::open(MemoryStore::new(), &keys);
        let pats = runtime.block_on(opened).expect("it opens");
        let token = pats.generate().expect("randomness").token;
        drop(token.expose().to_owned());
        drop(SECRET.to_vec());
        token
    });
    assert!(freed.pieces_of(&token.expose().as_bytes()[26..69]) > 0);
    assert!(freed.pieces_of(&SECRET) > 0);
}
