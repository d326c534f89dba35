//! A value in plain types, for comparing the judge, the map and a caller's type.

use std::collections::BTreeSet;
use std::fmt;

use sealtoken::{Cargo, Value};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::json::Node;

/// A JSON value. Entries keep their order and repeated names; floats are compared by their bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain {
    Null,
    Bool(bool),
    Natural(u64),
    Negative(i64),
    Float(u64),
    Text(String),
    Array(Vec<Plain>),
    Object(Vec<(String, Plain)>),
}

impl Plain {
    /// The value of a node, or `None` if a number exceeds every `f64`.
    pub fn of(node: &Node) -> Option<Self> {
        Some(match node {
            Node::Null => Self::Null,
            Node::Bool(value) => Self::Bool(*value),
            Node::Number(spelling) => Self::number(spelling)?,
            Node::Text(text) => Self::Text(text.text.clone()),
            Node::Array(nodes) => Self::Array(nodes.iter().map(Self::of).collect::<Option<_>>()?),
            Node::Object(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(name, node)| Some((name.text.clone(), Self::of(node)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    /// A 64-bit integer, or else the nearest float. `-0` is a float, because an integer would lose
    /// its sign.
    fn number(spelling: &str) -> Option<Self> {
        if spelling != "-0" {
            if let Ok(natural) = spelling.parse() {
                return Some(Self::Natural(natural));
            }
            if let Ok(negative) = spelling.parse() {
                return Some(Self::Negative(negative));
            }
        }
        let float: f64 = spelling.parse().ok()?;
        float.is_finite().then(|| Self::Float(float.to_bits()))
    }

    /// The same value, with the entries of every object sorted by name as in a map.
    pub fn sorted(mut self) -> Self {
        match &mut self {
            Self::Array(values) => {
                for value in values {
                    *value = std::mem::replace(value, Self::Null).sorted();
                }
            }
            Self::Object(entries) => {
                for (_, value) in entries.iter_mut() {
                    *value = std::mem::replace(value, Self::Null).sorted();
                }
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            }
            _ => {}
        }
        self
    }

    /// Whether every object's names are distinct and none is reserved by serde_json. Only such
    /// values can be sealed.
    pub fn has_sound_names(&self) -> bool {
        match self {
            Self::Array(values) => values.iter().all(Self::has_sound_names),
            Self::Object(entries) => {
                let names: BTreeSet<_> = entries.iter().map(|(name, _)| name).collect();
                names.len() == entries.len()
                    && !names
                        .iter()
                        .any(|name| name.starts_with("$serde_json::private::"))
                    && entries.iter().all(|(_, value)| value.has_sound_names())
            }
            _ => true,
        }
    }

    /// The depth of nested brackets.
    pub fn levels(&self) -> usize {
        let inside = match self {
            Self::Array(values) => values.iter().map(Self::levels).max(),
            Self::Object(entries) => entries.iter().map(|(_, value)| value.levels()).max(),
            _ => return 0,
        };
        inside.unwrap_or(0) + 1
    }

    /// Compares without copying, because every step of a model compares.
    pub fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(a), Value::String(b)) => **a == **b,
            (Self::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b))
            }
            (Self::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((n, a), (m, b))| n == m && a.is(b))
            }
            (Self::Text(_) | Self::Array(_) | Self::Object(_), _) => false,
            (scalar, Value::Null | Value::Bool(_) | Value::Number(_)) => {
                *scalar == Self::from(value)
            }
            _ => false,
        }
    }

    pub fn entries(&self) -> &[(String, Plain)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }
}

impl From<&Value> for Plain {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(natural), _, None) => Self::Natural(natural),
                (None, Some(negative), None) => Self::Negative(negative),
                (None, None, Some(float)) => Self::Float(float.to_bits()),
                kinds => panic!("a number of several kinds: {kinds:?}"),
            },
            Value::String(text) => Self::Text(text.to_string()),
            Value::Array(values) => Self::Array(values.iter().map(Self::from).collect()),
            Value::Object(values) => Self::Object(
                values
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl From<&Cargo> for Plain {
    fn from(cargo: &Cargo) -> Self {
        Self::Object(
            cargo
                .iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        )
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Natural(value) => serializer.serialize_u64(*value),
            Self::Negative(value) => serializer.serialize_i64(*value),
            Self::Float(bits) => serializer.serialize_f64(f64::from_bits(*bits)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        Ok(Plain::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain, E> {
        Ok(Plain::Natural(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain, E> {
        Ok(u64::try_from(value).map_or(Plain::Negative(value), Plain::Natural))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Plain, E> {
        Ok(Plain::Float(value.to_bits()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Plain, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Plain::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Plain::Object(entries))
    }
}
