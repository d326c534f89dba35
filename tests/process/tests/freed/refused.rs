//! Refused tokens: failed sealing and opening leave nothing of the content behind.

use std::collections::BTreeMap;

use sealtoken::{Codec, Lifetime, ManualClock, OpenError, SealError, Token, UnixTime};
use sealtoken_process_tests::freed::{alone, record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::secrets::{NESTED, OTHER, PLAIN, TEXTS, long};
use super::{Session, Wiped, codec};

const HOUR: Lifetime = Lifetime::hours(1);

fn seal_raw(codec: &Codec, json: &str) -> String {
    let raw = RawValue::from_string(json.to_owned()).expect("JSON");
    codec.seal_value(&raw, HOUR).expect("fits")
}

#[test]
fn failed_sealing_leaves_nothing() {
    let alone = alone();
    let codec = codec("session");
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let long = long(20_000);
    let deep = (0..130).fold(serde_json::json!([PLAIN]), |inside, _| {
        serde_json::json!([inside])
    });
    let (errors, freed) = record(&alone, || {
        let short = codec.clone().with_max_len(200);
        let mut token = Token::new();
        token.cargo_mut().insert("a", PLAIN).expect("text");
        token.cargo_mut().insert("long", &long).expect("text");
        [
            short.seal_value(&session, HOUR).err(),
            short.seal(&mut token, HOUR).err(),
            codec
                .clone()
                .with_max_len(16_000)
                .seal(&mut token, HOUR)
                .err(),
            codec.seal_value(&(PLAIN, OTHER, f64::INFINITY), HOUR).err(),
            codec
                .seal_value(&BTreeMap::from([((1, 2), PLAIN)]), HOUR)
                .err(),
            codec.seal_value(&(PLAIN, Failing), HOUR).err(),
            codec.seal_value(&deep, HOUR).err(),
            codec.seal(&mut token, Lifetime::seconds(0)).err(),
            codec.reseal(&mut token).err(),
        ]
    });
    let errors = errors.map(|error| error.expect("each is refused"));
    assert!(
        errors[..3]
            .iter()
            .all(|error| matches!(error, SealError::TooLong { .. }))
    );
    assert_eq!(
        errors[3..7],
        [
            SealError::NotFinite,
            SealError::Cargo,
            SealError::Cargo,
            SealError::TooDeep
        ]
    );
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("long", long.as_bytes())]);
}

struct Failing;

impl Serialize for Failing {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

#[test]
fn a_cargo_of_another_type_leaves_nothing() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only deserialized")]
    struct Another {
        secret: Wiped,
        user: Wiped,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only deserialized")]
    struct Strict {
        user: u64,
    }

    let alone = alone();
    let codec = codec("session");
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let text = codec.seal_value(&session, HOUR).expect("fits");
    let list = codec
        .seal_value(&[PLAIN, OTHER, NESTED], HOUR)
        .expect("fits");
    let (errors, freed) = record(&alone, || {
        [
            codec.open_value::<Another>(&text).err(),
            codec.open_value::<Strict>(&text).err(),
            codec.open_value::<u64>(&text).err(),
            codec.open_value::<(Wiped, Wiped)>(&list).err(),
            codec
                .open_with(&text, |opened| opened.cargo::<Strict>().map(drop))
                .err(),
            codec.open(&list).err(),
        ]
    });
    assert_eq!(errors, [Some(OpenError::Payload); 6]);
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn a_payload_that_breaks_the_rules_leaves_nothing() {
    let alone = alone();
    let codec = codec("session");
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    // Sealing already refuses duplicate names.
    let repeated = [
        format!(r#"{{"a":"{PLAIN}","b":["{OTHER}",{{"c":"{NESTED}","c":1}}]}}"#),
        format!(r#"{{"a":"{PLAIN}","a":"{OTHER}","b":"{NESTED}"}}"#),
    ];
    let repeated = repeated.map(|json| RawValue::from_string(json).expect("JSON"));
    let (errors, freed) = record(&alone, || {
        repeated
            .each_ref()
            .map(|raw| codec.seal_value(raw, HOUR).err())
    });
    assert_eq!(
        errors,
        [Some(SealError::NameConflict), Some(SealError::NameConflict)]
    );
    freed.holds_nothing_of(&TEXTS);

    let broken = [
        format!(r#"{{"a":"{PLAIN}","b":"{OTHER}","c":["{NESTED}",18446744073709551616]}}"#),
        format!(r#"{{"a":"{PLAIN}","b":["{OTHER}",["{NESTED}",{deep}]]}}"#),
        format!(r#"["{PLAIN}","{OTHER}","{NESTED}"]"#),
    ];
    let texts = broken.each_ref().map(|json| seal_raw(&codec, json));
    let (errors, freed) = record(&alone, || {
        texts.each_ref().map(|text| codec.open(text).err())
    });
    assert_eq!(errors, [Some(OpenError::Payload); 3]);
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn a_token_at_the_wrong_time_or_under_the_wrong_key_leaves_nothing() {
    let alone = alone();
    let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
    let codec = codec("session").with_clock(clock.clone());
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let text = codec.seal_value(&session, HOUR).expect("fits");
    let (codes, freed) = record(&alone, || {
        let refused = || {
            let bound = codec.bound_to("context").expect("not empty");
            let errors = [
                codec.open(&text).err(),
                codec.open_value::<Session>(&text).err(),
                codec.open_with(&text, |_| Ok(())).err(),
                bound.open_value::<Session>(&text).err(),
                super::codec("another purpose").open(&text).err(),
                codec.open(&text[..text.len() - 1]).err(),
            ];
            errors.map(|error| error.map_or("opened", |error| error.code()))
        };
        clock.advance(3600);
        let expired = refused();
        drop(
            codec
                .inspect_value::<Session>(&text)
                .expect("whatever the time"),
        );
        drop(codec.inspect(&text).expect("whatever the time"));
        clock.advance(-100_000);
        [expired, refused()]
    });
    assert_eq!(codes[0][..4], ["expired", "expired", "expired", "forged"]);
    assert_eq!(
        codes[1][..4],
        ["not_yet_valid", "not_yet_valid", "not_yet_valid", "forged"]
    );
    freed.holds_nothing_of(&TEXTS);
}
