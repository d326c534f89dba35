//! A cargo through serde, and from its JSON.

use std::str::FromStr;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use super::Cargo;
use super::error::CargoError;
use super::read::{self, LEVELS, read_value};
use super::value::{Object, Value};

impl Serialize for Cargo {
    /// The entries as a map; their ends are told by [`Cargo::ends_at`] alone.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(serializer)
    }
}

impl<'de> Deserialize<'de> for Cargo {
    /// From a map with distinct names; the cargo is clean. From a token, it knows the codec's clock, and the ends of those entries
    /// that are the token's own: where it is the whole cargo, or a part by `#[serde(flatten)]`. A map inside of an entry has no ends.
    ///
    /// From elsewhere, integers beyond 64 bits are floats, since serde_json shows them as such; `parse` refuses them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The token's object stands around the cargo.
        match read::deserialize(deserializer, LEVELS - 1)? {
            (Value::Object(values), ends) => {
                let cargo = Self {
                    ends,
                    ..Self::of(values)
                };
                Ok(cargo.with_clock_of_codec())
            }
            _ => Err(D::Error::custom("a cargo is a map")),
        }
    }
}

impl FromStr for Cargo {
    type Err = CargoError;

    /// From the JSON of an object by the rules of a token's cargo. The cargo is clean.
    ///
    /// # Errors
    ///
    /// [`CargoError::Json`] when it is none, a name is there twice, an integer has more than 64 bits, or it is
    /// nested too deeply.
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
        // The token's object stands around the cargo.
        match read_value::<{ LEVELS - 1 }>(text)? {
            (Value::Object(values), rest) => Some((Self::of(values), rest)),
            _ => None,
        }
    }
}
