//! Tokens of the Primordyx PHP framework, against vectors that Python made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

mod properties;
mod reseal;
mod view;

use std::error::Error;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use sealtoken::{Cargo, Codec, Key, KeyError, KeyRing, Lifetime, ManualClock, Token, UnixTime};
use sealtoken_import::{Primordyx, PrimordyxError};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

type Outcome = Result<(), Box<dyn Error>>;

const NOW: i64 = 1_763_755_200;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    passphrase: String,
    now: i64,
    token: String,
    expect: Option<Expect>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Expect {
    timestamp: i64,
    /// Zero where the token states none.
    seconds_to_expire: Option<u64>,
    custom: Value,
    expired: bool,
    #[serde(default)]
    extra: Map<String, Value>,
}

impl Expect {
    /// The cargo that the token has: `custom` first, elements of a list by their number.
    fn cargo(&self) -> Map<String, Value> {
        let mut cargo = self.extra.clone();
        match &self.custom {
            Value::Array(values) => {
                let entry = |(index, value): (usize, &Value)| (index.to_string(), value.clone());
                cargo.extend(values.iter().enumerate().map(entry));
            }
            custom => cargo.extend(custom.as_object().cloned().unwrap_or_default()),
        }
        cargo
    }
}

fn vectors() -> Result<Vec<Vector>, serde_json::Error> {
    let text = include_str!("../../../../tests/vectors/primordyx.json");
    Ok(serde_json::from_str::<Vectors>(text)?.vectors)
}

fn clock(now: i64) -> ManualClock {
    ManualClock::at(UnixTime::from_secs(now))
}

fn reader() -> Primordyx {
    Primordyx::new("passphrase").with_clock(clock(NOW))
}

fn codec(now: i64) -> Result<Codec, KeyError> {
    let codec = KeyRing::new(Key::generate()).codec("session")?;
    Ok(codec.with_clock(clock(now)))
}

/// The token that the PHP system would make of this plaintext.
fn encrypted(plaintext: &[u8]) -> Result<String, aes_gcm::Error> {
    let (iv, mut message) = ([9; 12], plaintext.to_vec());
    let tag = Aes256Gcm::new(&Sha256::digest("passphrase")).encrypt_inout_detached(
        &Nonce::from(iv),
        &[],
        message.as_mut_slice().into(),
    )?;
    Ok(hex::encode([&iv[..], &message, &tag].concat()))
}

fn with_content(content: &Value) -> Result<String, aes_gcm::Error> {
    encrypted(json!({ "k": content.to_string() }).to_string().as_bytes())
}

#[test]
fn every_vector_is_read_or_refused_as_it_says() -> Outcome {
    let (mut read, mut refused) = (0, 0);
    for vector in vectors()? {
        let name = &vector.name;
        let reader = Primordyx::new(&vector.passphrase).with_clock(clock(vector.now));
        if let Some(expect) = &vector.expect {
            check(&reader, &vector, expect).map_err(|error| format!("{name}: {error}"))?;
            read += 1;
        } else {
            let inspected = reader.inspect(&vector.token).err().ok_or(name.as_str())?;
            assert_eq!(Some(inspected.code()), vector.error.as_deref(), "{name}");
            assert_eq!(reader.read(&vector.token).err(), Some(inspected), "{name}");
            refused += 1;
        }
    }
    assert!(read >= 45 && refused >= 43, "{read} and {refused}");
    Ok(())
}

fn check(reader: &Primordyx, vector: &Vector, expect: &Expect) -> Outcome {
    let token = reader.inspect(&vector.token)?;
    let cargo: Cargo = serde_json::to_string(&expect.cargo())?.parse()?;
    assert_eq!(token.cargo(), &cargo);
    assert!(token.is_valid() && !token.is_dirty() && !token.cargo().is_dirty());
    assert!(token.needs_reseal() && token.sealed().is_none());
    assert_eq!(token.uuid().get_version_num(), 4);

    let begun = token.issued_at().map(UnixTime::as_secs);
    let lifetime = token.lifetime();
    match expect.seconds_to_expire {
        // Without a lifetime it counts as expired, as if it had lived for the first second of 1970.
        Some(0) => assert_eq!((begun, lifetime), (Some(0), Some(Lifetime::seconds(1)))),
        stated => {
            let stated = stated.map_or(Lifetime::Forever, Lifetime::seconds);
            assert_eq!((begun, lifetime), (Some(expect.timestamp), Some(stated)));
        }
    }

    assert_eq!(token.is_expired(), expect.expired);
    let end = token.expires_at();
    let end = end.filter(|_| expect.seconds_to_expire != Some(0));
    let refusal = expect
        .expired
        .then_some(PrimordyxError::Expired { at: end });
    assert_eq!(reader.read(&vector.token).err(), refusal);
    Ok(())
}

#[test]
fn each_reading_draws_a_uuid() -> Outcome {
    let content =
        json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": [], "uuid": "theirs"});
    let text = with_content(&content)?;
    let (first, second) = (reader().read(&text)?, reader().read(&text)?);
    assert_ne!(first.uuid(), second.uuid());
    assert_eq!(first.cargo().require::<&str>("uuid")?, "theirs");
    Ok(())
}

#[test]
fn expiry_follows_the_clock_of_the_reader() -> Outcome {
    let clock = clock(NOW);
    let reader = Primordyx::new("passphrase").with_clock(clock.clone());
    let content = json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": []});
    let token: Token = reader.read(&with_content(&content)?)?;
    clock.advance(59);
    assert!(!token.is_expired());
    clock.advance(1);
    assert!(token.is_expired());
    Ok(())
}

#[test]
fn every_changed_digit_is_refused() -> Outcome {
    let content = json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": {"user_id": 123}});
    let good = with_content(&content)?;
    let reader = reader();
    for (place, digit) in good.char_indices() {
        let other = if digit == '0' { "1" } else { "0" };
        let mut changed = good.clone();
        changed.replace_range(place..=place, other);
        assert_eq!(
            reader.read(&changed).err(),
            Some(PrimordyxError::Forged),
            "{place}"
        );
        changed.replace_range(place..=place, "g");
        assert_eq!(
            reader.read(&changed).err(),
            Some(PrimordyxError::Malformed),
            "{place}"
        );
        let cut = good.get(..place).unwrap_or_default();
        let code = if place % 2 == 1 || place < 58 {
            "malformed"
        } else {
            "forged"
        };
        assert_eq!(
            reader.read(cut).err().map(|error| error.code()),
            Some(code),
            "{place}"
        );
    }
    Ok(())
}

#[test]
fn refusals_have_a_code_and_say_what_to_do() {
    let at = UnixTime::from_secs(NOW);
    for (error, code, says) in [
        (PrimordyxError::Malformed, "malformed", "hexadecimal"),
        (PrimordyxError::Forged, "forged", "check the passphrase"),
        (PrimordyxError::Payload, "payload", "issue a new one"),
        (
            PrimordyxError::LifetimeOutOfRange,
            "lifetime_out_of_range",
            "Lifetime::Forever",
        ),
        (
            PrimordyxError::TimestampOutOfRange,
            "timestamp_out_of_range",
            "issue a new one",
        ),
        (
            PrimordyxError::Expired { at: Some(at) },
            "expired",
            "2025-11-21T20:00:00Z",
        ),
        (
            PrimordyxError::Expired { at: None },
            "expired",
            "no lifetime",
        ),
        (PrimordyxError::Randomness, "randomness", "operating system"),
    ] {
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(says), "{error}");
    }
}
