//! Recomputes the keys that derive from the keysets in a store, to search for them.

#[cfg(feature = "vault")]
use hkdf::Hkdf;
use sealtoken::store::{Collection, MemoryStore, Query, Record, Store as _};
use sealtoken_process_tests::freed::Freed;
use sealtoken_process_tests::schedule;
#[cfg(feature = "vault")]
use sha2::Sha256;
use sha2::block_api::compress256;
use tokio::runtime::Runtime;

use super::secrets::{self, ROOT, derive, encrypt, extract, message_key};

/// All records of a collection.
pub fn records(runtime: &Runtime, store: &MemoryStore, collection: &'static str) -> Vec<Record> {
    let collection = Collection::new(collection.to_owned()).expect("a name");
    let page = runtime.block_on(store.scan(&Query::all(collection)));
    page.expect("memory does not fail").records
}

/// The key of the ring that seals keysets.
fn internal() -> [u8; 32] {
    derive(&ROOT, "sealtoken v1 internal\0keyset")
}

/// The 32 bytes of each keyset, unsealed with the key of these tests.
pub fn keysets(runtime: &Runtime, store: &MemoryStore, collection: &'static str) -> Vec<[u8; 32]> {
    let open = |record: &Record| {
        let plaintext = of_body(&internal(), &record.body);
        plaintext[..32].try_into().expect("32 bytes")
    };
    records(runtime, store, collection)
        .iter()
        .map(open)
        .collect()
}

/// A key of a keyset.
pub fn key(keyset: &[u8; 32], name: &str) -> [u8; 32] {
    derive(keyset, &["sealtoken v1 keyset\0", name].concat())
}

/// The names of the derived keys that are stored or used to seal.
const NAMES: [&str; 9] = [
    "record",
    "id",
    "label",
    "order",
    "payload",
    "fingerprint",
    "password id",
    "password entry",
    "pat",
];

/// Asserts that nothing is left of the ring's key, the keysets and the keys derived from them.
pub fn nothing_of_the_keys(freed: &Freed, keysets: &[[u8; 32]]) {
    freed.holds_nothing_of(&secrets::of_key(&ROOT, "none"));
    freed.holds_nothing_of(&[("internal key", schedule::expand(&internal()))]);
    for keyset in keysets {
        freed.holds_nothing_of(&[("keyset", &keyset[..]), ("extract of it", &extract(keyset))]);
        let keys = NAMES.map(|name| (name, schedule::expand(&key(keyset, name))));
        freed.holds_nothing_of(&keys);
    }
}

/// Asserts that nothing is left of the HMAC states precomputed under keys. Only for recordings of a
/// drop: calls leave such states on the stack, and moves to the heap may copy stale stack bytes
/// along.
pub fn nothing_of_what_was_begun(freed: &Freed, keysets: &[[u8; 32]]) {
    for keyset in keysets {
        for pad in [0x36, 0x5c] {
            let begun = NAMES.map(|name| (name, begun(&key(keyset, name), pad)));
            freed.holds_nothing_of(&begun);
        }
    }
}

/// The state of SHA-256 after the first block of an HMAC under this key. The pad selects the inner
/// or outer hash.
fn begun(key: &[u8; 32], pad: u8) -> Vec<u8> {
    let mut block = [pad; 64];
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    compress256(&mut state, &[block]);
    state
        .iter()
        .flat_map(|word: &u32| word.to_ne_bytes())
        .collect()
}

/// HMAC-SHA256 over the parts, each prefixed with its length.
#[cfg(feature = "vault")]
pub fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut message = Vec::new();
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    // HKDF-Extract is an HMAC.
    Hkdf::<Sha256>::extract(Some(key), &message).0.into()
}

/// Decrypts a record's body under this key, without authenticating it.
pub fn of_body(key: &[u8; 32], body: &[u8]) -> Vec<u8> {
    let (nonce, rest) = body[1..].split_at(24);
    let length = u32::from_be_bytes(rest[..4].try_into().expect("four bytes"));
    let message_key = message_key(key, &nonce[..12]);
    let ciphertext = &rest[4..][..length as usize];
    let blocks = ciphertext.chunks(16).zip(2_u32..).map(|(block, counter)| {
        let mut stream = [0; 16];
        stream[..12].copy_from_slice(&nonce[12..]);
        stream[12..].copy_from_slice(&counter.to_be_bytes());
        let stream = encrypt(&message_key, u128::from_be_bytes(stream)).to_be_bytes();
        let bytes = block.iter().zip(stream).map(|(byte, stream)| byte ^ stream);
        bytes.collect::<Vec<u8>>()
    });
    blocks.flatten().collect()
}
