//! Properties that hold for any cargo.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sealtoken::{Cargo, Codec, Key, KeyRing, Lifetime, Number, Token, Value};

fn codec() -> Codec {
    let keys = KeyRing::new(Key::from_bytes([9; 32]));
    keys.codec("property").unwrap().with_max_len(1 << 20)
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        // Every bit pattern that is a finite number.
        any::<u64>().prop_filter_map("finite", |bits| Number::try_from(f64::from_bits(bits)).ok()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn cargo() -> impl Strategy<Value = BTreeMap<String, Value>> {
    proptest::collection::btree_map(any::<String>(), value(), 0..6)
}

fn filled(entries: &BTreeMap<String, Value>) -> Cargo {
    let mut cargo = Cargo::new();
    for (name, value) in entries {
        cargo.insert(name, value).unwrap();
    }
    cargo
}

proptest! {
    #[test]
    fn opening_returns_the_sealed_content(
        entries in cargo(),
        context in proptest::option::of("[^\0]{1,300}"),
        padding in 0_usize..300,
        seconds in 1_u64..1_000_000,
    ) {
        let mut codec = codec().with_padding(padding);
        if let Some(context) = &context {
            codec = codec.bound_to(context).unwrap();
        }
        let mut token = Token::new();
        token.cargo_mut().replace(filled(&entries));
        let text = codec.seal(&mut token, Lifetime::seconds(seconds)).unwrap();
        let opened = codec.open(&text).unwrap();
        prop_assert_eq!(opened.cargo(), token.cargo());
        prop_assert_eq!(opened.uuid(), token.uuid());
        prop_assert_eq!(opened.lifetime(), Some(Lifetime::seconds(seconds)));
        prop_assert_eq!(opened.sealed(), Some(text.as_str()));
        let again: BTreeMap<String, Value> = opened
            .cargo()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        prop_assert_eq!(again, entries);
    }

    #[test]
    fn a_cargo_survives_a_round_trip_through_json(entries in cargo()) {
        let cargo = filled(&entries);
        let json = serde_json::to_string(&cargo).unwrap();
        prop_assert_eq!(&json.parse::<Cargo>().unwrap(), &cargo);
        prop_assert_eq!(&serde_json::from_str::<Cargo>(&json).unwrap(), &cargo);
    }

    #[test]
    fn typed_values_come_back_bit_for_bit(
        integers in any::<(u64, i64, u8, i32)>(),
        bits in any::<u64>(),
        text in any::<String>(),
    ) {
        let float = f64::from_bits(bits);
        let sealed = codec().seal_value(&(integers, float, &text), Lifetime::hours(1));
        if !float.is_finite() {
            prop_assert_eq!(sealed, Err(sealtoken::SealError::NotFinite));
            return Ok(());
        }
        type Own = ((u64, i64, u8, i32), f64, String);
        let opened = codec().open_value::<Own>(&sealed.unwrap()).unwrap().into_value();
        prop_assert_eq!(opened.0, integers);
        prop_assert_eq!(opened.1.to_bits(), bits);
        prop_assert_eq!(opened.2, text);
    }

    #[test]
    fn no_text_opens_by_chance(text in "(st1_)?[A-Za-z0-9_-]{0,200}") {
        prop_assert!(codec().open(&text).is_err());
    }

    #[test]
    fn padding_hides_the_length_within_a_block(length in 0_usize..200) {
        let seal = |length: usize| {
            let value = "x".repeat(length);
            codec().with_padding(512).seal_value(&value, Lifetime::hours(1)).unwrap().len()
        };
        prop_assert_eq!(seal(length), Codec::sealed_len(512));
    }
}
