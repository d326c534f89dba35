//! Writes the entries of a map, each a name and its value.

use serde::Serialize;
use serde::ser::{Error as _, SerializeMap};

use super::checked::Nested;
use super::rules::{Part, Place, Rules};

/// Forwards names and values alternately. serde_json would write them in any order, which is not
/// JSON.
pub(super) struct Entries<'c, S> {
    inner: S,
    rules: &'c Rules,
    place: Place,
    /// Whether a name is waiting for its value.
    named: bool,
}

impl<'c, S: SerializeMap> Entries<'c, S> {
    #[inline]
    pub(super) fn of(inner: S, rules: &'c Rules, place: Place) -> Self {
        Self {
            inner,
            rules,
            place,
            named: false,
        }
    }

    /// Tracks whether a name or a value is next, and refuses a call out of turn.
    #[inline]
    fn turn(&mut self, was: bool, becomes: bool) -> Result<(), S::Error> {
        if self.named != was {
            self.rules.failed();
            return Err(S::Error::custom("out of turn"));
        }
        self.named = becomes;
        Ok(())
    }

    #[inline]
    fn nest<'v, T: ?Sized>(&self, value: &'v T, place: Place) -> Nested<'c, 'v, T> {
        Nested {
            value,
            rules: self.rules,
            place,
        }
    }
}

impl<S: SerializeMap> SerializeMap for Entries<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.turn(false, true)?;
        let key = self.nest(key, self.place.of(Part::Key));
        self.inner.serialize_key(&key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.turn(true, false)?;
        let value = self.nest(value, Place::INSIDE);
        self.inner.serialize_value(&value)
    }

    #[inline]
    fn end(mut self) -> Result<S::Ok, S::Error> {
        self.turn(false, false)?;
        self.inner.end()
    }
}
