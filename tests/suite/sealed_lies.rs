//! Types that tell serde one thing and do another: what is sealed of them opens, and the rest is
//! refused.

use sealtoken::{Cargo, CargoError, Codec, Key, KeyRing, Lifetime, SealError, Token};
use serde::ser::{
    Error as _, SerializeMap as _, SerializeSeq as _, SerializeStruct as _,
    SerializeStructVariant as _, SerializeTuple as _, SerializeTupleStruct as _,
    SerializeTupleVariant as _,
};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

const HOUR: Lifetime = Lifetime::hours(1);

fn codec() -> Codec {
    let keys = KeyRing::new(Key::from_bytes([12; 32]));
    keys.codec("sealed lies").unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Seq,
    Tuple,
    TupleStruct,
    TupleVariant,
    Map,
    Struct,
    StructVariant,
}

const SHAPES: [Shape; 7] = [
    Shape::Seq,
    Shape::Tuple,
    Shape::TupleStruct,
    Shape::TupleVariant,
    Shape::Map,
    Shape::Struct,
    Shape::StructVariant,
];

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Announces no length, and writes this many elements.
#[derive(Clone, Copy)]
struct Lies(Shape, usize);

impl Serialize for Lies {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(shape, count) = *self;
        macro_rules! elements {
            ($begun:expr, $method:ident) => {{
                let mut begun = $begun?;
                for _ in 0..count {
                    begun.$method(&1)?;
                }
                begun.end()
            }};
        }
        macro_rules! fields {
            ($begun:expr, $method:ident) => {{
                let mut begun = $begun?;
                for name in &NAMES[..count] {
                    begun.$method(name, &1)?;
                }
                begun.end()
            }};
        }
        match shape {
            Shape::Seq => elements!(to.serialize_seq(Some(0)), serialize_element),
            Shape::Tuple => elements!(to.serialize_tuple(0), serialize_element),
            Shape::TupleStruct => elements!(to.serialize_tuple_struct("Lies", 0), serialize_field),
            Shape::TupleVariant => elements!(
                to.serialize_tuple_variant("Lies", 0, "v", 0),
                serialize_field
            ),
            Shape::Map => fields!(to.serialize_map(Some(0)), serialize_entry),
            Shape::Struct => fields!(to.serialize_struct("Lies", 0), serialize_field),
            Shape::StructVariant => fields!(
                to.serialize_struct_variant("Lies", 0, "v", 0),
                serialize_field
            ),
        }
    }
}

impl Lies {
    fn expected(self) -> Value {
        let Self(shape, count) = self;
        let list: Value = vec![1; count].into();
        let map: Value = NAMES[..count].iter().map(|name| (*name, 1)).collect();
        match shape {
            Shape::Seq | Shape::Tuple | Shape::TupleStruct => list,
            Shape::TupleVariant => json!({ "v": list }),
            Shape::Map | Shape::Struct => map,
            Shape::StructVariant => json!({ "v": map }),
        }
    }
}

#[test]
fn a_length_that_is_announced_and_not_kept_changes_nothing_that_is_sealed() {
    for shape in SHAPES {
        for count in 0..=NAMES.len() {
            let lies = Lies(shape, count);
            let expected = lies.expected();
            let sealed = codec().seal_value(&lies, HOUR).unwrap();
            let token = codec().seal(&mut Token::with_value(lies), HOUR).unwrap();
            for text in [sealed, token] {
                let opened = codec().open_value::<Value>(&text);
                let opened = opened.unwrap_or_else(|e| panic!("{shape:?} {count}: {e}"));
                assert_eq!(opened.value(), &expected, "{shape:?} {count}");
            }
            let mut cargo = Cargo::new();
            cargo.insert("a", lies).unwrap();
            cargo.push("b", Some([lies])).unwrap();
            assert_eq!(cargo.require("a"), Ok(expected.clone()));
            assert_eq!(cargo.require("b"), Ok(json!([[expected]])));
        }
    }
}

/// Why no way of sealing takes the value. No cargo takes it either.
fn refusal<T: Serialize + Clone + 'static>(value: &T) -> Option<SealError> {
    let alone = codec().seal_value(value, HOUR).err();
    let nested = codec().seal_value(&[Some(value)], HOUR).err();
    let token = codec().seal(&mut Token::with_value(value.clone()), HOUR);
    assert_eq!((nested, token.err()), (alone, alone));
    let refused = Cargo::new().insert("a", value).is_err();
    assert_eq!(refused, alone.is_some());
    alone
}

#[derive(Clone, Copy)]
enum Part {
    Name(&'static str),
    Value,
}

/// A map whose names and values are written in this order.
#[derive(Clone, Copy)]
struct Turns(&'static [Part]);

impl Serialize for Turns {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for part in self.0 {
            match part {
                Part::Name(name) => map.serialize_key(name)?,
                Part::Value => map.serialize_value(&1)?,
            }
        }
        map.end()
    }
}

#[test]
fn a_map_without_one_value_for_each_name_is_refused() {
    use Part::{Name, Value};
    for sound in [
        &[][..],
        &[Name("a"), Value],
        &[Name("a"), Value, Name("b"), Value],
    ] {
        assert_eq!(refusal(&Turns(sound)), None);
    }
    for unsound in [
        &[Name("a")][..],
        &[Value],
        &[Name("a"), Name("b"), Value],
        &[Name("a"), Value, Value],
        &[Name("a"), Value, Name("b")],
    ] {
        assert_eq!(refusal(&Turns(unsound)), Some(SealError::Cargo));
    }
}

/// A part that is never written.
struct Fails;

impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("fails"))
    }
}

/// Continues after a part was refused.
#[derive(Clone, Copy)]
enum Swallows {
    Nan,
    Element,
    Name,
    Value,
    Field,
}

impl Serialize for Swallows {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nan | Self::Element => {
                let mut list = to.serialize_seq(Some(2))?;
                list.serialize_element(&1)?;
                let _ = match self {
                    Self::Nan => list.serialize_element(&f64::NAN),
                    _ => list.serialize_element(&Fails),
                };
                list.end()
            }
            Self::Name | Self::Value => {
                let mut map = to.serialize_map(None)?;
                let _ = match self {
                    Self::Name => map.serialize_key(&Fails),
                    _ => map.serialize_entry("a", &Fails),
                };
                map.serialize_entry("b", &1)?;
                map.end()
            }
            Self::Field => {
                let mut fields = to.serialize_struct("Swallows", 1)?;
                let _ = fields.serialize_field("a", &Fails);
                fields.end()
            }
        }
    }
}

#[test]
fn a_type_that_goes_on_after_an_error_is_refused_for_it() {
    assert_eq!(refusal(&Swallows::Nan), Some(SealError::NotFinite));
    for swallows in [
        Swallows::Element,
        Swallows::Name,
        Swallows::Value,
        Swallows::Field,
    ] {
        assert_eq!(refusal(&swallows), Some(SealError::Cargo));
    }
    let nan = Cargo::new().insert("a", Swallows::Nan);
    assert_eq!(nan, Err(CargoError::NotFinite));
}

/// Claims to be serde_json's own type for finished JSON, or for a number.
#[derive(Clone, Copy)]
struct Claims(&'static str, &'static [&'static str]);

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(name, texts) = *self;
        let mut fields = to.serialize_struct(name, texts.len())?;
        for text in texts {
            fields.serialize_field(name, text)?;
        }
        fields.end()
    }
}

#[test]
fn what_is_no_json_is_not_sealed_under_a_name_that_says_so() {
    let [raw, number] = [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
    ];
    assert_eq!(refusal(&Claims(raw, &[r#"{"a":[1]}"#])), None);
    for texts in [
        &[][..],
        &["}{"],
        &["1", "]"],
        &["01"],
        &["[1"],
        &[""],
        &["NaN"],
        &["1e"],
        &["+1"],
    ] {
        let claims = Claims(raw, texts);
        let alone = codec().seal_value(&claims, HOUR);
        assert_eq!(alone, Err(SealError::Cargo), "{texts:?}");
        // A feature of serde_json decides whether this name is reserved, too. In a list, no text
        // counts as JSON.
        let others = [
            codec().seal_value(&[claims], HOUR),
            codec().seal_value(&Claims(number, texts), HOUR),
            codec().seal_value(&[Claims(number, texts)], HOUR),
        ];
        for text in others.into_iter().flatten() {
            assert!(codec().open_value::<Value>(&text).is_ok(), "{texts:?}");
        }
    }
}

#[test]
fn a_text_too_long_is_called_that_whatever_is_cut_off() {
    let long = serde_json::value::to_raw_value(&"x".repeat(5000)).unwrap();
    let refused = codec().seal_value(&long, HOUR).err();
    assert!(
        matches!(refused, Some(SealError::TooLong { .. })),
        "{refused:?}"
    );
}
