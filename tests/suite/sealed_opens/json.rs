//! Names, levels and integers of JSON.

use std::collections::BTreeMap;

use sealtoken::{Cargo, Lifetime, OpenError, SealError, Token, Value};
use serde::{Deserialize, Serialize};

use super::{Flat, codec, map, refusal, round};

#[test]
fn a_private_name_of_serde_json_is_no_name_for_an_entry() {
    let private = "$serde_json::private::RawValue";
    let value = serde_json::Value::Object([(private.to_owned(), "1".into())].into_iter().collect());
    assert_eq!(round(&value), Err(SealError::NameConflict));
    assert_eq!(
        round(&map([(private.to_owned(), 1)])),
        Err(SealError::NameConflict)
    );
    let raw = |text: &str| {
        let raw = serde_json::value::RawValue::from_string(text.into()).unwrap();
        codec().seal_value(&raw, Lifetime::hours(1)).map(|_| ())
    };
    assert_eq!(raw(r#"{"a":1,"b":{"a":1}}"#), Ok(()));
    assert_eq!(raw(r#"{"a":1,"a":2}"#), Err(SealError::NameConflict));
}

/// A map that is the whole cargo takes them. A map in a caller's type does not, because it looks
/// like a `serde_json::Value`.
#[test]
fn a_private_name_in_a_map_is_sealed_where_the_map_is_the_token() {
    for name in ["Number", "RawValue"].map(|name| format!("$serde_json::private::{name}")) {
        let mut token = Token::new();
        token.cargo_mut().insert("a", 1).unwrap();
        token.cargo_mut().insert(&name, "1").unwrap();
        let text = codec().seal(&mut token, Lifetime::hours(1)).unwrap();
        let mut opened = codec().open(&text).unwrap();
        assert_eq!(opened.cargo(), token.cargo());
        assert!(codec().reseal(&mut opened).is_ok());

        assert_eq!(refusal(token.cargo()), Some(SealError::NameConflict));
        let mut flat = codec().open_value::<Flat<Cargo>>(&text).unwrap();
        assert_eq!(codec().reseal(&mut flat), Err(SealError::NameConflict));
        flat.value_mut().rest.remove(&name);
        assert!(codec().reseal(&mut flat).is_ok());
    }
}

/// PHP and Python write names like this by default.
#[test]
fn names_of_json_that_a_type_brings_may_be_escaped() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    let json = raw(r#"{"gr\u00fc\u00dfe":1,"a\/b":2,"\ud83d\ude00":3,"\u0061":4,"\n":5}"#);
    let text = codec().seal_value(&json, Lifetime::hours(1)).unwrap();
    let opened = codec().open_value::<BTreeMap<String, u8>>(&text).unwrap();
    let names: Vec<_> = opened.value().keys().collect();
    assert_eq!(names, ["\n", "a", "a/b", "grüße", "\u{1f600}"]);

    let name = Some(SealError::NameConflict);
    assert_eq!(refusal(&raw(r#"{"a":1,"\u0061":2}"#)), name);
    assert_eq!(refusal(&raw(r#"[{"\/":1,"/":2}]"#)), name);
    let private = r#"{"\u0024serde_json::private::RawValue":"1"}"#;
    assert_eq!(refusal(&raw(private)), name);
    for lone in [
        r#"{"\ud800":1}"#,
        r#"{"a":"\ud800"}"#,
        r#"["\ude00\ud83d"]"#,
    ] {
        let refused = (refusal(&raw(lone)), refusal(&(1, raw(lone))));
        assert_eq!(
            refused,
            (Some(SealError::Cargo), Some(SealError::Cargo)),
            "{lone}"
        );
    }
    assert!(
        SealError::Cargo
            .to_string()
            .contains("embeds JSON that no opener accepts")
    );
}

#[test]
fn a_value_of_the_library_opens_at_every_level_that_is_sealed() {
    for levels in [61, 62, 63, 64, 100, 126, 127] {
        let value = (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert_eq!(round(&value), Ok(()), "{levels}");
    }
    let value = (0..128).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert_eq!(round(&value), Err(SealError::TooDeep));
}

#[test]
fn integers_beyond_64_bits_are_no_numbers_of_a_map_on_any_way_in() {
    let seal = |text: &str| {
        let raw = serde_json::value::RawValue::from_string(text.into()).unwrap();
        codec().seal_value(&raw, Lifetime::hours(1)).unwrap()
    };
    let text = seal(r#"{"a":1,"b":18446744073709551616}"#);
    let refused = Some(OpenError::Payload);
    assert_eq!(codec().open(&text).err(), refused);
    assert_eq!(codec().open_value::<Value>(&text).err(), refused);
    assert_eq!(codec().open_value::<Flat<Cargo>>(&text).err(), refused);
    let lent = codec().open_with(&text, |opened| opened.cargo::<Cargo>());
    assert_eq!(lent.err(), refused);
    let text = seal(r#"{"a":1,"b":1e300}"#);
    assert!(codec().open_value::<Flat<Cargo>>(&text).is_ok());
}

#[derive(Serialize, Deserialize)]
struct Raw {
    raw: Box<serde_json::value::RawValue>,
    v: Value,
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.raw.get() == other.raw.get() && self.v == other.v
    }
}

/// serde_json does not distinguish wide integers from floats. So a wide integer is refused only if
/// it equals a float.
#[test]
fn a_wide_integer_that_no_value_of_the_library_reads_refuses_no_token() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    let with = |text: &str, v: f64| {
        let v = Value::try_from(v).unwrap();
        round(&Raw { raw: raw(text), v })
    };
    let wide = "123456789012345678901234567890";
    assert_eq!(with(wide, 1e300), Ok(()));
    assert_eq!(with(&format!("[{wide},1e30]"), -1e30), Ok(()));
    let (float, integer) = (1e30, format!("1{}", "0".repeat(30)));
    let refused = Err(SealError::WideInteger);
    assert_eq!(with(&integer, float), refused);
    assert_eq!(
        with(&format!(r#"{{"a":["\"",-{integer}]}}"#), -float),
        refused
    );
    assert_eq!(with(&format!(r#""{integer}""#), float), Ok(()));

    #[derive(Deserialize)]
    struct Part {
        v: Value,
    }
    let open = |text: &str| {
        let text = codec().seal_value(&raw(text), Lifetime::hours(1)).unwrap();
        let opened = codec().open_value::<Part>(&text)?;
        Ok(opened.value().v == Value::try_from(1e300).unwrap())
    };
    assert_eq!(
        open(&format!(r#"{{"v":1e300,"ignored":{wide}}}"#)),
        Ok(true)
    );
    let refused = Err(OpenError::Payload);
    assert_eq!(open(&format!(r#"{{"v":{wide},"ignored":1e300}}"#)), refused);
}
