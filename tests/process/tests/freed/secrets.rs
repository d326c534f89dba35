//! The secrets to search for, and controls that prove that the search finds them.

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use hkdf::Hkdf;
use sealtoken_process_tests::freed::{alone, record};
use sealtoken_process_tests::schedule;
use sha2::Sha256;
use std::hint::black_box;
use std::mem::ManuallyDrop;
use zeroize::Zeroizing;

/// The key of these tests. Its bytes occur nowhere else.
pub const ROOT: [u8; 32] = [
    0x8c, 0x1f, 0x55, 0xa9, 0x03, 0xe7, 0x6d, 0xb2, 0x40, 0x9e, 0x71, 0xdc, 0x2a, 0xf6, 0x38, 0x95,
    0xc4, 0x0d, 0x7a, 0xe1, 0x5b, 0x96, 0x23, 0xbf, 0x68, 0x14, 0xfa, 0x4e, 0x87, 0xd3, 0x31, 0xac,
];

/// Cargo texts. They occur nowhere else, and no two share eight letters in a row.
pub const PLAIN: &str = "kJ8xQ2vLr7Zt5wPm9sYbN3cDfG6h";
pub const OTHER: &str = "Wq1zXe4Rc7Tv0Yb3Un6Im9Ok2Pl5";
pub const NESTED: &str = "hB5nJ8mK1lP4oI7uY0tR3eW6qA9s";
pub const NAME: &str = "nameZa7Xs4Dc1Vf8Bg5Nh2Mj9";

/// The three texts that most tests put into a cargo.
pub const TEXTS: [(&str, &[u8]); 3] = [
    ("plain", PLAIN.as_bytes()),
    ("other", OTHER.as_bytes()),
    ("nested", NESTED.as_bytes()),
];

/// A text of this length in which no eight letters repeat, nor occur elsewhere.
pub fn long(length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(state >> 59) as usize])
    };
    (0..length).map(letter).collect()
}

/// Everything derived from a root key for one purpose.
pub fn of_key(root: &[u8; 32], purpose: &str) -> Vec<(&'static str, Vec<u8>)> {
    let purpose_key = derive::<32>(root, &["sealtoken v1 purpose\0", purpose].concat());
    vec![
        ("root key", root.to_vec()),
        ("extract of the root key", extract(root)),
        ("extract of the purpose key", extract(&purpose_key)),
        (
            "purpose key, expanded",
            schedule::expand(&purpose_key).to_vec(),
        ),
        (
            "key of the nonces",
            derive::<16>(&purpose_key, "sealtoken v1 internal\0nonce").to_vec(),
        ),
        ("L of XAES", encrypt(&purpose_key, 0).to_be_bytes().to_vec()),
        ("K1 of XAES", k1(&purpose_key).to_be_bytes().to_vec()),
    ]
}

/// The key of one token, expanded.
pub fn of_token(root: &[u8; 32], purpose: &str, token: &str) -> Vec<u8> {
    let purpose_key = derive::<32>(root, &["sealtoken v1 purpose\0", purpose].concat());
    let bytes = decode(token.strip_prefix("st1_").expect("a token"));
    schedule::expand(&message_key(&purpose_key, &bytes[4..16])).to_vec()
}

/// The message key that XAES derives from the first half of a nonce.
pub fn message_key(key: &[u8; 32], nonce: &[u8]) -> [u8; 32] {
    let mut message_key = [0; 32];
    for (half, counter) in message_key.chunks_exact_mut(16).zip(1_u8..) {
        let mut block = [0; 16];
        block[..4].copy_from_slice(&[0, counter, b'X', 0]);
        block[4..].copy_from_slice(nonce);
        let block = u128::from_be_bytes(block) ^ k1(key);
        half.copy_from_slice(&encrypt(key, block).to_be_bytes());
    }
    message_key
}

pub fn derive<const N: usize>(key: &[u8; 32], info: &str) -> [u8; N] {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(None, key)
        .expand(info.as_bytes(), &mut output)
        .expect("short");
    output
}

/// The result of HKDF-Extract.
pub fn extract(key: &[u8; 32]) -> Vec<u8> {
    Hkdf::<Sha256>::extract(None, key).0.to_vec()
}

pub fn encrypt(key: &[u8; 32], block: u128) -> u128 {
    let mut block = block.to_be_bytes().into();
    Aes256Enc::new(key.into()).encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

fn k1(purpose_key: &[u8; 32]) -> u128 {
    let l = encrypt(purpose_key, 0);
    (l << 1) ^ ((l >> 127) * 0x87)
}

/// base64url without padding.
pub fn decode(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, c| bits << 6 | u32::from(value(*c)));
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

#[test]
fn a_secret_in_an_ordinary_vector_is_found() {
    let alone = alone();
    let ((), freed) = record(&alone, || drop(black_box(PLAIN.as_bytes().to_vec())));
    assert_eq!(freed.pieces_of(PLAIN.as_bytes()), PLAIN.len() - 7);
    assert_eq!(freed.pieces_of(OTHER.as_bytes()), 0);
}

#[test]
fn a_secret_that_grew_out_of_its_buffer_is_found_there() {
    let alone = alone();
    let (kept, freed) = record(&alone, || {
        let mut text = black_box(String::from(PLAIN));
        text.reserve(10_000);
        text
    });
    assert_eq!(freed.pieces_of(PLAIN.as_bytes()), PLAIN.len() - 7);
    drop(kept);
}

#[test]
fn a_secret_that_was_wiped_is_not_found() {
    let alone = alone();
    let ((), freed) = record(&alone, || drop(black_box(Zeroizing::new(PLAIN.to_owned()))));
    assert_eq!(freed.pieces_of(PLAIN.as_bytes()), 0);
}

#[test]
fn an_expanded_key_that_was_not_wiped_is_found() {
    let alone = alone();
    let ((), freed) = record(&alone, || {
        // Without `black_box` the optimiser would drop the unused block.
        drop(black_box(Box::new(ManuallyDrop::new(Aes256Enc::new(
            &ROOT.into(),
        )))));
    });
    // AES in software keeps its round keys in another order.
    if cfg!(target_arch = "x86_64") && is_x86_feature_detected("aes") {
        assert!(freed.pieces_of(&schedule::expand(&ROOT)) > 200);
    }
}

fn is_x86_feature_detected(_: &str) -> bool {
    #[cfg(target_arch = "x86_64")]
    let detected = std::arch::is_x86_feature_detected!("aes");
    #[cfg(not(target_arch = "x86_64"))]
    let detected = false;
    detected
}

#[test]
fn the_derivations_here_match_those_of_the_crate() {
    let key = sealtoken::Key::from_bytes(ROOT)
        .for_purpose("session")
        .expect("a purpose");
    let exported = decode(
        key.expose()
            .strip_prefix("stpurpose1_")
            .expect("its prefix"),
    );
    let secrets = of_key(&ROOT, "session");
    let (_, expanded) = secrets
        .iter()
        .find(|(name, _)| *name == "purpose key, expanded")
        .expect("one of them");
    assert_eq!(exported[4..36], expanded[..32]);
}
