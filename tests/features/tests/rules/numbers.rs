//! Numbers: the accepted range, and round trips that keep every bit.

use std::collections::BTreeMap;

use sealtoken::{Cargo, CargoError, OpenError, SealError, Token};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{HOUR, codec, open, seal};

fn as_f64(value: &sealtoken::Value) -> Option<f64> {
    match value {
        sealtoken::Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

#[test]
fn integers_of_64_bits_come_back_and_wider_ones_are_refused() {
    let token =
        open(r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":0}"#).expect("in range");
    assert_eq!(token.cargo().require("a"), Ok(u64::MAX));
    assert_eq!(token.cargo().require("b"), Ok(i64::MIN));
    assert_eq!(token.cargo().require("c"), Ok(0_u8));
    for wide in [
        "18446744073709551616",
        "-9223372036854775809",
        "340282366920938463463374607431768211455",
        "123456789012345678901234567890123456789012345678901234567890",
    ] {
        for cargo in [
            format!(r#"{{"a":{wide}}}"#),
            format!(r#"{{"a":[{{"b":["\"",{wide}]}}]}}"#),
        ] {
            assert_eq!(open(&cargo).err(), Some(OpenError::Payload), "{cargo}");
            assert_eq!(cargo.parse::<Cargo>(), Err(CargoError::Json), "{cargo}");
        }
        // In a string or as a float, it is not an integer.
        assert!(open(&format!(r#"{{"a":"{wide}","b":{wide}.0}}"#)).is_ok());
    }
    let mut cargo = Cargo::new();
    assert_eq!(
        cargo.insert("a", u128::from(u64::MAX) + 1),
        Err(CargoError::Unsupported)
    );
    assert_eq!(
        cargo.insert("a", i128::from(i64::MIN) - 1),
        Err(CargoError::Unsupported)
    );
    assert!(cargo.insert("a", u128::from(u64::MAX)).is_ok());
    assert!(cargo.insert("b", i128::from(i64::MIN)).is_ok());
    assert_eq!(cargo.require("a"), Ok(u64::MAX));
}

/// Floats that an inexact parser rounds to a neighbour.
const FLOATS: [f64; 16] = [
    0.0,
    -0.0,
    0.1,
    -2.5,
    1.0,
    1e21,
    1e-7,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    2.225_073_858_507_201e-308,
    9_007_199_254_740_993.0,
    18_446_744_073_709_551_616.0,
    -9_223_372_036_854_775_808.0,
    0.300_000_000_000_000_04,
];

#[test]
fn floats_come_back_bit_for_bit() {
    let mut token = Token::new();
    token.cargo_mut().insert("floats", FLOATS).expect("finite");
    for (index, float) in FLOATS.iter().enumerate() {
        token
            .cargo_mut()
            .insert(format!("{index}"), float)
            .expect("finite");
    }
    let codec = codec();
    let text = codec.seal(&mut token, HOUR).expect("fits");
    let opened = codec.open(&text).expect("genuine");
    assert!(opened.cargo() == token.cargo());
    let bits = |floats: &[f64]| {
        floats
            .iter()
            .map(|float| float.to_bits())
            .collect::<Vec<_>>()
    };
    let floats: Vec<f64> = opened.cargo().require("floats").expect("floats");
    assert_eq!(bits(&floats), bits(&FLOATS));
    for (index, float) in FLOATS.iter().enumerate() {
        let name = format!("{index}");
        let value = opened.cargo().value(&name).and_then(as_f64);
        assert_eq!(value.map(f64::to_bits), Some(float.to_bits()), "{float:e}");
    }
    let text = codec.seal_value(&FLOATS, HOUR).expect("finite");
    let typed = codec.open_value::<[f64; 16]>(&text).expect("floats");
    assert_eq!(bits(typed.value()), bits(&FLOATS));
}

#[test]
fn every_spelling_of_a_number_has_the_right_value() {
    let token =
        open(r#"{"a":-0,"b":0e9,"c":1E2,"d":1e-2,"e":-0.0,"f":10000000000000000000.5,"g":1.0}"#);
    let token = token.expect("numbers");
    let float = |name: &str| token.cargo().value(name).and_then(as_f64);
    let expected = [
        ("a", -0.0),
        ("b", 0.0),
        ("c", 100.0),
        ("d", 0.01),
        ("e", -0.0),
        ("f", 1e19),
        ("g", 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(
            float(name).map(f64::to_bits),
            Some(f64::to_bits(value)),
            "{name}"
        );
    }
    for beyond in ["1e309", "-1e309", "1e99999999999999999999"] {
        assert_eq!(
            open(&format!(r#"{{"a":{beyond}}}"#)).err(),
            Some(OpenError::Payload),
            "{beyond}"
        );
    }
}

#[test]
fn a_number_that_is_not_finite_is_refused_everywhere() {
    #[derive(Serialize)]
    struct Deep {
        inner: Vec<Option<(u8, f32)>>,
    }

    let codec = codec();
    let mut cargo = Cargo::new();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(cargo.insert("a", bad), Err(CargoError::NotFinite));
        assert_eq!(cargo.push("a", [Some(bad)]), Err(CargoError::NotFinite));
        assert_eq!(codec.seal_value(&bad, HOUR), Err(SealError::NotFinite));
        assert_eq!(
            codec.seal_value(&BTreeMap::from([("a", vec![bad])]), HOUR),
            Err(SealError::NotFinite)
        );
        #[expect(clippy::cast_possible_truncation, reason = "infinity and NaN survive")]
        let deep = Deep {
            inner: vec![None, Some((1, bad as f32))],
        };
        assert_eq!(codec.seal_value(&deep, HOUR), Err(SealError::NotFinite));
        assert_eq!(
            codec.seal(&mut Token::with_value(bad), HOUR),
            Err(SealError::NotFinite)
        );
    }
    assert!(cargo.is_empty() && !cargo.is_dirty());
}

#[test]
fn a_callers_own_numbers_are_read_by_their_type() {
    #[derive(Deserialize, PartialEq, Debug)]
    struct Numbers {
        natural: u64,
        negative: i8,
        float: f64,
        maybe: Option<u32>,
    }

    let text = seal(
        r#"{"natural":18446744073709551615,"negative":-128,"float":1,"maybe":null,"more":[1.5]}"#,
    );
    let expected = Numbers {
        natural: u64::MAX,
        negative: -128,
        float: 1.0,
        maybe: None,
    };
    assert_eq!(
        codec()
            .open_value::<Numbers>(&text)
            .expect("numbers")
            .into_value(),
        expected
    );
    assert_eq!(
        codec().open_with(&text, |opened| opened.cargo::<Numbers>()),
        Ok(expected)
    );
    for wrong in ["1.5", "-1", "256", r#""1""#, "1e0"] {
        let error = codec().open_value::<u8>(&seal(wrong)).err();
        assert_eq!(error, Some(OpenError::Payload), "{wrong}");
    }
}

#[test]
fn a_serde_json_value_seals_and_opens_like_any_type() {
    let value: Value = serde_json::from_str(
        r#"{"a":18446744073709551615,"b":-5,"c":[0.1,-0.0,1e300,null,true,"x\n"],"d":{"e":{}}}"#,
    )
    .expect("JSON");
    let codec = codec();
    let text = codec.seal_value(&value, HOUR).expect("fits");
    assert_eq!(
        codec.open_value::<Value>(&text).expect("any JSON").value(),
        &value
    );
    let map = codec.open(&text).expect("a map");
    assert_eq!(map.cargo().require("a"), Ok(u64::MAX));

    // As one entry of a map, before sealing and after opening.
    let mut token = Token::new();
    token
        .cargo_mut()
        .insert("value", &value)
        .expect("within the rules");
    let text = codec.seal(&mut token, HOUR).expect("fits");
    let opened = codec.open(&text).expect("genuine");
    for cargo in [token.cargo(), opened.cargo()] {
        assert_eq!(cargo.require::<Value>("value").expect("any JSON"), value);
        assert_eq!(
            cargo
                .require::<BTreeMap<String, Value>>("value")
                .expect("a map")["b"],
            -5
        );
    }
}
