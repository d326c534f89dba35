//! Ids that are read from their text.

/// Deserializes an id from its text: `FromStr` decides what an id is.
macro_rules! deserialize_from_text {
    ($id:ty, $expected:literal) => {
        impl<'de> serde::Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $id;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$id, E> {
                        // The error does not repeat a text that may be a secret.
                        let unexpected = serde::de::Unexpected::Other("another text");
                        let invalid = |_| E::invalid_value(unexpected, &self);
                        text.parse().map_err(invalid)
                    }
                }

                from.deserialize_str(Text)
            }
        }
    };
}
pub(crate) use deserialize_from_text;
