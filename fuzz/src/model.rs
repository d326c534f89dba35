//! The simplest model of a cargo: a map of values with expiries, and a flag.

use std::collections::BTreeMap;

use sealtoken::{Cargo, CargoError, ExpiryError, Merge, UnixTime};

use crate::payload::LAST;
use crate::plain::Plain;

/// The entries, including expired ones that were not purged.
#[derive(Debug, Clone)]
pub struct Model {
    pub entries: BTreeMap<String, (Plain, Option<i64>)>,
    pub dirty: bool,
    pub now: i64,
}

/// The greatest depth of a value. The token's object and the cargo's enclose it.
const LEVELS: usize = 62;

impl Model {
    pub fn new(now: i64) -> Self {
        Self {
            entries: BTreeMap::new(),
            dirty: false,
            now,
        }
    }

    pub fn live(&self, name: &str) -> Option<&(Plain, Option<i64>)> {
        self.entries
            .get(name)
            .filter(|(_, end)| end.is_none_or(|end| end > self.now))
    }

    pub fn all_live(&self) -> impl Iterator<Item = (&String, &(Plain, Option<i64>))> {
        self.entries
            .iter()
            .filter(|(name, _)| self.live(name).is_some())
    }

    /// The entries as a value.
    pub fn plain(&self) -> Plain {
        let entries = self
            .all_live()
            .map(|(name, (value, _))| (name.clone(), value.clone()));
        Plain::Object(entries.collect()).sorted()
    }

    fn put(&mut self, name: &str, entry: (Plain, Option<i64>)) -> Option<Plain> {
        let before = self.live(name).cloned();
        self.dirty |= before.as_ref() != Some(&entry);
        self.entries.insert(name.to_owned(), entry);
        before.map(|(value, _)| value)
    }

    pub fn insert(
        &mut self,
        name: &str,
        value: Plain,
        end: Option<i64>,
    ) -> Result<Option<Plain>, CargoError> {
        if end.is_some_and(|end| !(0..=LAST).contains(&end)) {
            return Err(CargoError::Expiry(ExpiryError::OutOfRange));
        }
        if value.levels() > LEVELS {
            return Err(CargoError::TooDeep);
        }
        Ok(self.put(name, (value.sorted(), end)))
    }

    pub fn set_expiry(&mut self, name: &str, end: Option<i64>) -> Result<(), CargoError> {
        if end.is_some_and(|end| !(0..=LAST).contains(&end)) {
            return Err(CargoError::Expiry(ExpiryError::OutOfRange));
        }
        let (value, _) = self.live(name).cloned().ok_or(CargoError::Missing)?;
        self.put(name, (value, end));
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> Option<Plain> {
        let before = self.live(name).cloned();
        self.entries.remove(name);
        self.dirty |= before.is_some();
        before.map(|(value, _)| value)
    }

    pub fn take_natural(&mut self, name: &str) -> Result<Option<u64>, CargoError> {
        match self.live(name) {
            Some((Plain::Natural(_), _)) | None => Ok(self.remove(name).map(|value| match value {
                Plain::Natural(natural) => natural,
                other => unreachable!("{other:?} was a natural"),
            })),
            Some(_) => Err(CargoError::WrongType),
        }
    }

    pub fn get_or_insert(&mut self, name: &str, natural: u64) -> Result<u64, CargoError> {
        match self.live(name) {
            Some((Plain::Natural(present), _)) => Ok(*present),
            Some(_) => Err(CargoError::WrongType),
            None => {
                self.put(name, (Plain::Natural(natural), None));
                Ok(natural)
            }
        }
    }

    pub fn push(&mut self, name: &str, value: Plain) -> Result<(), CargoError> {
        if value.levels() > LEVELS - 1 {
            return Err(CargoError::TooDeep);
        }
        let (mut list, end) = match self.live(name).cloned() {
            Some((Plain::Array(list), end)) => (list, end),
            Some(_) => return Err(CargoError::WrongType),
            None => (Vec::new(), None),
        };
        list.push(value.sorted());
        self.put(name, (Plain::Array(list), end));
        Ok(())
    }

    pub fn merge(&mut self, other: &Self, conflicts: Merge) -> usize {
        let mut changed = 0;
        for (name, entry) in other.all_live() {
            let present = self.live(name);
            if present == Some(entry) || (present.is_some() && conflicts == Merge::Keep) {
                continue;
            }
            self.put(name, entry.clone());
            changed += 1;
        }
        changed
    }

    pub fn replace(&mut self, other: Self) {
        self.dirty |= !self.all_live().eq(other.all_live());
        self.entries = other.entries;
    }

    pub fn purge(&mut self, now: i64) -> usize {
        let before = self.entries.len();
        self.entries
            .retain(|_, (_, end)| end.is_none_or(|end| end > now));
        let purged = before - self.entries.len();
        self.dirty |= purged > 0;
        purged
    }

    /// Asserts that the cargo agrees with the model.
    pub fn check(&self, cargo: &Cargo) {
        assert_eq!(cargo.is_dirty(), self.dirty);
        assert_eq!(cargo.len(), self.all_live().count());
        assert_eq!(cargo.is_empty(), self.all_live().next().is_none());
        for ((name, value), (model_name, (model, end))) in cargo.iter().zip(self.all_live()) {
            assert_eq!(name, model_name);
            assert!(model.is(value));
            assert_eq!(cargo.expires_at(name), end.map(UnixTime::from_secs));
        }
        for name in self.entries.keys() {
            let live = self.live(name).is_some();
            assert_eq!(cargo.contains(name), live);
            assert_eq!(cargo.value(name).is_some(), live);
        }
    }
}
