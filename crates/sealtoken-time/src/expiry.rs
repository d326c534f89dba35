//! Expiries: a lifetime, a moment, or never.

use std::fmt;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use crate::UnixTime;

/// When something expires.
///
/// Methods named `expires` take it as `impl Into<Expiry>`: a duration, a moment, or
/// [`Expiry::Never`]. A `Lifetime` of the crate `sealtoken` converts, too.
///
/// ```
/// use std::time::Duration;
/// use sealtoken_time::{Expiry, ExpiryError, UnixTime};
///
/// let now = UnixTime::from_secs(1_000);
/// let in_a_minute = Expiry::from(Duration::from_secs(60));
/// assert_eq!(in_a_minute.resolve(now), Ok(Some(UnixTime::from_secs(1_060))));
/// assert_eq!(Expiry::Never.resolve(now), Ok(None));
///
/// let over = Expiry::from(UnixTime::from_secs(999));
/// assert_eq!(over.resolve(now), Err(ExpiryError::InThePast));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// It does not expire.
    Never,
    /// This long after it is set. Whole seconds count.
    In(Duration),
    /// At this moment.
    At(UnixTime),
}

/// Why an expiry cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiryError {
    /// The lifetime is less than a second: it would expire at once.
    Zero,
    /// The lifetime is more than 253,402,300,799 seconds, which is some 8,000 years.
    TooLong,
    /// The moment has passed.
    InThePast,
    /// The moment lies before 1970 or after 9999.
    OutOfRange,
}

impl Expiry {
    /// The moment of the expiry if it is set at `now`; `None` for never. It lies after `now` and at
    /// or before [`UnixTime::MAX_DATE`].
    ///
    /// # Errors
    ///
    /// [`ExpiryError::Zero`] or [`ExpiryError::TooLong`] for a lifetime, [`ExpiryError::InThePast`]
    /// for a moment that has passed, and [`ExpiryError::OutOfRange`] before 1970 or after 9999.
    #[inline] // each seal resolves one
    pub fn resolve(self, now: UnixTime) -> Result<Option<UnixTime>, ExpiryError> {
        let at = match self {
            Self::Never => return Ok(None),
            Self::In(lifetime) => match lifetime.as_secs() {
                0 => return Err(ExpiryError::Zero),
                seconds if seconds > UnixTime::MAX_DATE.as_secs().unsigned_abs() => {
                    return Err(ExpiryError::TooLong);
                }
                _ => now + lifetime,
            },
            Self::At(at) if at <= now => return Err(ExpiryError::InThePast),
            Self::At(at) => at,
        };
        if (0..=UnixTime::MAX_DATE.as_secs()).contains(&at.as_secs()) {
            Ok(Some(at))
        } else {
            Err(ExpiryError::OutOfRange)
        }
    }
}

impl From<Duration> for Expiry {
    fn from(lifetime: Duration) -> Self {
        Self::In(lifetime)
    }
}

impl From<UnixTime> for Expiry {
    fn from(at: UnixTime) -> Self {
        Self::At(at)
    }
}

impl From<SystemTime> for Expiry {
    fn from(at: SystemTime) -> Self {
        Self::At(at.into())
    }
}

impl From<OffsetDateTime> for Expiry {
    fn from(at: OffsetDateTime) -> Self {
        Self::At(at.into())
    }
}

impl fmt::Display for ExpiryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "the lifetime is less than a second: give at least one, or never",
            Self::TooLong => {
                "the lifetime is more than 253402300799 seconds: use never if that is meant"
            }
            Self::InThePast => "the expiry has passed: give a moment in the future",
            Self::OutOfRange => "the expiry lies before 1970 or after 9999",
        })
    }
}

impl std::error::Error for ExpiryError {}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: i64 = UnixTime::MAX_DATE.as_secs();
    const NOW: UnixTime = UnixTime::from_secs(1_000);

    #[test]
    fn a_moment_lies_ahead_and_within_the_year_9999() {
        let resolve = |seconds| Expiry::At(UnixTime::from_secs(seconds)).resolve(NOW);
        for good in [1_001, LAST] {
            assert_eq!(resolve(good), Ok(Some(UnixTime::from_secs(good))));
        }
        for past in [i64::MIN, -1, 999, 1_000] {
            assert_eq!(resolve(past), Err(ExpiryError::InThePast), "{past}");
        }
        for late in [LAST + 1, i64::MAX] {
            assert_eq!(resolve(late), Err(ExpiryError::OutOfRange), "{late}");
        }
        let before_1970 = Expiry::At(UnixTime::from_secs(-1));
        let now = UnixTime::from_secs(-2);
        assert_eq!(before_1970.resolve(now), Err(ExpiryError::OutOfRange));
    }

    #[test]
    fn a_lifetime_is_whole_seconds_from_now_and_at_least_one() {
        let resolve = |lifetime| Expiry::In(lifetime).resolve(NOW);
        assert_eq!(
            resolve(Duration::from_secs(1)),
            Ok(Some(UnixTime::from_secs(1_001)))
        );
        assert_eq!(
            resolve(Duration::from_millis(1_999)),
            Ok(Some(UnixTime::from_secs(1_001)))
        );
        for zero in [Duration::ZERO, Duration::from_millis(999)] {
            assert_eq!(resolve(zero), Err(ExpiryError::Zero));
        }
        let last = LAST.unsigned_abs();
        for too_long in [Duration::from_secs(last + 1), Duration::MAX] {
            assert_eq!(resolve(too_long), Err(ExpiryError::TooLong));
        }
        let late = resolve(Duration::from_secs(last));
        assert_eq!(late, Err(ExpiryError::OutOfRange));
        assert_eq!(Expiry::Never.resolve(NOW), Ok(None));
    }
}
