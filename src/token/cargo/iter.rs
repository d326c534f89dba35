//! Iteration over the entries of a cargo and of an object.

use std::borrow::Borrow as _;
use std::collections::btree_map;
use std::fmt;

use super::map::Cargo;
use super::value::{Object, Text, Value};

/// The entries of a [`Cargo`] or an [`Object`], sorted by name.
#[derive(Clone)]
pub struct CargoIter<'a> {
    /// The cargo, which knows what has expired.
    cargo: Option<&'a Cargo>,
    values: btree_map::Iter<'a, Text, Value>,
}

impl<'a> Iterator for CargoIter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.values
            .by_ref()
            .map(|(name, value)| (name.borrow(), value))
            .find(|(name, _)| self.cargo.is_none_or(|cargo| cargo.is_live(name)))
    }
}

impl fmt::Debug for CargoIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CargoIter")
    }
}

impl<'a> IntoIterator for &'a Cargo {
    type Item = (&'a str, &'a Value);
    type IntoIter = CargoIter<'a>;

    fn into_iter(self) -> CargoIter<'a> {
        self.iter()
    }
}

impl Cargo {
    /// The entries, sorted by name.
    #[must_use]
    pub fn iter(&self) -> CargoIter<'_> {
        CargoIter {
            cargo: Some(self),
            values: self.values.iter(),
        }
    }

    /// The names of the entries, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a str, &'a Value);
    type IntoIter = CargoIter<'a>;

    fn into_iter(self) -> CargoIter<'a> {
        self.iter()
    }
}

impl Object {
    /// The entries, sorted by name.
    #[must_use]
    pub fn iter(&self) -> CargoIter<'_> {
        CargoIter {
            cargo: None,
            values: self.0.iter(),
        }
    }
}

impl From<&Cargo> for Value {
    /// A copy of all entries, without their expiries.
    fn from(cargo: &Cargo) -> Self {
        let entries = cargo.iter();
        Self::Object(entries.map(|(name, value)| (name, value.clone())).collect())
    }
}
