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

use std::error::Error;
use std::time::Duration;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use proptest::prelude::*;
use sealtoken::{
    Cargo, Codec, Key, KeyError, KeyRing, Lifetime, ManualClock, SealError, Token, UnixTime,
};
use sealtoken_import::{Primordyx, PrimordyxError, PrimordyxView};
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
    let text = include_str!("../../../tests/vectors/primordyx.json");
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

/// What the PHP system would make of this plaintext.
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
fn a_reseal_keeps_uuid_times_and_cargo_and_is_needed_no_more() -> Outcome {
    let text = with_content(
        &json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": {"a": [1, 2.5]}}),
    )?;
    let mut token = reader().read(&text)?;
    let (uuid, end) = (token.uuid(), token.expires_at());
    let codec = codec(NOW + 59)?;
    let resealed = codec.reseal(&mut token)?;
    assert!(!token.needs_reseal() && !token.is_dirty());

    let opened = codec.open(&resealed)?;
    assert!(!opened.needs_reseal());
    assert_eq!((opened.uuid(), opened.expires_at()), (uuid, end));
    assert_eq!(opened.lifetime(), Some(Lifetime::seconds(60)));
    assert_eq!(opened.cargo(), token.cargo());
    assert_eq!(opened.cargo().require::<(u8, f64)>("a")?, (1, 2.5));
    Ok(())
}

#[test]
fn what_never_expires_is_resealed_as_that_and_the_longest_lifetime_as_that() -> Outcome {
    for (seconds, lifetime) in [
        (0, Lifetime::Forever),
        (253_402_300_799_i64, Lifetime::seconds(253_402_300_799)),
    ] {
        let text =
            with_content(&json!({"timestamp": NOW, "seconds_to_expire": seconds, "custom": []}))?;
        let mut token = reader().read(&text)?;
        let codec = codec(NOW)?;
        let opened = codec.open(&codec.reseal(&mut token)?)?;
        assert_eq!(opened.lifetime(), Some(lifetime));
    }
    Ok(())
}

#[test]
fn what_has_expired_is_not_resealed_and_what_has_no_lifetime_not_even_within_a_leeway() -> Outcome {
    let lenient = codec(NOW)?.with_leeway(Duration::from_secs(3600));
    let ended = json!({"timestamp": NOW - 60, "seconds_to_expire": 60, "custom": []});
    let mut token = reader().inspect(&with_content(&ended)?)?;
    let at = UnixTime::from_secs(NOW);
    assert_eq!(
        codec(NOW)?.reseal(&mut token),
        Err(SealError::Expired { at })
    );

    for timestamp in [NOW, NOW + 1_000_000] {
        let endless = json!({"timestamp": timestamp, "custom": []});
        let mut token = reader().inspect(&with_content(&endless)?)?;
        assert!(token.is_expired());
        let at = UnixTime::from_secs(1);
        assert_eq!(lenient.reseal(&mut token), Err(SealError::Expired { at }));
        assert_eq!(
            lenient.renew(&mut token, Lifetime::hours(1)),
            Err(SealError::Expired { at })
        );
    }
    Ok(())
}

#[test]
#[rustfmt::skip] // the name leaves no room for what it returns
fn what_is_dated_beyond_the_skew_is_read_and_not_resealed_before_an_opener_would_take_it()
-> Outcome {
    let ahead = json!({"timestamp": NOW + 120, "seconds_to_expire": 600, "custom": {"a": 1}});
    let text = with_content(&ahead)?;
    let begun = UnixTime::from_secs(NOW + 120);
    let refused = Err(SealError::FromTheFuture { issued_at: begun });
    let mut token = reader().read(&text)?;
    for now in [NOW, NOW + 59] {
        assert_eq!(codec(now)?.reseal(&mut token), refused);
        assert!(token.needs_reseal() && token.sealed().is_none());
    }
    let codec = codec(NOW + 60)?;
    let opened = codec.open(&codec.reseal(&mut token)?)?;
    let end = UnixTime::from_secs(NOW + 720);
    assert_eq!(opened.expires_at(), Some(end));
    assert_eq!(opened.cargo().require::<u8>("a")?, 1);
    Ok(())
}

#[test]
fn a_cargo_of_64_levels_is_read_and_sealed_again_and_a_deeper_one_is_not() -> Outcome {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let token = |levels| -> Result<String, Box<dyn Error>> {
        let list: Value = serde_json::from_str(&nested(levels))?;
        let content = json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": list});
        Ok(with_content(&content)?)
    };
    // A list becomes a map, so the token's own level is the only one that comes on top.
    let mut deepest = reader().read(&token(63)?)?;
    let codec = codec(NOW)?;
    let resealed = codec.reseal(&mut deepest)?;
    assert!(codec.open(&resealed).is_ok());
    assert_eq!(
        reader().read(&token(64)?).err(),
        Some(PrimordyxError::Payload)
    );
    Ok(())
}

#[test]
fn a_long_token_is_resealed_where_the_codec_allows_its_length() -> Outcome {
    let content =
        json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": ["x".repeat(30_000)]});
    let mut token = reader().read(&with_content(&content)?)?;
    let refused = codec(NOW)?.reseal(&mut token);
    assert!(matches!(refused, Err(SealError::TooLong { max: 4000, .. })));
    assert!(codec(NOW)?.with_max_len(65_536).reseal(&mut token).is_ok());
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

fn extras_at_now(token: &Token) -> PrimordyxView<'_> {
    PrimordyxView::with_extras(token).at(UnixTime::from_secs(NOW))
}

fn json(view: PrimordyxView<'_>) -> String {
    serde_json::to_string(&view).unwrap()
}

#[test]
fn a_view_shows_three_members_and_nine_extras_and_the_text_only_when_asked() -> Outcome {
    let codec = codec(NOW)?;
    let mut token = Token::new();
    token.cargo_mut().insert("user_id", 123).unwrap();
    let text = codec.seal(&mut token, Lifetime::minutes(30)).unwrap();
    let basic = r#"{"timestamp":1763755200,"seconds_to_expire":1800,"custom":{"user_id":123}}"#;
    assert_eq!(json(PrimordyxView::basic(&token)), basic);

    let extras = json(extras_at_now(&token));
    assert!(extras.starts_with(&basic[..basic.len() - 1]) && !extras.contains(&text));
    let uuid = token.uuid();
    let expected = format!(
        ",\"uuid\":\"{uuid}\",\"current_time\":\"2025-11-21T20:00:00Z\",\
         \"expires_at\":\"2025-11-21T20:30:00Z\",\"is_expired\":false,\
         \"encryption_is_valid\":true,\"is_dirty\":false,\"cargo_is_dirty\":false,\
         \"cargo_dump\":{{\"user_id\":123}}}}"
    );
    assert!(extras.ends_with(&expected), "{extras}");
    let with_text = json(extras_at_now(&token).with_sealed_text());
    assert!(with_text.ends_with(&format!(r#","shareable_token":"{text}"}}"#)));
    let pretty = serde_json::to_string_pretty(&PrimordyxView::basic(&token)).unwrap();
    assert!(pretty.starts_with("{\n  \"timestamp\": 1763755200,\n"));
    let value = serde_json::to_value(extras_at_now(&token)).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 11);
    assert_eq!(value["custom"]["user_id"], 123);

    let offset = time::UtcOffset::from_hms(-5, -30, 0).unwrap();
    let shifted = json(extras_at_now(&token).in_zone(offset));
    assert!(
        shifted.contains(r#""expires_at":"2025-11-21T15:00:00-05:30""#),
        "{shifted}"
    );
    // A token can differ from the one that was sealed where its cargo does not.
    token.set_not_before(Some(UnixTime::from_secs(1_763_755_201)));
    let changed = json(extras_at_now(&token));
    assert!(
        changed.contains(r#""is_dirty":true,"cargo_is_dirty":false"#),
        "{changed}"
    );
    let new = json(extras_at_now(&Token::new()).with_sealed_text());
    assert!(new.contains(r#""timestamp":null"#) && new.contains(r#""shareable_token":null"#));
    Ok(())
}

/// Content that is nearly right: any JSON scalar in any of the places.
fn content() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| json!(value).to_string()),
        "-?[0-9]{1,25}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?",
        ".{0,8}".prop_map(|text| json!(text).to_string()),
        "\"[ +-]?[0-9.eE+-]{0,12} ?\"",
    ];
    (scalar.clone(), scalar.clone(), scalar).prop_map(|(timestamp, lifetime, custom)| {
        format!(r#"{{"timestamp":{timestamp},"seconds_to_expire":{lifetime},"custom":{custom}}}"#)
    })
}

proptest! {
    #[test]
    fn any_content_ends_in_a_sound_token_or_a_refusal(content in content()) {
        let plaintext = json!({ "k": content }).to_string();
        let text = encrypted(plaintext.as_bytes()).unwrap_or_default();
        if let Ok(mut token) = reader().inspect(&text) {
            let codec = codec(NOW)?;
            // What can be sealed again can be looked at again.
            match codec.reseal(&mut token) {
                Ok(text) => prop_assert!(codec.inspect(&text).is_ok()),
                Err(error) => {
                    let end = matches!(error, SealError::Expired { .. });
                    let ahead = matches!(error, SealError::FromTheFuture { .. });
                    prop_assert!(end || ahead, "{error}");
                }
            }
        }
    }

    #[test]
    fn any_plaintext_and_any_text_end_without_a_panic(plaintext: Vec<u8>, text: String) {
        let authentic = encrypted(&plaintext).unwrap_or_default();
        prop_assert!(reader().inspect(&authentic).is_err());
        prop_assert_eq!(reader().inspect(&text).err(), Some(PrimordyxError::Malformed));
    }
}
