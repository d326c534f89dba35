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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_lies_ahead_and_within_the_year_9999() {
        let now = UnixTime::from_secs(1_000);
        let end = |seconds| End::At(UnixTime::from_secs(seconds)).seconds(now);
        for fits in [1_001, MAX_SECONDS] {
            assert_eq!(end(fits), Ok(Some(fits)));
        }
        for refused in [i64::MIN, 999, 1_000, MAX_SECONDS + 1, i64::MAX] {
            assert_eq!(end(refused), Err(EndError::OutOfReach), "{refused}");
        }
        assert_eq!(End::In(Lifetime::Forever).seconds(now), Ok(None));
        assert_eq!(End::In(Lifetime::seconds(1)).seconds(now), Ok(Some(1_001)));
    }

    #[cfg(feature = "import")]
    #[test]
    fn an_end_that_was_stays_where_it_was_and_is_never_before_1970() {
        let now = UnixTime::from_secs(1_000);
        for (was, is) in [(-1, 0), (0, 0), (7, 7), (1_000, 1_000), (2_000, 2_000)] {
            let end = End::Was(UnixTime::from_secs(was)).seconds(now);
            assert_eq!(end, Ok(Some(is)));
        }
    }
}
