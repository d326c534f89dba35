//! Types that serde could not read back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sealtoken::{Cargo, Lifetime, SealError, Token, Value};
use serde::{Deserialize, Serialize};

use super::{Flat, codec, map, refusal, round};

#[derive(Serialize, Deserialize, PartialEq, Clone, Debug)]
#[serde(tag = "kind")]
enum Tagged {
    Wide { n: u128 },
    Keys { m: BTreeMap<u32, bool> },
    Map(BTreeMap<String, Option<Option<u8>>>),
    Own(OwnKind),
}

/// Behind a tag, it has one name twice.
#[derive(Serialize, Deserialize, PartialEq, Clone, Debug)]
struct OwnKind {
    kind: u8,
}

/// Written like this by hand-written code, or by a wrong `rename`.
#[derive(PartialEq, Debug, Deserialize)]
struct Twice<const N: usize> {}

const NAMES: [&str; 19] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
];

impl<const N: usize> Serialize for Twice<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut fields = serializer.serialize_struct("Twice", N)?;
        for name in &NAMES[..N - 1] {
            fields.serialize_field(name, &1)?;
        }
        fields.serialize_field(NAMES[N.saturating_sub(4)], &2)?;
        fields.end()
    }
}

#[derive(Serialize, Deserialize, PartialEq, Clone, Debug)]
#[serde(untagged)]
pub(super) enum Untagged {
    Wide(i128),
    Keys(BTreeMap<i64, u8>),
    Truth(BTreeMap<bool, u8>),
    Text(BTreeMap<String, u8>),
}

#[test]
fn what_serde_could_not_read_back_is_refused_by_its_name() {
    let flat = |name: &str| Flat {
        a: 1,
        rest: map([(name.to_owned(), 2_u8)]),
    };
    assert_eq!(round(&flat("b")), Ok(()));
    assert_eq!(round(&flat("a")), Err(SealError::NameConflict));
    let rest = map([(7_u32, 2_u8)]);
    assert_eq!(round(&Flat { a: 1, rest }), Err(SealError::KeyNotText));
    let rest = map([("b".to_owned(), 2_u128)]);
    assert_eq!(round(&Flat { a: 1, rest }), Err(SealError::WideInteger));
    assert_eq!(round(&Tagged::Wide { n: 1 }), Err(SealError::WideInteger));
    let m = map([(1, true)]);
    assert_eq!(round(&Tagged::Keys { m }), Err(SealError::KeyNotText));
    assert_eq!(round(&Untagged::Wide(-1)), Err(SealError::WideInteger));
    let keys = Untagged::Keys(map([(-1, 1)]));
    assert_eq!(round(&keys), Err(SealError::KeyNotText));
    let truth = Untagged::Truth(map([(true, 1)]));
    assert_eq!(round(&truth), Err(SealError::KeyNotText));
    assert_eq!(round(&Some(None::<u8>)), Err(SealError::SomeNull));
    assert_eq!(round(&Some(())), Err(SealError::SomeNull));
    assert_eq!(round(&Some(Some(1))), Ok(()));
}

/// serde's buffer holds an `f64`. Read as one, the first decimal falls exactly between two `f32`.
#[test]
fn an_f32_comes_back_through_a_buffer() {
    #[derive(Serialize, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Buffered {
        Float(f32),
    }
    for float in [7.038_531e-26_f32, 0.1, 1.0, f32::MAX, f32::from_bits(1)] {
        assert_eq!(round(&float), Ok(()));
        assert_eq!(round(&Buffered::Float(float)), Ok(()));
        let rest = map([("x".to_owned(), float)]);
        assert_eq!(round(&Flat { a: 1, rest }), Ok(()));
    }
}

/// A float with an order, so that it can be a key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Float<const WIDE: bool>(u8);

impl<const WIDE: bool> Serialize for Float<WIDE> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if WIDE {
            to.serialize_f64(self.0.into())
        } else {
            to.serialize_f32(self.0.into())
        }
    }
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Wrapped<T>(T);

#[derive(Serialize)]
struct Unit;

#[test]
fn what_wraps_a_value_hides_nothing_of_it() {
    let no_text = Some(SealError::KeyNotText);
    let key = |key: u32| map([(Wrapped(key), 1)]);
    assert_eq!(refusal(&key(7)), no_text);
    assert_eq!(refusal(&map([(Some(7), 1)])), no_text);
    assert_eq!(refusal(&map([(Some(Wrapped(true)), 1)])), no_text);
    assert_eq!(refusal(&map([(Wrapped(Some(-7_i64)), 1)])), no_text);
    assert_eq!(refusal(&map([(Float::<false>(7), 1)])), no_text);
    assert_eq!(refusal(&map([(Float::<true>(7), 1)])), no_text);
    assert_eq!(refusal(&map([(Some(Wrapped("text")), 1)])), None);

    let null = Some(SealError::SomeNull);
    assert_eq!(refusal(&Some(Unit)), null);
    assert_eq!(refusal(&Some(Wrapped(None::<u8>))), null);
    assert_eq!(refusal(&Some(Wrapped(Wrapped(())))), null);
    assert_eq!(refusal(&Wrapped(Some(Unit))), null);
    assert_eq!(refusal(&Some([None::<u8>])), None);
    assert_eq!(refusal(&Wrapped(None::<u8>)), None);

    let not_finite = Some(SealError::NotFinite);
    assert_eq!(refusal(&Some(Wrapped(f32::NAN))), not_finite);
    assert_eq!(refusal(&Wrapped([f64::NEG_INFINITY])), not_finite);
}

#[test]
fn a_token_is_refused_for_whatever_its_value_is() {
    fn both<T: Serialize + 'static>(value: T, expected: SealError) {
        assert_eq!(refusal(&value), Some(expected));
        let mut token = Token::with_value(value);
        let sealed = codec().seal(&mut token, Lifetime::hours(1));
        assert_eq!(sealed, Err(expected));
        assert!(!token.is_valid());
    }
    let flat = Flat {
        a: 1,
        rest: map([("a".to_owned(), 2_u8)]),
    };
    both(flat, SealError::NameConflict);
    both(map([(7_u32, 1)]), SealError::KeyNotText);
    both(1_u128, SealError::WideInteger);
    both(Some(None::<u8>), SealError::SomeNull);
    both([f64::NAN], SealError::NotFinite);
    let deep = (0..128).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    both(deep, SealError::TooDeep);
}

#[test]
fn a_struct_with_one_name_twice_is_refused() {
    let own = Tagged::Own(OwnKind { kind: 1 });
    assert_eq!(round(&own), Err(SealError::NameConflict));
    assert_eq!(round(&Some(vec![own])), Err(SealError::NameConflict));
    assert_eq!(round(&Twice::<2> {}), Err(SealError::NameConflict));
    assert_eq!(round(&Twice::<16> {}), Err(SealError::NameConflict));
    assert_eq!(round(&Twice::<17> {}), Err(SealError::NameConflict));
    assert_eq!(round(&Twice::<19> {}), Err(SealError::NameConflict));
    assert_eq!(round(&Twice::<20> {}), Err(SealError::NameConflict));
    assert!(Cargo::new().insert("a", Twice::<5> {}).is_err());
}

proptest! {
    #[test]
    fn awkward_types_come_back_or_are_refused(
        text in proptest::collection::btree_map("[a-c]{0,2}", any::<u8>(), 0..4),
        keys in proptest::collection::btree_map(any::<u32>(), any::<bool>(), 0..3),
        wide in any::<u128>(),
        maybe in any::<Option<Option<u8>>>(),
    ) {
        let flat = Flat { a: 1, rest: text.clone() };
        let twice = text.contains_key("a");
        prop_assert_eq!(round(&flat).is_err(), twice);
        prop_assert_eq!(round(&Flat { a: 1, rest: flat }).is_err(), true);
        let _ = round(&Flat { a: 1, rest: keys.clone() });
        let _ = round(&Tagged::Keys { m: keys });
        let _ = round(&Tagged::Wide { n: wide });
        let _ = round(&Tagged::Map(map([("kind".to_owned(), maybe)])));
        let _ = round(&Tagged::Map(map([("x".to_owned(), maybe)])));
        // An empty map matches the first variant that is a map: no writer can know.
        if !text.is_empty() {
            prop_assert_eq!(round(&Untagged::Text(text)), Ok(()));
        }
    }
}
