//! When something that is kept ends.

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::token::{Lifetime, LifetimeError};

/// When something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    In(Lifetime),
    At(UnixTime),
    /// At this moment, or at once where it has passed when the end is set.
    #[cfg(feature = "pat")]
    AtOrNow(UnixTime),
    /// Where it was before: perhaps in the past.
    #[cfg(feature = "import")]
    Was(UnixTime),
}

/// An end that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndError {
    Lifetime(LifetimeError),
    /// It lies in the past, or after the year 9999.
    OutOfReach,
}

impl End {
    /// The second at which it ends, if it does.
    pub(crate) fn seconds(self, now: UnixTime) -> Result<Option<i64>, EndError> {
        let at = match self {
            Self::In(lifetime) => match lifetime.on_the_wire().map_err(EndError::Lifetime)? {
                Some(seconds) => now.saturating_add(seconds),
                None => return Ok(None),
            },
            Self::At(at) => at,
            #[cfg(feature = "pat")]
            Self::AtOrNow(at) if at <= now => return Ok(Some(now.as_secs())),
            #[cfg(feature = "pat")]
            Self::AtOrNow(at) => at,
            #[cfg(feature = "import")]
            Self::Was(at) => return Ok(Some(at.as_secs().max(0))),
        };
        if at <= now || at.as_secs() > MAX_SECONDS {
            return Err(EndError::OutOfReach);
        }
        Ok(Some(at.as_secs()))
    }
}
