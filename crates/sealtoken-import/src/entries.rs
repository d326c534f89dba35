//! The members of a JSON object, in their order, repeated names included.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, or `None` for any other text.
///
/// Names and values borrow from the text, so no copies are left in freed memory, except of names
/// with an escape.
pub(crate) fn entries(object: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    let Entries(entries) = serde_json::from_str(object).ok()?;
    Some(entries)
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    entries.push((name, value));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// A name. serde's own `Cow` would always be a copy.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_come_as_often_as_they_stand_there() {
        let text = r#"{"b":1,"\u0061": [2] ,"b":{"c":null}}"#;
        let entries = entries(text).unwrap();
        let entries: Vec<_> = entries
            .iter()
            .map(|(name, value)| (&**name, value.get()))
            .collect();
        assert_eq!(entries, [("b", "1"), ("a", "[2]"), ("b", r#"{"c":null}"#)]);
    }

    #[test]
    fn any_other_text_has_no_members() {
        for text in [
            "",
            "[]",
            "1",
            "null",
            "{",
            r#"{"a":1}x"#,
            r#"{"a":1,}"#,
            "{1:2}",
        ] {
            assert!(entries(text).is_none(), "{text}");
        }
        assert_eq!(entries("{}").map(|entries| entries.len()), Some(0));
    }
}
