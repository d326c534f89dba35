//! Serde support: cargos, parsing from JSON, and values as the caller's types.

use std::str::FromStr;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};

use crate::token::json::EXPIRES;

use super::error::CargoError;
use super::map::Cargo;
use super::read::{self, LEVELS, read_value};
use super::value::{Inner, Number, Object, Text, Value};
use super::{reading, writing};

impl Serialize for Cargo {
    /// The entries as a map, without their expiries; see [`Cargo::expires_at`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.expiries.is_empty() || !writing::is_writing() {
            return serializer.collect_map(self);
        }
        // The clock is read once, so the expiries noted match the entries written. It may be the
        // caller's own code, so it is read before anything is borrowed.
        let entries: Vec<_> = self.iter().collect();
        let expiries = entries.iter().filter_map(|(name, _)| {
            let second = self.expiries.get(name)?;
            Some((Text::from(*name), second))
        });
        writing::note(expiries.collect());
        serializer.collect_map(entries.into_iter().map(|(text, value)| {
            let expires = self.expiries.get(text).is_some();
            (EntryName { text, expires }, value)
        }))
    }
}

/// The name of an entry that is written, which shows the writer whether it expires.
struct EntryName<'a> {
    text: &'a str,
    expires: bool,
}

impl Serialize for EntryName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.expires {
            serializer.serialize_newtype_struct(EXPIRES, self.text)
        } else {
            serializer.serialize_str(self.text)
        }
    }
}

impl<'de> Deserialize<'de> for Cargo {
    /// From a map with distinct names; the cargo is clean.
    ///
    /// Read from a token, it has the codec's clock. It also has the expiries of the token's own
    /// entries, if it is the whole cargo or a part of it by `#[serde(flatten)]`. A map inside an
    /// entry has none.
    ///
    /// Read from any other source, integers beyond 64 bits become floats, because serde_json passes
    /// them on as such; `parse` refuses them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The token's object is one level around the cargo.
        match read::deserialize(deserializer, LEVELS - 1)? {
            (Value::Object(values), expiries) => Ok(Self {
                expiries,
                clock: reading::clock(),
                ..Self::of(values)
            }),
            _ => Err(D::Error::custom("a cargo is a map")),
        }
    }
}

impl FromStr for Cargo {
    type Err = CargoError;

    /// From the JSON of an object, by the rules of a token's cargo. The cargo is clean.
    ///
    /// # Errors
    ///
    /// [`CargoError::Json`] if it is not an object, a name occurs twice, an integer has more than
    /// 64 bits, or it is nested too deeply.
    fn from_str(json: &str) -> Result<Self, CargoError> {
        Self::read(json).ok_or(CargoError::Json)
    }
}

impl Cargo {
    fn of(Object(values): Object) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// Reads a text that is one cargo.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // The token's object is one level around the cargo.
        match read_value::<{ LEVELS - 1 }>(text)? {
            Value::Object(values) => Some(Self::of(values)),
            _ => None,
        }
    }
}

impl serde::de::Error for CargoError {
    /// Drops the message, which may quote the value.
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::WrongType
    }
}

impl<'de> IntoDeserializer<'de, CargoError> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de, CargoError> for Name<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The name of an entry that is read, for a map whose keys need not be text: JSON writes numbers
/// and booleans as text.
struct Name<'de>(&'de str);

impl Name<'_> {
    /// Reads the name as JSON, without surrounding white space: integers and booleans have one
    /// spelling each, so no two names become the same key.
    fn parsed<T: DeserializeOwned>(&self) -> Result<T, CargoError> {
        let bare = self.0.trim_ascii() == self.0;
        let parsed = bare.then(|| serde_json::from_str(self.0).ok()).flatten();
        parsed.ok_or(CargoError::WrongType)
    }
}

impl Object {
    /// The entries with names that serde reads.
    fn named(&self) -> impl Iterator<Item = (Name<'_>, &Value)> {
        self.0.iter().map(|(name, value)| (Name(name), value))
    }
}

/// Keys that are parsed from their text.
macro_rules! parsed {
    ($($method:ident $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CargoError> {
            visitor.$visit(self.parsed()?)
        }
    )*};
}

/// A newtype is read as what it wraps.
macro_rules! transparent_newtype {
    () => {
        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, CargoError> {
            visitor.visit_newtype_struct(self)
        }
    };
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = CargoError;

    transparent_newtype!();

    parsed! {
        deserialize_bool visit_bool, deserialize_i8 visit_i8, deserialize_i16 visit_i16,
        deserialize_i32 visit_i32, deserialize_i64 visit_i64, deserialize_i128 visit_i128,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32,
        deserialize_u64 visit_u64, deserialize_u128 visit_u128, deserialize_f32 visit_f32,
        deserialize_f64 visit_f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CargoError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CargoError> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CargoError> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = CargoError;

    transparent_newtype!();

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CargoError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match number.inner() {
                Inner::Natural(n) => visitor.visit_u64(n),
                Inner::Negative(n) => visitor.visit_i64(n),
                Inner::Float(n) => visitor.visit_f64(n),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(values) => {
                let mut elements = SeqDeserializer::new(values.iter());
                let value = visitor.visit_seq(&mut elements)?;
                elements.end().map(|()| value)
            }
            Value::Object(object) => {
                let mut entries = MapDeserializer::new(object.named());
                let value = visitor.visit_map(&mut entries)?;
                entries.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CargoError> {
        match self {
            Value::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CargoError> {
        match self {
            Value::String(variant) => Name(variant).deserialize_enum(name, variants, visitor),
            Value::Object(object) if object.0.len() == 1 => {
                let entries = MapDeserializer::new(object.named());
                visitor.visit_enum(MapAccessDeserializer::new(entries))
            }
            _ => Err(CargoError::WrongType),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => text.serialize(serializer),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.inner() {
            Inner::Natural(n) => serializer.serialize_u64(n),
            Inner::Negative(n) => serializer.serialize_i64(n),
            Inner::Float(n) => serializer.serialize_f64(n),
        }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
