//! The rules of the format hold whatever features of `serde_json` a build turns on: the same tests run with
//! `arbitrary_precision`, `preserve_order` and `unbounded_depth`, and with none of them.

mod cargo;
mod numbers;
mod vectors;

use sealtoken::{Codec, Key, KeyRing, Lifetime, OpenError, Token};
use serde_json::value::RawValue;

const HOUR: Lifetime = Lifetime::hours(1);

fn codec() -> Codec {
    let ring = KeyRing::new(Key::from_bytes([5; 32]));
    ring.codec("rules")
        .expect("a purpose")
        .with_max_len(1 << 20)
}

/// A token whose cargo is this JSON, as it stands here.
fn seal(cargo: &str) -> String {
    let raw = RawValue::from_string(cargo.to_owned()).expect("JSON");
    codec().seal_value(&raw, HOUR).expect("fits")
}

/// A token whose cargo is this JSON, opened as a map.
fn open(cargo: &str) -> Result<Token, OpenError> {
    codec().open(&seal(cargo))
}

/// The names of the features, by what they do: with `arbitrary_precision` a wide integer keeps its digits.
#[test]
fn the_features_are_on_where_they_should_be() {
    let wide: serde_json::Value = serde_json::from_str("18446744073709551616").expect("JSON");
    assert_eq!(
        wide.to_string() == "18446744073709551616",
        cfg!(feature = "others")
    );
    let ordered: serde_json::Value = serde_json::from_str(r#"{"b":1,"a":2}"#).expect("JSON");
    assert_eq!(
        ordered.to_string() == r#"{"b":1,"a":2}"#,
        cfg!(feature = "others")
    );
}
