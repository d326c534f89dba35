//! A token that is lent, with its cargo still as text.

use std::fmt;

use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::token::cargo::{Expiries, Own, Text, with_expiries};
use crate::token::error::OpenError;
use crate::token::json::{self, Head};
use crate::token::times::Lifetime;

/// A token that [`Codec::open_with`](crate::Codec::open_with) lends: authentic and valid, its cargo
/// not read yet.
pub struct Opened<'a> {
    pub(super) head: Head,
    pub(super) cargo: CargoText<'a>,
    pub(super) expiries: Expiries,
    pub(super) clock: &'a ClockSource,
    pub(super) needs_reseal: bool,
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
}

/// Reads a cargo of the caller's own type. A [`Cargo`](crate::Cargo) in it gets those of `expiries`
/// that belong to its entries.
#[inline]
pub(super) fn read_own<'t, T: Deserialize<'t>>(
    clock: &ClockSource,
    text: &'t str,
    expiries: &'t [(Text, i64)],
) -> Option<T> {
    with_expiries(clock, text, expiries, || {
        if expiries.is_empty() {
            return json::read_value(text);
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let inner = &mut json;
        let value = T::deserialize(Own { inner, expiries }).ok()?;
        json.end().ok()?;
        Some(value)
    })
}

impl Opened<'_> {
    /// The cargo as a `T`, which can borrow from here.
    ///
    /// # Errors
    ///
    /// [`OpenError::Payload`] if the cargo is not a `T`.
    pub fn cargo<'s, T: Deserialize<'s>>(&'s self) -> Result<T, OpenError> {
        read_own(self.clock, self.cargo.as_str(), &self.expiries).ok_or(OpenError::Payload)
    }

    /// The token's identity.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.head.uuid
    }

    /// When it was sealed, or last renewed.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        UnixTime::from_secs(self.head.times.begun)
    }

    /// When it was first issued, before all renewals.
    #[must_use]
    pub fn first_issued_at(&self) -> UnixTime {
        UnixTime::from_secs(self.head.times.first_begun())
    }

    /// The lifetime with which it was sealed.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        Lifetime::from_the_wire(self.head.times.lifetime)
    }

    /// When it expires, or `None` if it never does.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.head.times.expires_at()
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
