//! The state of a stored value or token.

use std::fmt;

use serde::{Serialize, Serializer};

/// The state of a stored value or token, in every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// It can be used.
    Live,
    /// It has expired.
    Expired,
    /// It was soft-deleted and can be restored. `expires_at` tells whether it has also expired.
    Deleted,
    /// It was revoked and can be restored. `expires_at` tells whether it has also expired.
    Revoked,
}

impl State {
    /// The stable name: `live`, `expired`, `deleted` or `revoked`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Serializes the stable name.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
