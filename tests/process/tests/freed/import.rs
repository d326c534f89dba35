//! The importer of old tokens: passphrase, key and content are wiped.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use sealtoken_import::{Primordyx, PrimordyxView};
use sealtoken_process_tests::freed::{alone, record};
use sealtoken_process_tests::schedule;
use sha2::{Digest as _, Sha256};

use super::secrets::{NESTED, OTHER, PLAIN, TEXTS};

const PASSPHRASE: &str = "Vr9Kd2Lm5Xp8Qs1Tz4Wb7";

fn key() -> [u8; 32] {
    Sha256::digest(PASSPHRASE).into()
}

fn seal(inner: &str) -> String {
    let mut bytes = serde_json::json!({ "k": inner }).to_string().into_bytes();
    let iv = [5; 12];
    let cipher = Aes256Gcm::new(&key().into());
    let tag = cipher
        .encrypt_inout_detached(&Nonce::from(iv), &[], bytes.as_mut_slice().into())
        .expect("short");
    [&iv, bytes.as_slice(), tag.as_slice()]
        .concat()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn reading_and_refusing_an_old_token_leaves_nothing() {
    let alone = alone();
    let custom =
        format!(r#"{{"plain":"{PLAIN}","list":["{OTHER}"],"map":{{"inside":"{NESTED}"}}}}"#);
    let good = seal(&format!(
        r#"{{"timestamp":1,"seconds_to_expire":0,"custom":{custom}}}"#
    ));
    let wrong = [
        seal(&format!(
            r#"{{"timestamp":1,"seconds_to_expire":5,"custom":{custom}}}"#
        )),
        seal(&format!(
            r#"{{"timestamp":1,"seconds_to_expire":1e30,"custom":{custom}}}"#
        )),
        seal(&format!(
            r#"{{"seconds_to_expire":0,"custom":{custom},"custom":1}}"#
        )),
        seal(&format!(
            r#"{{"seconds_to_expire":0,"custom":{custom},"a":1e999}}"#
        )),
        seal(&format!(r#"{{"seconds_to_expire":0,"custom":{custom}"#)),
        seal(&format!(
            r#"{{"custom":5,"a":"{PLAIN}","b":["{OTHER}"],"{NESTED}":1}}"#
        )),
    ];
    let (refused, freed) = record(&alone, || {
        let reader = Primordyx::new(PASSPHRASE);
        let token = reader.read(&good).expect("genuine");
        assert_eq!(token.cargo().require::<&str>("plain"), Ok(PLAIN));
        assert!(Primordyx::new("another").read(&good).is_err());
        wrong
            .iter()
            .filter(|text| reader.clone().read(text).is_err())
            .count()
    });
    assert_eq!(refused, wrong.len());
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("key", schedule::expand(&key()))]);
    freed.holds_nothing_of(&[("passphrase", PASSPHRASE)]);
}

#[test]
#[ignore = "serde's messages quote the value"]
fn text_in_place_of_the_map_is_not_quoted() {
    let alone = alone();
    let text = seal(&format!(r#"{{"custom":"{PLAIN}"}}"#));
    let (error, freed) = record(&alone, || Primordyx::new(PASSPHRASE).read(&text).err());
    assert!(error.is_some());
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn a_view_as_a_value_leaves_nothing() {
    let alone = alone();
    let codec = super::codec("session");
    let ((), freed) = record(&alone, || {
        let mut token = super::tokens::full();
        codec.seal(&mut token, super::tokens::HOUR).expect("fits");
        let mut cargo = sealtoken::Cargo::new();
        let view = PrimordyxView::new(&token).with_extras();
        cargo.insert("view", view).expect("a value");
    });
    freed.holds_nothing_of(&TEXTS);
}
