//! The names in a map, and its depth.

use sealtoken::{Cargo, CargoError, OpenError, SealError, Token};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{HOUR, codec, open, seal};

const MARKS: [&str; 2] = [
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
];

#[test]
fn a_repeated_name_is_refused_at_any_depth_and_in_any_spelling() {
    for cargo in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"b":[{"c":{"a":1,"b":2,"a":3}}]}"#,
        r#"{"b":[{"c":{"a":1,"\u0061":3}}]}"#,
        r#"{"\ud83d\ude00":1,"😀":2}"#,
        r#"{"":1,"":2}"#,
        r#"{"$serde_json::private::Number":"1","$serde_json::private::Number":"2"}"#,
    ] {
        // Sealing also checks raw JSON that a type supplies. The vectors show that opening does.
        let raw = RawValue::from_string(cargo.to_owned()).expect("JSON");
        let sealed = codec().seal_value(&raw, HOUR);
        let refused = matches!(sealed, Err(SealError::NameConflict | SealError::Cargo));
        assert!(refused, "{cargo}: {sealed:?}");
        assert_eq!(cargo.parse::<Cargo>(), Err(CargoError::Json), "{cargo}");
    }
    assert!(open(r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#).is_ok());
}

#[test]
fn entries_may_be_named_like_serde_jsons_markers() {
    for mark in MARKS {
        for value in [r#""12""#, "12", r#""text""#, "null", r#"{"a":1}"#, "[]"] {
            let expected: Value = serde_json::from_str(value).expect("JSON");
            for cargo in [
                format!(r#"{{"{mark}":{value}}}"#),
                format!(r#"{{"{mark}":{value},"b":2}}"#),
                format!(r#"{{"a":1,"{mark}":{value}}}"#),
                format!(r#"{{"{}":{value}}}"#, mark.replace('$', "\\u0024")),
            ] {
                let token = open_map(&cargo);
                assert_eq!(
                    token.cargo().require::<Value>(mark).as_ref(),
                    Ok(&expected),
                    "{cargo}"
                );
                // And it goes in as it came out.
                let mut copy = Token::new();
                copy.cargo_mut()
                    .insert(mark, token.cargo().value(mark))
                    .expect("within the rules");
                copy.cargo_mut()
                    .insert("inside", token.cargo())
                    .expect("within the rules");
                let text = codec().seal(&mut copy, HOUR).expect("fits");
                assert!(
                    codec().open(&text).expect("genuine").cargo() == copy.cargo(),
                    "{cargo}"
                );
            }
            let inside = open_map(&format!(r#"{{"a":[{{"{mark}":{value}}}]}}"#));
            assert!(inside.cargo().value("a").is_some());
        }
    }
}

/// A token of this map, sealed and opened.
fn open_map(cargo: &str) -> Token {
    let mut token = Token::new();
    *token.cargo_mut() = cargo.parse().expect("a map");
    let text = codec().seal(&mut token, HOUR).expect("fits");
    codec().open(&text).expect("genuine")
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn a_map_has_at_most_64_levels() {
    // Two of them are the token's object and the cargo's.
    assert!(open(&format!(r#"{{"a":{}}}"#, nested(62))).is_ok());
    for levels in [63, 64, 100, 126] {
        let cargo = format!(r#"{{"a":{}}}"#, nested(levels));
        assert_eq!(open(&cargo).err(), Some(OpenError::Payload), "{levels}");
        assert_eq!(cargo.parse::<Cargo>(), Err(CargoError::Json), "{levels}");
    }
    for levels in [1_000, 100_000] {
        assert_eq!(
            format!(r#"{{"a":{}}}"#, nested(levels)).parse::<Cargo>(),
            Err(CargoError::Json)
        );
    }
    let value = |levels| serde_json::from_str::<Value>(&nested(levels)).expect("JSON");
    let mut cargo = Cargo::new();
    assert!(cargo.insert("a", value(62)).is_ok());
    assert_eq!(cargo.insert("a", value(63)), Err(CargoError::TooDeep));
    assert!(cargo.push("b", value(61)).is_ok());
    assert_eq!(cargo.push("b", value(62)), Err(CargoError::TooDeep));
}

#[test]
fn a_callers_type_has_at_most_128_levels() {
    let text = seal(&nested(127));
    assert!(codec().open_value::<IgnoredAny>(&text).is_ok());
    assert!(codec().open_value::<Value>(&text).is_ok());
    assert!(
        codec()
            .open_with(&text, |opened| opened.cargo::<Value>())
            .is_ok()
    );
    let deeper = (1..128).fold(Value::Array(Vec::new()), |inside, _| {
        Value::Array(vec![inside])
    });
    assert_eq!(codec().seal_value(&deeper, HOUR), Err(SealError::TooDeep));
}

#[test]
fn an_unpaired_surrogate_is_not_sealed() {
    for cargo in [
        r#"{"a":"\ud83d"}"#,
        r#"{"\udc00":1}"#,
        r#"{"a":["\ude00\ud83d"]}"#,
    ] {
        let raw = RawValue::from_string(cargo.to_owned()).expect("JSON");
        assert_eq!(
            codec().seal_value(&raw, HOUR),
            Err(SealError::Cargo),
            "{cargo}"
        );
        assert!(cargo.parse::<Cargo>().is_err(), "{cargo}");
    }
}

#[test]
fn entries_are_sorted_regardless_of_their_order_in_the_text() {
    let token = open(r#"{"b":1,"a":{"d":1,"c":2}}"#).expect("a map");
    assert!(token.cargo().keys().eq(["a", "b"]));
    let written = serde_json::to_string(token.cargo()).expect("a map");
    assert_eq!(written, r#"{"a":{"c":2,"d":1},"b":1}"#);
}
