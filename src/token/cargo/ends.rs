//! The ends that single entries have, and the clock that judges them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::token::times;

use super::error::CargoError;
use super::value::Text;
use super::{Cargo, Mark};

/// The second at which an entry ends, for those that do.
#[derive(Clone, Default)]
pub(super) struct EntryEnds(BTreeMap<Text, i64>);

impl EntryEnds {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    pub(super) fn set(&mut self, name: &str, end: i64) {
        self.0.insert(name.into(), end);
    }

    pub(super) fn unset(&mut self, name: &str) -> Option<i64> {
        self.0.remove(name)
    }
}

/// The end as it can stand in a token.
pub(super) fn in_range(end: UnixTime) -> Result<i64, CargoError> {
    times::on_the_wire(end).ok_or(CargoError::End)
}

impl Cargo {
    /// When the entry ends, or `None` where it does not, or is not there.
    #[must_use]
    pub fn ends_at(&self, name: impl AsRef<str>) -> Option<UnixTime> {
        let name = name.as_ref();
        let end = self.ends.get(name).map(UnixTime::from_secs);
        end.filter(|_| self.contains(name))
    }

    /// Gives an entry that is there an end, or takes it away.
    ///
    /// # Errors
    ///
    /// [`CargoError::Missing`] where there is no such entry, [`CargoError::End`] for an end before 1970 or after 9999.
    pub fn set_end(
        &mut self,
        name: impl AsRef<str>,
        end: Option<UnixTime>,
    ) -> Result<(), CargoError> {
        let name = name.as_ref();
        let end = end.map(in_range).transpose()?;
        if !self.contains(name) {
            return Err(CargoError::Missing);
        }
        self.dirty |= self.ends.get(name) != end;
        match end {
            Some(end) => self.ends.set(name, end),
            None => {
                self.ends.unset(name);
            }
        }
        Ok(())
    }

    /// Removes the entries that have ended, and returns how many. The cargo is dirty if there were any.
    ///
    /// No reader sees them anyway, and sealing leaves them out; this frees their memory.
    pub fn purge_ended(&mut self) -> usize {
        self.purge_ended_at(self.clock.now())
    }

    /// Removes the entries that have ended at `now`, whatever the clock shows, and returns how many.
    pub fn purge_ended_at(&mut self, now: impl Into<UnixTime>) -> usize {
        let now = now.into().as_secs();
        let values = &mut self.values;
        let before = self.ends.0.len();
        self.ends.0.retain(|name, end| {
            let live = *end > now;
            if !live {
                values.remove(name);
            }
            live
        });
        let purged = before.saturating_sub(self.ends.0.len());
        self.dirty |= purged > 0;
        purged
    }

    /// Whether the entry, if it is there, has not ended.
    pub(super) fn is_live(&self, name: &str) -> bool {
        self.ends.is_empty()
            || self
                .ends
                .get(name)
                .is_none_or(|end| end > self.clock.now().as_secs())
    }

    /// What a token is made of: the entries that have not ended at `now`, and the ends that are to come.
    pub(crate) fn at(
        &self,
        now: UnixTime,
    ) -> (impl Serialize + '_, impl Iterator<Item = (&str, i64)>) {
        let ends = self.ends.0.iter().map(|(name, end)| (&**name, *end));
        let to_come = ends.filter(move |(_, end)| *end > now.as_secs());
        (At { cargo: self, now }, to_come)
    }

    /// What a codec adds to a cargo that it read: the ends of entries.
    pub(crate) fn with_ends<'e>(mut self, ends: impl Iterator<Item = (&'e str, i64)>) -> Self {
        self.ends.0 = ends.map(|(name, end)| (name.into(), end)).collect();
        self
    }

    /// Takes note that it was sealed, or opened, as it is at `now`.
    pub(crate) fn now_sealed(&mut self, now: UnixTime, clock: &ClockSource) {
        if !self.ends.is_empty() {
            self.purge_ended_at(now);
        }
        self.clock = clock.clone();
        self.mark = Mark::fresh();
        self.dirty = false;
    }

    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }
}

/// The entries of a cargo at one moment, whatever its clock says by now.
struct At<'a> {
    cargo: &'a Cargo,
    now: UnixTime,
}

impl Serialize for At<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ends = &self.cargo.ends;
        if ends.is_empty() {
            return serializer.collect_map(&self.cargo.values);
        }
        let live = |name: &str| ends.get(name).is_none_or(|end| end > self.now.as_secs());
        let entries = self.cargo.values.iter();
        serializer.collect_map(entries.filter(|(name, _)| live(name)))
    }
}
