//! What a token carries: the map, or a value of the caller's own type.

use std::fmt;

use serde::Serialize;

use crate::crypto::clock::UnixTime;
use crate::crypto::scratch::Scratch;

use super::cargo::{Cargo, Expiries, has_only};
use super::error::SealError;
use super::json::{self, Unwritable};

/// What a [`Token`](crate::Token) carries: a [`Cargo`], or a value of the caller's own type as
/// [`Typed`].
///
/// Sealed: nothing else implements it. Its associated type `Value` is the [`Cargo`], or the
/// caller's type.
#[diagnostic::on_unimplemented(
    message = "a `Token` does not carry `{Self}` directly",
    note = "`TypedToken<T>` is the token around a value of your own type"
)]
pub trait Content: sealed::Content {}

impl Content for Cargo {}
impl<T> Content for Typed<T> {}

/// A value of the caller's own type, as a [`TypedToken`](crate::TypedToken) carries it.
#[derive(Clone, Default)]
pub struct Typed<T>(pub(super) T);

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed")
    }
}

pub(super) mod sealed {
    use super::Cargo;

    pub trait Content {
        /// What serde writes.
        type Value;

        fn value(&self) -> &Self::Value;

        /// The map, if it is one. Decided when the program is compiled.
        fn map(&self) -> Option<&Cargo>;

        fn map_mut(&mut self) -> Option<&mut Cargo>;
    }
}

impl sealed::Content for Cargo {
    type Value = Self;

    fn value(&self) -> &Self {
        self
    }

    fn map(&self) -> Option<&Cargo> {
        Some(self)
    }

    fn map_mut(&mut self) -> Option<&mut Cargo> {
        Some(self)
    }
}

impl<T> sealed::Content for Typed<T> {
    type Value = T;

    fn value(&self) -> &T {
        &self.0
    }

    fn map(&self) -> Option<&Cargo> {
        None
    }

    fn map_mut(&mut self) -> Option<&mut Cargo> {
        None
    }
}

/// Appends the JSON of a content, and what follows it in a token.
///
/// `opened` are the expiries of entries that a typed value does not hold itself; returns those that
/// were kept.
pub(super) fn write<C: Content>(
    out: &mut Scratch,
    content: &C,
    mut opened: Expiries,
    now: UnixTime,
) -> Result<Expiries, SealError>
where
    C::Value: Serialize,
{
    if let Some(cargo) = content.map() {
        let (entries, expiries) = cargo.at(now);
        json::write_value(out, &entries)?;
        json::write_expiries(out, expiries)?;
        return Ok(opened);
    }
    let from = out.written();
    write_own(out, content.value(), &opened)?;
    keep_existing(&mut opened, out.as_slice().get(from..));
    if let Some((_, second)) = opened.iter().find(|(_, second)| *second <= now.as_secs()) {
        let at = UnixTime::from_secs(*second);
        return Err(SealError::EntryExpired { at });
    }
    let expiries = opened.iter().map(|(name, second)| (&**name, *second));
    json::write_expiries(out, expiries)?;
    Ok(opened)
}

/// Appends the JSON of a cargo of the caller's own type.
///
/// An entry of a map in it may expire only as one of the token's own, by an expiry among
/// `expiries`: otherwise the token would lose that expiry.
pub(super) fn write_own<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
    expiries: &Expiries,
) -> Result<(), SealError> {
    if has_only(expiries, || json::write_own(out, value))? {
        Ok(())
    } else {
        Err(SealError::NestedExpiry)
    }
}

/// Drops the expiries of entries that the value no longer has.
fn keep_existing(expiries: &mut Expiries, cargo: Option<&[u8]>) {
    if expiries.is_empty() {
        return;
    }
    let cargo = cargo.and_then(|bytes| str::from_utf8(bytes).ok());
    let entries = cargo.and_then(json::entries).unwrap_or_default();
    expiries.retain(|(name, _)| entries.iter().any(|(entry, _)| **entry == **name));
}

impl From<Unwritable> for SealError {
    fn from(error: Unwritable) -> Self {
        match error {
            Unwritable::NotFinite => Self::NotFinite,
            Unwritable::Unsupported => Self::Cargo,
            Unwritable::TooDeep => Self::TooDeep,
            Unwritable::WideInteger => Self::WideInteger,
            Unwritable::KeyNotText => Self::KeyNotText,
            Unwritable::NameConflict => Self::NameConflict,
            Unwritable::SomeNull => Self::SomeNull,
        }
    }
}
