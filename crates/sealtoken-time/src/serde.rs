//! Moments through serde: RFC 3339 text in every format.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Visitor};
use serde_core::ser::{Error as _, Serialize, Serializer};

use crate::UnixTime;

impl Serialize for UnixTime {
    /// RFC 3339 text in UTC, in every format; an error outside the years 0 to 9999.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_string();
        if text.parse() != Ok(*self) {
            return Err(S::Error::custom(
                "the moment is outside the years 0 to 9999",
            ));
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for UnixTime {
    /// From RFC 3339 text, by the rules of its `FromStr`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;

        impl Visitor<'_> for Rfc3339 {
            type Value = UnixTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 date and time")
            }

            fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<UnixTime, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Rfc3339)
    }
}
