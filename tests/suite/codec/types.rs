//! Cargos of the caller's own types: owned, lent, refused.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use sealtoken::{Lifetime, OpenError, SealError, Token};
use serde::{Deserialize, Serialize};

use super::codec;

#[test]
fn a_type_that_ignores_numbers_ignores_them_with_escapes_beside_and_without() {
    #[derive(Deserialize)]
    struct OnlyA {
        a: u64,
    }
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    for text in [r#"{"a":1,"b":1e999}"#, r#"{"a":1,"b":1e999,"d":"x\n"}"#] {
        let sealed = codec().seal_value(&raw(text), Lifetime::hours(1)).unwrap();
        assert_eq!(codec().open_value::<OnlyA>(&sealed).unwrap().value().a, 1);
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Note {
    title: String,
    n: u32,
}

#[derive(Deserialize)]
struct Borrowed<'a> {
    title: &'a str,
}

#[derive(Deserialize)]
struct Lenient<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
}

#[test]
fn lent_cargo_borrows_and_text_with_escapes_wants_a_cow() {
    let seal = |title: &str| {
        let note = Note {
            title: title.into(),
            n: 1,
        };
        codec().seal_value(&note, Lifetime::hours(1)).unwrap()
    };
    let plain = seal("plain");
    let read = codec().open_with(&plain, |opened| {
        Ok(opened.cargo::<Borrowed<'_>>()?.title.len())
    });
    assert_eq!(read, Ok(5));
    let escaped = seal("two\nlines");
    let read = codec().open_with(&escaped, |opened| {
        Ok(opened.cargo::<Borrowed<'_>>()?.title.len())
    });
    assert_eq!(read, Err(OpenError::Payload));
    let read = codec().open_with(&escaped, |opened| {
        Ok(opened.cargo::<Lenient<'_>>()?.title.len())
    });
    assert_eq!(read, Ok(9));
}

#[test]
fn sealing_and_opening_inside_of_a_lent_token_works() {
    let text = codec()
        .seal_value(
            &Note {
                title: "outer".into(),
                n: 1,
            },
            Lifetime::hours(1),
        )
        .unwrap();
    let inner = codec().open_with(&text, |opened| {
        let outer: Borrowed<'_> = opened.cargo()?;
        let inner = Note {
            title: outer.title.to_owned() + "!",
            n: 2,
        };
        let text = codec()
            .seal_value(&inner, Lifetime::hours(1))
            .map_err(|_| OpenError::Payload)?;
        let title = codec().open_with(&text, |inner| Ok(inner.cargo::<Note>()?.title))?;
        // The outer token is unchanged.
        assert_eq!(opened.cargo::<Borrowed<'_>>()?.title, "outer");
        assert_eq!(
            opened.expires_at().map(|end| end - opened.issued_at()),
            Some(Duration::from_secs(3600))
        );
        assert_eq!(
            (opened.lifetime(), opened.needs_reseal()),
            (Lifetime::hours(1), false)
        );
        assert_eq!(opened.first_issued_at(), opened.issued_at());
        Ok(title)
    });
    assert_eq!(inner.as_deref(), Ok("outer!"));
}

#[test]
fn cargo_of_another_type_is_a_payload_error_and_lets_nothing_out() {
    let text = codec()
        .seal_value(
            &Note {
                title: "secret".into(),
                n: 1,
            },
            Lifetime::hours(1),
        )
        .unwrap();
    let error = codec()
        .open_value::<HashMap<String, u32>>(&text)
        .unwrap_err();
    assert_eq!(error, OpenError::Payload);
    assert!(!format!("{error:?} {error}").contains("secret"));
    let token = codec().open_value::<Note>(&text).unwrap();
    let shown = format!("{token:?} {:?}", codec());
    assert!(
        !shown.contains("secret") && !shown.contains(&text),
        "{shown}"
    );
    // A cargo that is not an object opens as a type, but not as a map.
    let number = codec().seal_value(&5, Lifetime::hours(1)).unwrap();
    assert_eq!(codec().open(&number).err(), Some(OpenError::Payload));
    assert_eq!(codec().open_value::<u8>(&number).unwrap().into_value(), 5);
}

#[test]
fn numbers_that_are_not_finite_are_refused_in_typed_seals_at_any_depth() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let seal = |value: &dyn Fn() -> Result<String, SealError>| {
            assert_eq!(value(), Err(SealError::NotFinite))
        };
        seal(&|| codec().seal_value(&bad, Lifetime::hours(1)));
        seal(&|| codec().seal_value(&(bad as f32), Lifetime::hours(1)));
        seal(&|| codec().seal_value(&Some(vec![(1, bad)]), Lifetime::hours(1)));
        seal(&|| codec().seal_value(&HashMap::from([("x", bad)]), Lifetime::hours(1)));
        seal(&|| codec().seal(&mut Token::with_value(Some(bad)), Lifetime::hours(1)));
    }
    assert!(
        codec()
            .seal_value(&f64::MIN_POSITIVE, Lifetime::hours(1))
            .is_ok()
    );
}

#[test]
fn a_typed_cargo_has_at_most_128_levels_in_both_directions() {
    let nested = |levels: usize| {
        let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        serde_json::value::RawValue::from_string(text).unwrap()
    };
    let codec = codec().with_max_len(10_000);
    let text = codec.seal_value(&nested(127), Lifetime::hours(1)).unwrap();
    assert!(codec.open_value::<serde_json::Value>(&text).is_ok());
    let refused = codec.seal_value(&nested(128), Lifetime::hours(1));
    assert_eq!(refused, Err(SealError::TooDeep));
}

#[test]
fn json_of_the_callers_own_is_not_sealed_where_no_opener_would_take_it() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    let seal = |text| {
        codec()
            .seal_value(&raw(text), Lifetime::hours(1))
            .map(|_| ())
    };
    assert_eq!(seal(r#""\ud83d\ude00""#), Ok(()));
    assert_eq!(seal(r#"{"a":"\ud83d"}"#), Err(SealError::Cargo));
    assert_eq!(seal(r#""\n\\""#), Ok(()));
}
