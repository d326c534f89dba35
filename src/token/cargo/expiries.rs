//! When single entries expire.

use std::collections::BTreeMap;

use super::value::Text;

/// The entries of a token that expire, each with its second.
pub(crate) type Expiries = Vec<(Text, i64)>;

/// The second at which an entry expires, for those that do.
#[derive(Clone, Default)]
pub(super) struct EntryExpiries(BTreeMap<Text, i64>);

impl EntryExpiries {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    pub(super) fn set(&mut self, name: &str, second: i64) {
        self.0.insert(name.into(), second);
    }

    pub(super) fn unset(&mut self, name: &str) -> Option<i64> {
        self.0.remove(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, second)| (&**name, *second))
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, i64) -> bool) {
        self.0.retain(|name, second| keep(name, *second));
    }
}

impl From<Expiries> for EntryExpiries {
    fn from(expiries: Expiries) -> Self {
        Self(expiries.into_iter().collect())
    }
}
