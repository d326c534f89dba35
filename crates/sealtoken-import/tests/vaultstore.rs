//! Stored values of the Go system vaultstore, against vectors that Python made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

use std::error::Error;
use std::iter::repeat_n;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use md5::Md5;
use proptest::prelude::*;
use sealtoken_import::{Vaultstore, VaultstoreError};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha256};

type Outcome = Result<(), Box<dyn Error>>;

const PASSWORD: &str = "correct horse battery staple";

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    format: u8,
    password: String,
    /// It takes Argon2id, whatever the outcome.
    #[serde(default)]
    kdf: bool,
    stored: String,
    stored_repeated: Option<(String, String, usize, String)>,
    expect: Option<String>,
    error: Option<String>,
}

impl Vector {
    fn stored(&self) -> String {
        match &self.stored_repeated {
            Some((begin, group, times, end)) => [begin, &*group.repeat(*times), end].concat(),
            None => self.stored.clone(),
        }
    }
}

fn vectors() -> Result<Vec<Vector>, serde_json::Error> {
    let text = include_str!("../../../tests/vectors/vaultstore.json");
    Ok(serde_json::from_str::<Vectors>(text)?.vectors)
}

fn v1(password: &str) -> Vaultstore {
    Vaultstore::v1(password.to_owned())
}

fn v2(password: &str) -> Vaultstore {
    Vaultstore::v2(password.to_owned())
}

fn digits<D: Digest>(text: &str) -> String {
    hex::encode(D::digest(text))
}

/// What the first format makes of a password.
fn stretched(password: &str) -> String {
    let p1 = digits::<Sha256>(&digits::<Md5>(password).repeat(4));
    let p2 = digits::<Sha1>(&p1).repeat(3);
    let p3 = digits::<Sha1>(&p2) + &digits::<Md5>(&p2) + &digits::<Sha1>(&p2);
    let p4 = digits::<Sha256>(&p3);
    digits::<Sha1>(&p4)
        + &digits::<Sha256>(&digits::<Md5>(&p4))
        + &digits::<Sha256>(&digits::<Sha1>(&p4))
        + &digits::<Md5>(&p4)
}

/// The first format around a block, or around whatever stands in its place.
fn hidden(block: &[u8], password: &str) -> String {
    let key = stretched(password);
    let inner = URL_SAFE.encode(block);
    let bytes = inner.bytes().zip(key.bytes().cycle());
    URL_SAFE.encode(bytes.map(|(byte, digit)| byte ^ digit).collect::<Vec<_>>())
}

/// This, and letters up to the length of a block.
fn filled(mut begin: Vec<u8>) -> Vec<u8> {
    let mut length = 128;
    while length < begin.len() {
        length *= 2;
    }
    begin.extend(repeat_n(b'x', length - begin.len()));
    begin
}

/// A value as the first format stores it.
fn stored_as_v1(value: &[u8], password: &str) -> String {
    let text = URL_SAFE.encode(value);
    let block = format!("{}_{text}", text.len()).into_bytes();
    hidden(&filled(block), password)
}

#[test]
fn every_vector_is_read_or_refused_as_it_says() -> Outcome {
    let (mut read, mut refused, mut derived) = (0, 0, 0);
    for vector in vectors()? {
        let name = &vector.name;
        let reader = match vector.format {
            1 => v1(&vector.password),
            2 => v2(&vector.password),
            _ => return Err(name.as_str().into()),
        };
        let outcome = reader.read(&vector.stored());
        if let Some(expect) = &vector.expect {
            let value = outcome.map_err(|error| format!("{name}: {error}"))?;
            assert_eq!(hex::encode(&value), *expect, "{name}");
            read += 1;
        } else {
            let code = outcome.err().map(|error| error.code());
            assert_eq!(code, vector.error.as_deref(), "{name}");
            refused += 1;
        }
        derived += u8::from(vector.kdf);
    }
    assert!(read >= 29 && refused >= 103, "{read} and {refused}");
    // Each of them takes time in every run of the tests.
    assert!(derived <= 10, "{derived}");
    Ok(())
}

#[test]
fn no_reader_takes_the_other_format() -> Outcome {
    for vector in vectors()? {
        let stored = vector.stored();
        let other = match vector.format {
            1 if !stored.starts_with("v2:") => v2(&vector.password),
            2 if stored.starts_with("v2:") => v1(&vector.password),
            _ => continue,
        };
        let refusal = other.read(&stored).err();
        assert_eq!(refusal, Some(VaultstoreError::Malformed), "{}", vector.name);
    }
    Ok(())
}

#[test]
fn a_value_of_the_first_format_has_1_mib_at_most() {
    let longest: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
    let stored = stored_as_v1(&longest, PASSWORD);
    let value = v1(PASSWORD).read(&stored);
    assert!(value.is_ok_and(|value| *value == longest));
    // Its block has the same length, so that only the key shows it.
    let longer = [&longest[..], b"x"].concat();
    let refusal = v1(PASSWORD).read(&stored_as_v1(&longer, PASSWORD)).err();
    assert_eq!(refusal, Some(VaultstoreError::Forged));
}

#[test]
fn a_value_of_the_first_format_can_be_forged_without_the_password() -> Outcome {
    // The documents say so. If this should fail one day, they are wrong, and nothing is safer.
    let stored = URL_SAFE.decode(stored_as_v1(b"role=user", PASSWORD))?;
    let block = |value: &[u8]| {
        let text = URL_SAFE.encode(value);
        URL_SAFE.encode(filled(format!("{}_{text}", text.len()).into_bytes()))
    };
    let (known, wanted) = (block(b"role=user"), block(b"role=root"));
    let forged: Vec<u8> = stored
        .iter()
        .zip(known.bytes().zip(wanted.bytes()))
        .map(|(byte, (old, new))| byte ^ old ^ new)
        .collect();
    let value = v1(PASSWORD).read(&URL_SAFE.encode(forged))?;
    assert_eq!(value.as_slice(), b"role=root");
    Ok(())
}

#[test]
fn a_reader_prints_its_name_only() {
    for reader in [v1("secret"), v2("secret")] {
        assert_eq!(format!("{reader:?}"), "Vaultstore");
    }
}

#[test]
fn refusals_have_a_code_and_say_what_to_do() {
    for (error, code, says) in [
        (VaultstoreError::Malformed, "malformed", "base64url"),
        (VaultstoreError::Forged, "forged", "check the password"),
        (VaultstoreError::KeyDerivation, "key_derivation", "64 MiB"),
    ] {
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_clone_reads_what_its_reader_reads() -> Outcome {
    let stored = stored_as_v1(b"value", PASSWORD);
    let reader = v1(PASSWORD);
    let copy = reader.clone();
    drop(reader);
    assert_eq!(copy.read(&stored)?.as_slice(), b"value");
    Ok(())
}

proptest! {
    #[test]
    fn any_value_is_read_under_its_password_and_no_other(
        value: Vec<u8>,
        password: String,
        other: String,
    ) {
        let stored = stored_as_v1(&value, &password);
        let read = v1(&password).read(&stored);
        prop_assert_eq!(read.as_ref().map(|value| value.as_slice()), Ok(&value[..]));
        if other != password {
            prop_assert_eq!(v1(&other).read(&stored).err(), Some(VaultstoreError::Forged));
        }
    }

    #[test]
    fn any_text_ends_without_a_panic(text: String, bytes: Vec<u8>) {
        for text in [&text, &URL_SAFE.encode(&bytes)] {
            prop_assert!(v1("").read(text).is_err());
            prop_assert_eq!(v2("").read(text).err(), Some(VaultstoreError::Malformed));
        }
        // Too short for the second format, so that Argon2id does not run.
        let short = bytes.get(..43).unwrap_or(&bytes);
        for text in [text, URL_SAFE.encode(short)] {
            let refusal = v2("").read(&format!("v2:{text}")).err();
            prop_assert_eq!(refusal, Some(VaultstoreError::Malformed));
        }
    }

    #[test]
    fn any_block_ends_in_the_value_that_it_says_or_a_refusal(
        begin in prop_oneof![
            any::<Vec<u8>>(),
            "[0-9]{0,21}_?[A-Za-z0-9_=-]{0,130}".prop_map(String::into_bytes),
            "[0-9]{1,3}_[A-Za-z0-9]{0,130}".prop_map(String::into_bytes),
        ],
    ) {
        let block = filled(begin);
        let read = v1("").read(&hidden(&block, ""));
        // Other code for the same: the text is what stands before the filling.
        let parted = str::from_utf8(&block).ok().and_then(|block| block.split_once('_'));
        let value = parted.and_then(|(length, rest)| {
            let number: Option<usize> = length.parse().ok();
            let number = number.filter(|number| number.to_string() == length)?;
            let (text, filling) = rest.split_at_checked(number)?;
            let plain = filling.chars().all(|letter| letter.is_ascii_alphanumeric());
            URL_SAFE.decode(text).ok().filter(|_| plain)
        });
        prop_assert_eq!(read.ok().map(|read| read.to_vec()), value);
    }
}
