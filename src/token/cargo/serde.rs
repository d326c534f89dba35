//! Serde support for cargos, and parsing from JSON.

use std::str::FromStr;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use crate::token::json::EXPIRES;

use super::error::CargoError;
use super::map::Cargo;
use super::read::{self, LEVELS, read_value};
use super::value::{Object, Text, Value};
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
            (Name { text, expires }, value)
        }))
    }
}

/// The name of an entry, which tells the writer whether it expires.
struct Name<'a> {
    text: &'a str,
    expires: bool,
}

impl Serialize for Name<'_> {
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
        match Self::read(json) {
            Some((cargo, rest)) if rest.trim_matches([' ', '\t', '\n', '\r']).is_empty() => {
                Ok(cargo)
            }
            _ => Err(CargoError::Json),
        }
    }
}

impl Cargo {
    fn of(values: Object) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// The cargo at the beginning of `text`, and what follows it.
    pub(crate) fn read(text: &str) -> Option<(Self, &str)> {
        // The token's object is one level around the cargo.
        match read_value::<{ LEVELS - 1 }>(text)? {
            (Value::Object(values), rest) => Some((Self::of(values), rest)),
            _ => None,
        }
    }
}
