//! The suite again, with the features of serde_json that other crates of a build may turn on.

#[path = "../../suite/cargo_map/mod.rs"]
mod cargo_map;
#[path = "../../suite/codec/mod.rs"]
mod codec;

#[path = "../../suite/properties.rs"]
mod properties;
#[path = "../../suite/sealed_lies.rs"]
mod sealed_lies;
#[path = "../../suite/states.rs"]
mod states;
#[path = "../../suite/vectors.rs"]
mod vectors;

use sealtoken::{Cargo, Key, KeyRing, Lifetime, Token, Value};

#[test]
fn an_entry_may_be_named_like_serde_jsons_marker_for_numbers() {
    for value in [r#""12""#, "12", "null", r#"{"a":1}"#] {
        let json = format!(r#"{{"$serde_json::private::Number":{value}}}"#);
        let cargo: Cargo = json.parse().unwrap();
        assert_eq!(
            cargo.keys().collect::<Vec<_>>(),
            ["$serde_json::private::Number"]
        );
        assert_eq!(serde_json::to_string(&cargo).unwrap(), json);
        let inner: Cargo = format!(r#"{{"x":{json}}}"#).parse().unwrap();
        assert!(matches!(inner.value("x"), Some(Value::Object(_))));
    }
}

#[test]
fn a_serde_json_value_survives_a_round_trip() {
    let json = concat!(
        r#"{"big":18446744073709551615,"float":0.1,"list":[1,-1,2.5e300],"#,
        r#""small":-9223372036854775808,"zero":-0.0}"#
    );
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let codec = KeyRing::new(Key::generate()).codec("json").unwrap();

    let mut token = Token::new();
    token.cargo_mut().insert("value", &value).unwrap();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    let opened = codec.open(&text).unwrap();
    let back: serde_json::Value = opened.cargo().require("value").unwrap();
    assert_eq!(back["big"].as_u64(), Some(u64::MAX));
    assert_eq!(back["small"].as_i64(), Some(i64::MIN));
    assert_eq!(back["float"].as_f64(), Some(0.1));
    let zero = back["zero"].as_f64().unwrap();
    assert!(zero == 0.0 && zero.is_sign_negative());

    let text = codec.seal_value(&value, Lifetime::hours(1)).unwrap();
    assert_eq!(
        codec
            .open_value::<serde_json::Value>(&text)
            .unwrap()
            .value(),
        &value
    );

    // A cargo refuses integers beyond 64 bits, even where serde_json keeps all their digits.
    let beyond =
        serde_json::from_str::<serde_json::Value>("123456789012345678901234567890").unwrap();
    let inserted = token.cargo_mut().insert("beyond", beyond);
    assert_eq!(inserted.is_err(), cfg!(feature = "others"));
}
