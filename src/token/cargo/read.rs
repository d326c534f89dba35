//! Reads values: from a token's text by the format's strict rules, from any other source by
//! serde's.

use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::token::json;

use super::own::LentNames;
use super::reading;
use super::value::{Entries, EntryExpiries, Number, Object, Text, Value};

/// The nesting levels of a token whose cargo is a map, counting the token's own object.
pub(super) const LEVELS: usize = 64;

/// Reads a text that is one value by the format's rules for a map: distinct names, 64-bit integers,
/// at most `N` levels.
pub(super) fn read_value<const N: usize>(text: &str) -> Option<Value> {
    let Strict::<N> { value, huge } = json::read_value(text)?;
    (!huge || json::wide_integers(text).next().is_none()).then_some(value)
}

/// A value that keeps the rules, except that wide integers may have become floats.
struct Strict<const N: usize> {
    value: Value,
    /// Whether it holds a float that could have been written as an integer out of range.
    huge: bool,
}

impl<'de, const N: usize> Deserialize<'de> for Strict<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Found::default();
        let seed = Seed {
            levels: N,
            found: &found,
        };
        let value = seed.deserialize(deserializer)?;
        Ok(Self {
            value,
            huge: !found.huge.borrow().is_empty(),
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // This may be a whole cargo or any part of the caller's type. The token's object is one
        // level around it.
        let (value, _) = deserialize(deserializer, json::LEVELS.saturating_sub(1))?;
        Ok(value)
    }
}

/// Reads a value from any format, with at most `levels` levels. Also returns the expiries of those
/// of its entries that are the token's own.
///
/// Only JSON text distinguishes integers beyond 64 bits from floats, so here they are floats. The
/// reader of a token checks the text.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
    levels: usize,
) -> Result<(Value, EntryExpiries), D::Error> {
    let found = &Found {
        lent: reading::lent_names(),
        ..Found::default()
    };
    let value = Seed { levels, found }.deserialize(deserializer)?;
    reading::note_huge(&found.huge.borrow());
    Ok((value, found.expiries.take()))
}

/// What is found besides the values.
#[derive(Default)]
struct Found {
    /// The names of the token's own entries.
    lent: LentNames,
    expiries: RefCell<EntryExpiries>,
    /// Floats that could have been written as integers out of range; serde_json does not say.
    huge: RefCell<Vec<f64>>,
}

#[derive(Clone, Copy)]
struct Seed<'c> {
    levels: usize,
    found: &'c Found,
}

impl Seed<'_> {
    /// The seed for the inside of an array or object.
    fn inside<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        let levels = levels.ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { levels, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::from)
            .or_else(|_| u64::try_from(value).map(Value::from))
            .map_err(|_| E::custom("integer out of range"))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        u64::try_from(value)
            .map(Value::from)
            .map_err(|_| E::custom("integer out of range"))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if json::is_huge(value) {
            self.found.huge.borrow_mut().push(value);
        }
        Value::try_from(value).map_err(|_| E::custom("not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Entries::new();
        while let Some(name) = entries.next_key_seed(NameSeed(self.found))? {
            let name = match name {
                Name::Text(name) => name,
                Name::Number => return read_number(entries.next_value()?).map(Value::Number),
            };
            let value = entries.next_value_seed(inside)?;
            if values.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(Value::Object(Object(values)))
    }
}

/// The name of an entry, or serde_json's mark for a number that looks like an object.
///
/// With its feature `arbitrary_precision`, which any crate of a build can enable, serde_json shows
/// a number as an object of one entry. A name in the text may be the same as the mark. But asked
/// for an *optional* key, serde_json gives `Some` for a name and bare text for the mark.
enum Name {
    Text(Text),
    Number,
}

const NUMBER_MARK: &str = "$serde_json::private::Number";

struct NameSeed<'c>(&'c Found);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for NameSeed<'_> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an entry")
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer
            .deserialize_str(TextSeed(self.0))
            .map(Name::Text)
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            NUMBER_MARK => Name::Number,
            // Another format, without optional keys.
            name => Name::Text(name.into()),
        })
    }
}

/// Reads a name that cannot be the mark.
struct TextSeed<'c>(&'c Found);

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an entry")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Text, E> {
        if let Some(second) = self.0.lent.expiry_of(name) {
            self.0.expiries.borrow_mut().set(name, second);
        }
        Ok(name.into())
    }

    fn visit_str<E>(self, name: &str) -> Result<Text, E> {
        Ok(name.into())
    }

    fn visit_string<E>(self, name: String) -> Result<Text, E> {
        Ok(name.into())
    }
}

/// A number from its JSON text.
fn read_number<E: Error>(text: String) -> Result<Number, E> {
    let number = if text.contains(['.', 'e', 'E']) || text == "-0" {
        text.parse::<f64>()
            .ok()
            .and_then(|float| Number::try_from(float).ok())
    } else {
        let natural = text.parse::<u64>().map(Number::from);
        natural
            .or_else(|_| text.parse::<i64>().map(Number::from))
            .ok()
    };
    number.ok_or_else(|| E::custom("number out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> bool {
        read_value::<LEVELS>(text).is_some()
    }

    #[test]
    fn integers_are_read_up_to_64_bits_and_floats_beyond() {
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e300",
            "-1.5e19",
            "-0",
        ] {
            assert!(reads(&format!("[{text}]")), "{text}");
        }
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
        ] {
            assert!(!reads(&format!("[{text}]")), "{text}");
            assert!(!reads(&format!(r#"{{"a\"":["\\"],"b":{text}}}"#)), "{text}");
            // In a string or with a fraction, the same digits are not an integer.
            assert!(
                reads(&format!(r#"["{text}","\"{text}",{text}.0,1e300]"#)),
                "{text}"
            );
        }
    }

    #[test]
    fn names_are_distinct_at_every_depth_and_after_unescaping() {
        assert!(reads(r#"{"a":1,"b":{"a":1}}"#));
        for text in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"\u0061":2}}]"#] {
            assert!(!reads(text), "{text}");
        }
    }

    #[test]
    fn a_name_spelled_like_the_mark_of_a_number_stays_a_name() {
        let text = r#"{"$serde_json::private::Number":"12"}"#;
        let value = read_value::<LEVELS>(text);
        let object = [(NUMBER_MARK, "12".into())].into_iter().collect();
        assert_eq!(value, Some(Value::Object(object)));
    }

    #[test]
    fn levels_are_counted_and_limited() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(reads(&nested(LEVELS)));
        assert!(!reads(&nested(LEVELS + 1)));
        assert!(!reads(&nested(100_000)));
    }

    #[test]
    fn numbers_are_read_from_their_text() {
        let number = |text: &str| read_number::<serde_json::Error>(text.into()).ok();
        assert_eq!(number("-5"), Some(Number::from(-5_i64)));
        assert_eq!(number("18446744073709551615"), Some(Number::from(u64::MAX)));
        assert_eq!(number("-0"), Number::try_from(-0.0).ok());
        assert_eq!(number("1.0"), Number::try_from(1.0).ok());
        assert_eq!(number("1e999"), None);
        assert_eq!(number("18446744073709551616"), None);
    }
}
