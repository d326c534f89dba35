//! Entries that expire before their token does, and the clock that judges them.

use serde::{Serialize, Serializer};

use crate::crypto::clock::{Expiry, ExpiryError, MAX_SECONDS, UnixTime};

use super::error::CargoError;
use super::map::Cargo;

impl Cargo {
    /// When the entry expires; `None` if it never does, or does not exist.
    #[must_use]
    pub fn expires_at(&self, name: impl AsRef<str>) -> Option<UnixTime> {
        let name = name.as_ref();
        let expiry = self.expiries.get(name).map(UnixTime::from_secs);
        expiry.filter(|_| self.contains(name))
    }

    /// Sets when an existing entry expires; [`Expiry::Never`] takes its expiry away.
    ///
    /// The system's clock judges it, or that of the codec which sealed or opened the cargo. An
    /// entry whose moment has passed is gone at once.
    ///
    /// # Errors
    ///
    /// [`CargoError::Missing`] if the entry does not exist, [`CargoError::Expiry`] for a lifetime
    /// of zero and for a moment before 1970 or after 9999.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sealtoken::{Cargo, Expiry};
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo: Cargo = r#"{"mfa":true}"#.parse()?;
    /// cargo.set_expiry("mfa", Duration::from_secs(300))?;
    /// assert!(cargo.expires_at("mfa").is_some());
    /// cargo.set_expiry("mfa", Expiry::Never)?;
    /// assert_eq!(cargo.expires_at("mfa"), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_expiry(
        &mut self,
        name: impl AsRef<str>,
        expiry: impl Into<Expiry>,
    ) -> Result<(), CargoError> {
        let name = name.as_ref();
        let expiry = self.second_of(expiry.into())?;
        if !self.contains(name) {
            return Err(CargoError::Missing);
        }
        self.dirty |= self.expiries.get(name) != expiry;
        match expiry {
            Some(second) => self.expiries.set(name, second),
            None => {
                self.expiries.unset(name);
            }
        }
        Ok(())
    }

    /// The second of an expiry as it can stand in a token.
    pub(super) fn second_of(&self, expiry: Expiry) -> Result<Option<i64>, CargoError> {
        let at = match expiry {
            // Unlike elsewhere, one that has passed is good: the entry is gone.
            Expiry::At(at) => Some(at),
            expiry => expiry
                .resolve(self.clock.now())
                .map_err(CargoError::Expiry)?,
        };
        match at.map(UnixTime::as_secs) {
            Some(second) if !(0..=MAX_SECONDS).contains(&second) => {
                Err(CargoError::Expiry(ExpiryError::OutOfRange))
            }
            second => Ok(second),
        }
    }

    /// Removes the entries that have expired, and returns how many. The cargo is dirty if there
    /// were any.
    ///
    /// No reader sees them anyway, and sealing leaves them out; this frees their memory.
    pub fn remove_expired(&mut self) -> usize {
        self.remove_expired_at(self.clock.now())
    }

    /// Removes the entries that have expired at `now`, whatever the clock shows.
    pub(super) fn remove_expired_at(&mut self, now: UnixTime) -> usize {
        let now = now.as_secs();
        let values = &mut self.values;
        let before = self.expiries.len();
        self.expiries.retain(|name, second| {
            let live = second > now;
            if !live {
                values.remove(name);
            }
            live
        });
        let removed = before.saturating_sub(self.expiries.len());
        self.dirty |= removed > 0;
        removed
    }

    /// What a token is made of: the entries that have not expired at `now`, and the expiries still
    /// to come.
    pub(crate) fn at(
        &self,
        now: UnixTime,
    ) -> (impl Serialize + '_, impl Iterator<Item = (&str, i64)>) {
        let to_come = self.expiries.iter();
        let to_come = to_come.filter(move |(_, second)| *second > now.as_secs());
        (At { cargo: self, now }, to_come)
    }
}

/// The entries of a cargo at one moment, whatever its clock says by now.
struct At<'a> {
    cargo: &'a Cargo,
    now: UnixTime,
}

impl Serialize for At<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let expiries = &self.cargo.expiries;
        if expiries.is_empty() {
            return serializer.collect_map(&self.cargo.values);
        }
        let now = self.now.as_secs();
        let live = |name: &str| expiries.get(name).is_none_or(|second| second > now);
        let entries = self.cargo.values.iter();
        serializer.collect_map(entries.filter(|(name, _)| live(name)))
    }
}
