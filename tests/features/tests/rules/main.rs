//! The rules of the format do not depend on `serde_json`'s features. The same tests run with
//! `arbitrary_precision`, `preserve_order` and `unbounded_depth`, and without them.

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

/// Seals a token whose cargo is exactly this JSON.
fn seal(cargo: &str) -> String {
    let raw = RawValue::from_string(cargo.to_owned()).expect("JSON");
    codec().seal_value(&raw, HOUR).expect("fits")
}

/// Seals this JSON and opens it as a map.
fn open(cargo: &str) -> Result<Token, OpenError> {
    codec().open(&seal(cargo))
}

/// Detects the features by their effect: `arbitrary_precision` keeps the digits of a wide integer,
/// `preserve_order` the order of entries.
#[test]
fn serde_jsons_features_are_on_exactly_with_the_feature_others() {
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
