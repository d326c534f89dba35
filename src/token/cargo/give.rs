//! Giving values as the caller's types, and writing them.

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor, value::BorrowedStrDeserializer};
use serde::{Serialize, Serializer, forward_to_deserialize_any};

use super::error::CargoError;
use super::value::{Inner, Number, Text, Value};

impl serde::de::Error for CargoError {
    /// The message may quote the value, so it ends here.
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
    type Deserializer = BorrowedStrDeserializer<'de, CargoError>;

    fn into_deserializer(self) -> Self::Deserializer {
        BorrowedStrDeserializer::new(self)
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
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Object(values) => {
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
