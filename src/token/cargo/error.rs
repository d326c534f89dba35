//! Why a cargo refuses a value.

use std::fmt;

use crate::crypto::clock::ExpiryError;

/// Why a cargo did not take or give a value. It holds neither the value nor the entry's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CargoError {
    /// The entry does not exist, or it has expired.
    Missing,
    /// The entry is not of the requested type, or not a list to push to.
    WrongType,
    /// The number is NaN or infinite, which JSON cannot hold.
    NotFinite,
    /// The value cannot be a cargo entry: an integer outside `i64::MIN..=u64::MAX`, a map whose
    /// keys are not text, numbers or booleans, embedded JSON that is not sound, or its own
    /// `Serialize` failed.
    Unsupported,
    /// A name occurs twice in one object.
    DuplicateName,
    /// The value holds a [`Cargo`](crate::Cargo) with entries that expire. Inside another entry
    /// they would never expire.
    NestedExpiry,
    /// The expiry of an entry cannot be set.
    Expiry(ExpiryError),
    /// The value is nested more than 64 levels deep, counting the token and the cargo.
    TooDeep,
    /// The text is not the JSON of an object as a cargo holds it.
    Json,
}

impl fmt::Display for CargoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the cargo has no such entry",
            Self::WrongType => "the cargo entry has another type than requested",
            Self::NotFinite => "the number is NaN or infinite: leave it out, or write it as text",
            Self::Unsupported => {
                "a cargo cannot hold the value, or its Serialize failed: \
                 integers have at most 64 bits, and maps have plain keys"
            }
            Self::DuplicateName => "a name occurs twice in one object: rename one",
            Self::NestedExpiry => {
                "the value holds a cargo with an entry that expires, which it would never do \
                 inside another entry: remove the expiry, or set it on the entry itself"
            }
            Self::Expiry(error) => return error.fmt(f),
            Self::TooDeep => "the value is nested more than 64 levels deep: flatten it",
            Self::Json => {
                "the text is not a JSON object with distinct names, \
                 64-bit integers and at most 64 levels"
            }
        })
    }
}

impl std::error::Error for CargoError {}
