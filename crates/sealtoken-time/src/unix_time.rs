//! The moment in whole seconds: arithmetic and conversions.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// A moment in whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
///
/// Adding and subtracting saturates, and fractions of a second are dropped:
///
/// ```
/// use std::time::Duration;
/// use sealtoken_time::UnixTime;
///
/// let moment: UnixTime = "2025-11-21T20:00:00Z".parse()?;
/// assert_eq!(moment.as_secs(), 1_763_755_200);
///
/// let later = moment + Duration::from_secs(90);
/// assert_eq!(later.to_string(), "2025-11-21T20:01:30Z");
/// assert_eq!(later - moment, Duration::from_secs(90));
/// assert_eq!(moment - later, Duration::ZERO); // never negative
/// # Ok::<(), sealtoken_time::ParseTimeError>(())
/// ```
///
/// It converts from and to [`SystemTime`] and [`OffsetDateTime`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The last second that a date with a four-digit year can name: 9999-12-31T23:59:59Z.
    pub const MAX_DATE: Self = Self(253_402_300_799);

    /// The moment `seconds` after the epoch, or before it if they are negative.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// The system clock's current moment.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// The moment `seconds` later, or earlier if they are negative. It saturates. `+` is not
    /// available in constants; this is.
    #[must_use]
    pub const fn saturating_add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Add<Duration> for UnixTime {
    type Output = Self;

    /// Saturates. A fraction of a second is dropped.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(duration.as_secs()))
    }
}

impl Sub<Duration> for UnixTime {
    type Output = Self;

    /// Saturates. A fraction of a second is dropped.
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(duration.as_secs()))
    }
}

impl Sub for UnixTime {
    type Output = Duration;

    /// The time since `earlier`; zero if `earlier` is the later moment.
    fn sub(self, earlier: Self) -> Duration {
        if self.0 <= earlier.0 {
            return Duration::ZERO;
        }
        Duration::from_secs(self.0.abs_diff(earlier.0))
    }
}

impl From<SystemTime> for UnixTime {
    /// Rounds towards the past, before the epoch, too.
    fn from(moment: SystemTime) -> Self {
        match moment.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(0) + after,
            Err(before) => {
                let before = before.duration();
                let begun = Duration::from_secs(u64::from(before.subsec_nanos() > 0));
                Self(0) - before - begun
            }
        }
    }
}

impl From<UnixTime> for SystemTime {
    /// A moment that the platform's clock cannot hold becomes the epoch if it lies before it, and
    /// otherwise [`UnixTime::MAX_DATE`].
    fn from(moment: UnixTime) -> Self {
        let distance = |moment: UnixTime| Duration::from_secs(moment.0.unsigned_abs());
        if moment.0 < 0 {
            return UNIX_EPOCH
                .checked_sub(distance(moment))
                .unwrap_or(UNIX_EPOCH);
        }
        UNIX_EPOCH
            .checked_add(distance(moment))
            .or_else(|| UNIX_EPOCH.checked_add(distance(UnixTime::MAX_DATE)))
            .unwrap_or(UNIX_EPOCH)
    }
}

impl From<OffsetDateTime> for UnixTime {
    /// Rounds towards the past.
    fn from(moment: OffsetDateTime) -> Self {
        Self(moment.unix_timestamp())
    }
}

impl From<UnixTime> for OffsetDateTime {
    /// In UTC. A moment outside the years that [`OffsetDateTime`] can hold becomes the nearest one
    /// inside, [`UnixTime::MAX_DATE`] at the latest.
    fn from(moment: UnixTime) -> Self {
        const MIN_SECONDS: i64 = -377_705_116_800;
        let seconds = moment.0.clamp(MIN_SECONDS, UnixTime::MAX_DATE.0);
        Self::from_unix_timestamp(seconds).unwrap_or(Self::UNIX_EPOCH)
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixTime({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    #[test]
    fn moments_before_the_epoch_round_towards_the_past() {
        let half_before = UNIX_EPOCH - Duration::from_millis(500);
        assert_eq!(UnixTime::from(half_before).as_secs(), -1);
        assert_eq!(
            UnixTime::from(UNIX_EPOCH - Duration::from_secs(2)).as_secs(),
            -2
        );
        assert_eq!(
            UnixTime::from(UNIX_EPOCH + Duration::from_millis(1500)).as_secs(),
            1
        );
        let half_before = OffsetDateTime::UNIX_EPOCH - Duration::from_millis(500);
        assert_eq!(UnixTime::from(half_before).as_secs(), -1);
    }

    #[test]
    fn dates_saturate_at_the_ends_of_the_calendar() {
        assert_eq!(
            UnixTime::from_secs(i64::MAX).to_string(),
            "9999-12-31T23:59:59Z"
        );
        assert_eq!(
            OffsetDateTime::from(UnixTime::from_secs(i64::MAX)).unix_timestamp(),
            UnixTime::MAX_DATE.as_secs()
        );
        let earliest = OffsetDateTime::from(UnixTime::from_secs(i64::MIN));
        assert_eq!(earliest.year(), -9999);
        assert_eq!(
            UnixTime::from_secs(i64::MIN).to_string(),
            i64::MIN.to_string()
        );
    }

    #[test]
    fn sums_and_differences_saturate() {
        let second = Duration::from_secs(1);
        assert_eq!(at(i64::MAX) + second, at(i64::MAX));
        assert_eq!(at(i64::MIN) + Duration::MAX, at(i64::MAX));
        assert_eq!(at(i64::MIN) - second, at(i64::MIN));
        assert_eq!(at(i64::MAX) - Duration::MAX, at(i64::MIN));
        assert_eq!(at(7) + Duration::from_millis(1999), at(8));
        assert_eq!(at(7) - Duration::from_millis(1999), at(6));
        let all = Duration::from_secs(u64::MAX);
        assert_eq!(at(i64::MAX) - at(i64::MIN), all);
        assert_eq!(at(i64::MIN) - at(i64::MAX), Duration::ZERO);
        assert_eq!(at(-3) - at(-5), Duration::from_secs(2));
        assert_eq!(at(-5) - at(-3), Duration::ZERO);
    }

    #[test]
    fn a_moment_comes_back_from_system_time_and_saturates_where_that_ends() {
        for seconds in [-62_135_596_800, -1, 0, 1, 253_402_300_799] {
            let system = SystemTime::from(at(seconds));
            assert_eq!(UnixTime::from(system), at(seconds));
            let date = OffsetDateTime::from(at(seconds));
            assert_eq!(UnixTime::from(date), at(seconds));
        }
        for seconds in [i64::MIN, i64::MIN + 1, i64::MAX] {
            let _ = SystemTime::from(at(seconds)); // no panic, whatever the platform holds
        }
    }
}
