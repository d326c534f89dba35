//! What a cargo does not take, and what its errors say.

use std::collections::BTreeMap;

use sealtoken::{
    Cargo, CargoError, Expiry, ExpiryError, Key, KeyRing, Lifetime, Token, UnixTime, Value,
};
use serde::Serialize;

use super::USER_ID;

#[test]
fn what_cannot_be_held_is_refused_and_loses_nothing() {
    let mut cargo = Cargo::new();
    cargo.insert("a", 1).unwrap();
    let nan: &[f64] = &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for value in nan {
        assert_eq!(cargo.insert("a", value), Err(CargoError::NotFinite));
        assert_eq!(cargo.insert("a", *value as f32), Err(CargoError::NotFinite));
        let deep = BTreeMap::from([("x", vec![Some((1, value))])]);
        assert_eq!(cargo.insert("a", deep), Err(CargoError::NotFinite));
        assert_eq!(cargo.push("list", value), Err(CargoError::NotFinite));
        assert!(Value::try_from(*value).is_err());
    }
    let beyond = i128::from(u64::MAX) + 1;
    assert_eq!(cargo.insert("a", beyond), Err(CargoError::Unsupported));
    assert_eq!(
        cargo.insert("a", i128::from(i64::MIN) - 1),
        Err(CargoError::Unsupported)
    );
    assert_eq!(
        cargo.insert("a", BTreeMap::from([((1, 2), 3)])),
        Err(CargoError::Unsupported)
    );
    let end = UnixTime::from_secs(-1);
    assert_eq!(
        cargo.insert_with_expiry("a", 2, end),
        Err(CargoError::Expiry(ExpiryError::OutOfRange))
    );
    assert_eq!(
        cargo.set_expiry("none", Expiry::Never),
        Err(CargoError::Missing)
    );
    assert_eq!(cargo.require::<u8>("a"), Ok(1));
    assert_eq!(cargo.len(), 1);

    assert_eq!(
        cargo.insert("a", u64::MAX).map(|old| old.is_some()),
        Ok(true)
    );
    assert_eq!(cargo.require::<u64>("a"), Ok(u64::MAX));
    cargo.insert("a", i128::from(i64::MIN)).unwrap();
    assert_eq!(cargo.require::<i64>("a"), Ok(i64::MIN));
}

#[test]
fn depth_is_limited_where_a_token_would_be_refused() {
    let nested = |levels: usize| {
        let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let codec = KeyRing::new(Key::generate()).codec("deep").unwrap();
    let mut token = Token::new();
    token.cargo_mut().insert("a", nested(62)).unwrap();
    token.cargo_mut().push("list", nested(61)).unwrap();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    assert_eq!(codec.open(&text).unwrap().cargo(), token.cargo());
    assert_eq!(
        token.cargo_mut().insert("a", nested(63)),
        Err(CargoError::TooDeep)
    );
    assert_eq!(
        token.cargo_mut().push("list", nested(62)),
        Err(CargoError::TooDeep)
    );
}

#[test]
fn json_is_read_by_the_rules_of_a_token() {
    let parse = |text: &str| text.parse::<Cargo>().err();
    assert_eq!(parse(" {\"a\" : [1, 2.5e3, {\"b\": null}]}\n"), None);
    let bad = [
        "",
        "[]",
        "1",
        "null",
        "{",
        "{}}",
        "{} x",
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1,"\u0062":2}}"#,
        r#"{"a":18446744073709551616}"#,
        r#"{"a":-9223372036854775809}"#,
        r#"{"a":1e999}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"\udc00":1}"#,
        "{\"a\":\"\u{1}\"}",
        "\u{feff}{}",
    ];
    for text in bad {
        assert_eq!(parse(text), Some(CargoError::Json), "{text}");
    }
}

#[test]
fn nothing_of_a_cargo_reaches_debug_or_an_error() {
    let mut cargo = Cargo::new();
    cargo.insert("secret-name", "secret-value").unwrap();
    cargo.insert("list", ["secret-value"]).unwrap();
    let errors = [
        cargo.require::<u64>("secret-name").unwrap_err(),
        r#"{"secret-name":"secret-value","secret-name":1}"#
            .parse::<Cargo>()
            .unwrap_err(),
        cargo.insert("x", Fails).unwrap_err(),
    ];
    let token = Token::from(cargo.clone());
    let mut shown = format!(
        "{cargo:?} {:?} {:?} {token:?} {:?}",
        Value::from(&cargo),
        cargo.value("list"),
        cargo.iter()
    );
    for error in errors {
        shown += &format!("{error:?} {error}");
    }
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_refused_value_is_reported_with_its_reason() {
    let mut cargo = Cargo::new();
    let far = UnixTime::from_secs(9_000_000_000);
    let mut ends = Cargo::new();
    ends.insert_with_expiry("mfa", true, far).unwrap();
    assert_eq!(cargo.insert("a", &ends), Err(CargoError::NestedExpiry));
    assert_eq!(
        cargo.insert("a", [Some(&ends)]),
        Err(CargoError::NestedExpiry)
    );
    assert_eq!(cargo.push("a", &ends), Err(CargoError::NestedExpiry));

    cargo.insert("a", 1).unwrap();
    for second in [-1, 253_402_300_800] {
        let end = UnixTime::from_secs(second);
        assert_eq!(
            cargo.insert_with_expiry("a", 2, end),
            Err(CargoError::Expiry(ExpiryError::OutOfRange))
        );
        assert_eq!(
            cargo.set_expiry("a", end),
            Err(CargoError::Expiry(ExpiryError::OutOfRange))
        );
    }

    #[derive(Serialize)]
    struct Twice {
        a: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }
    let rest = BTreeMap::from([("a", 1)]);
    let twice = Twice { a: 1, rest };
    assert_eq!(cargo.insert("a", &twice), Err(CargoError::DuplicateName));
    assert_eq!(cargo.push("list", [&twice]), Err(CargoError::DuplicateName));
    assert_eq!(cargo.insert("a", Fails), Err(CargoError::Unsupported));
    assert_eq!(cargo.require::<u8>("a"), Ok(1));
    assert_eq!(cargo.len(), 1);
}

/// A type whose `Serialize` puts its content into the error.
struct Fails;

impl Serialize for Fails {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("secret-value"))
    }
}

#[test]
fn each_error_of_a_cargo_says_what_is_wrong() {
    for (error, said) in [
        (CargoError::Missing, "no such entry"),
        (CargoError::WrongType, "another type"),
        (CargoError::NotFinite, "NaN or infinite"),
        (CargoError::Unsupported, "cannot hold the value"),
        (CargoError::TooDeep, "64 levels deep"),
        (CargoError::DuplicateName, "occurs twice"),
        (CargoError::NestedExpiry, "an entry that expires"),
        (CargoError::Expiry(ExpiryError::OutOfRange), "before 1970"),
        (CargoError::Json, "not a JSON object"),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_cargo_has_as_many_levels_through_serde_as_from_its_text() {
    for (lists, fits) in [(61, true), (62, true), (63, false), (64, false)] {
        let json = format!(r#"{{"a":{}{}}}"#, "[".repeat(lists), "]".repeat(lists));
        assert_eq!(json.parse::<Cargo>().is_ok(), fits, "{lists}");
        assert_eq!(
            serde_json::from_str::<Cargo>(&json).is_ok(),
            fits,
            "{lists}"
        );
    }
}

#[test]
fn a_value_without_end_is_too_deep_and_a_name_prints_as_itself() {
    struct Deep(u8);

    impl Serialize for Deep {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0 => to.serialize_unit(),
                more => to.collect_seq([Deep(more - 1)]),
            }
        }
    }

    let mut cargo = Cargo::new();
    assert_eq!(cargo.insert("a", Deep(62)), Ok(None));
    for levels in [63, 64, 127, 128, 200] {
        let refused = cargo.insert("b", Deep(levels)).err();
        assert_eq!(refused, Some(CargoError::TooDeep), "{levels}");
    }
    assert_eq!(format!("{USER_ID:?}"), r#"CargoKey("user_id")"#);
}
