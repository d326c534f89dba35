//! A token that is lent, its cargo still text.

use std::fmt;

use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::token::cargo::{Own, Text, with_ends};
use crate::token::error::OpenError;
use crate::token::json::Head;
use crate::token::lifetime::Lifetime;

/// A token that [`Codec::open_with`](crate::Codec::open_with) lends: authentic and valid, its cargo not read yet.
pub struct Opened<'a> {
    head: Head,
    cargo: CargoText<'a>,
    ends: Vec<(Text, i64)>,
    clock: &'a ClockSource,
    needs_reseal: bool,
}

/// The text of a cargo: as it was sealed, or what is left of it.
pub(super) enum CargoText<'a> {
    Whole(&'a str),
    Rest(Zeroizing<String>),
}

impl CargoText<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Whole(text) => text,
            Self::Rest(text) => text,
        }
    }

    /// The cargo as a `T`. A [`Cargo`](crate::Cargo) in it gets the ends of its entries.
    pub(super) fn read<'s, T: Deserialize<'s>>(
        &'s self,
        clock: &ClockSource,
        ends: &'s [(Text, i64)],
    ) -> Result<T, OpenError> {
        let text = self.as_str();
        // The message of an error may quote the cargo, so it ends here.
        let read = || {
            if ends.is_empty() {
                return Some((serde_json::from_str(text).ok()?, text));
            }
            let mut json = serde_json::Deserializer::from_str(text);
            let inner = &mut json;
            let value = T::deserialize(Own { inner, ends }).ok()?;
            json.end().ok()?;
            Some((value, text))
        };
        with_ends(clock, ends, read).ok_or(OpenError::Payload)
    }
}

impl<'a> Opened<'a> {
    pub(super) fn new(
        head: Head,
        (cargo, ends): (CargoText<'a>, Vec<(Text, i64)>),
        clock: &'a ClockSource,
        needs_reseal: bool,
    ) -> Self {
        Self {
            head,
            cargo,
            ends,
            clock,
            needs_reseal,
        }
    }

    /// The cargo as a `T`, which can borrow from here.
    ///
    /// # Errors
    ///
    /// [`OpenError::Payload`] when the cargo is no `T`.
    pub fn cargo<'s, T: Deserialize<'s>>(&'s self) -> Result<T, OpenError> {
        self.cargo.read(self.clock, &self.ends)
    }

    /// The token's identity.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.head.uuid
    }

    /// When its time began: sealed, or last renewed.
    #[must_use]
    pub fn issued_at(&self) -> OffsetDateTime {
        UnixTime::from_secs(self.head.times.begun).to_date_time()
    }

    /// When it was first issued, before all renewals.
    #[must_use]
    pub fn first_issued_at(&self) -> OffsetDateTime {
        let times = &self.head.times;
        UnixTime::from_secs(times.first_begun()).to_date_time()
    }

    /// The lifetime with which it was sealed.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        Lifetime::from_the_wire(self.head.times.lifetime)
    }

    /// When it expires, or `None` for never.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.head.times.end().map(UnixTime::to_date_time)
    }

    /// Whether a retired key sealed it.
    #[must_use]
    pub fn needs_reseal(&self) -> bool {
        self.needs_reseal
    }
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("uuid", &self.head.uuid)
            .finish_non_exhaustive()
    }
}
