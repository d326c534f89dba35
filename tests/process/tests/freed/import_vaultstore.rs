//! The importer of stored values: password, key, value and intermediate results are wiped.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sealtoken_import::Vaultstore;
use sealtoken_process_tests::freed::{alone, record};
use sealtoken_process_tests::schedule;
use zeroize::Zeroizing;

use super::secrets::{PLAIN, TEXTS};

const PASSWORD: &str = "Vr9Kd2Lm5Xp8Qs1Tz4Wb7";

/// `PLAIN` in the first format. This and the next three come from
/// `tests/vectors/make_vaultstore.py`.
const FIRST: &[&str] = &[
    "fSZ1UmFtdhItcDIha2FeX1cDUQ1nU35PLCcFOmp_dlxnJk9QY1JWeDEGB041CjAHBFR6ST1iIAlpMgoCV2BY",
    "fVUBegBmbl5GZ11zW1RaTnNVDjJYUixXHgYGajF4WjwdZA59bGlRAgZsSFYrU0N3YzswdmNlbmlRAF8pFTdd",
    "XFM0AGwXdjBbU1RaKFg2D2BOKGVaETI7akVkWA42BiYFVGZTeVcHNBVEMSxdBQ==",
];
/// The stretched password.
const STRETCHED: &[&str] = &[
    "3b74894dc7df992460983988ab0c09051a7f5c23e677aaffef70d7e09de6350873717951365417686ed9",
    "1d0fb78c66ee1d753a33822d7957be89798bb3cda30eb06c8e4a00f2ad68e2bfcc0236ffbca8284ebca4",
    "dd68d400932902a2a2a12ecda57b7477",
];
/// The inner base64 of `PLAIN`, and the whole plaintext under the XOR.
const TEXT: &str = "a0o4eFEydkxyN1p0NXdQbTlzWWJOM2NEZkc2aA==";
const HIDDEN: &[&str] = &[
    "NDBfYTBvNGVGRXlka3h5TjFwME5YZFFiVGx6V1dKT00yTkVaa2MyYUE9PVo4dUhEb2M1QWkwTkFoemxKckVa",
    "cHgxd1RRNlYxUjJYZ015TzdOdzBTYUNZRWQ3blJqVnl6V0ZtNUo2djNjWkVvMW8wQXZwWnhPdEdlTkM2eWtp",
    "UHk=",
];

/// base64url with padding.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut three = [0; 4];
        three[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(three);
        for place in 0..4 {
            let six = bits >> (18 - 6 * place) & 0x3f;
            let letter = char::from(ALPHABET[six as usize]);
            text.push(if place <= group.len() { letter } else { '=' });
        }
    }
    text
}

#[test]
fn reading_a_value_of_the_second_format_leaves_nothing() {
    let alone = alone();
    let (salt, nonce) = ([3; 16], [5; 12]);
    let params = Params::new(64 * 1024, 3, 4, Some(32)).expect("good");
    let mut blocks = vec![Block::new(); params.block_count()];
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(PASSWORD.as_bytes(), &salt, &mut key, blocks.as_mut_slice())
        .expect("good");
    // One block of the memory as a sample.
    let block: Vec<u8> = blocks[12_345]
        .as_ref()
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();

    let mut message = PLAIN.as_bytes().to_vec();
    let tag = Aes256Gcm::new(&key.into())
        .encrypt_inout_detached(&Nonce::from(nonce), &[], message.as_mut_slice().into())
        .expect("short");
    let stored = format!(
        "v2:{}",
        encode(&[&salt[..], &nonce, &message, &tag].concat())
    );

    let ((), freed) = record(&alone, || {
        let reader = Vaultstore::v2(PASSWORD.to_owned());
        let value = reader.clone().read(&stored).expect("genuine");
        assert_eq!(value.as_slice(), PLAIN.as_bytes());
        assert!(reader.read(&stored[1..]).is_err());
    });
    let secrets: [(&str, &[u8]); 4] = [
        ("value", PLAIN.as_bytes()),
        ("password", PASSWORD.as_bytes()),
        ("key", &schedule::expand(&key)),
        ("memory of Argon2id", &block),
    ];
    freed.holds_nothing_of(&secrets);
}

#[test]
fn reading_and_refusing_a_value_of_the_first_format_leaves_nothing() {
    let alone = alone();
    let stored = FIRST.concat();
    // Valid up to its last byte, which encodes the padding of the content.
    let changed = stored.strip_suffix("BQ==").expect("its end").to_owned() + "BA==";
    let ((), freed) = record(&alone, || {
        let reader = Vaultstore::v1(Zeroizing::new(PASSWORD.to_owned()));
        let value = reader.clone().read(&stored).expect("genuine");
        assert_eq!(value.as_slice(), PLAIN.as_bytes());
        assert!(reader.read(&changed).is_err());
        assert!(Vaultstore::v1(String::new()).read(&stored).is_err());
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[
        ("password", PASSWORD.to_owned()),
        ("key", STRETCHED.concat()),
        ("text", TEXT.to_owned()),
        ("hidden", HIDDEN.concat()),
    ]);
}
