//! Converts values to the caller's types, through serde.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, Serializer, forward_to_deserialize_any};

use super::error::CargoError;
use super::value::{Inner, Number, Text, Value};

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

impl<'de> IntoDeserializer<'de, CargoError> for &'de Text {
    type Deserializer = Name<'de>;

    fn into_deserializer(self) -> Name<'de> {
        Name(self)
    }
}

/// The name of an entry, for a map whose keys need not be text: JSON writes numbers and booleans as
/// text.
pub struct Name<'de>(&'de str);

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name")
    }
}

impl Name<'_> {
    /// Reads the name as JSON, without surrounding white space: integers and booleans have one
    /// spelling each, so no two names become the same key.
    fn parsed<T: DeserializeOwned>(&self) -> Result<T, CargoError> {
        let bare = self.0.trim_ascii() == self.0;
        let parsed = bare.then(|| serde_json::from_str(self.0).ok()).flatten();
        parsed.ok_or(CargoError::WrongType)
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

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = CargoError;

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

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CargoError> {
        visitor.visit_newtype_struct(self)
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
            Value::Object(values) => {
                let mut entries = MapDeserializer::new(values.iter());
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

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CargoError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CargoError> {
        match self {
            Value::String(variant) => visitor.visit_enum(BorrowedStrDeserializer::new(variant)),
            Value::Object(values) if values.len() == 1 => {
                let entries = MapDeserializer::new(values.iter());
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
            Self::Object(values) => serializer.collect_map(values),
        }
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
