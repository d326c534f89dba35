//! Moments in whole Unix seconds, and clocks that can be replaced: what a token's life is reckoned in.
//!
//! `sealtoken` and the engines of its stores share this crate, and you need not name it: `sealtoken` exports the same types.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// A moment in whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
///
/// ```
/// use sealtoken_time::UnixTime;
///
/// let moment = UnixTime::from_secs(1_763_755_200);
/// assert_eq!(moment.to_string(), "2025-11-21T20:00:00Z");
/// assert_eq!(moment.as_secs(), 1_763_755_200);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The last second that a date of four digits can name: 9999-12-31T23:59:59Z.
    pub const LAST_DATE: Self = Self(253_402_300_799);

    /// The moment that is `seconds` after the epoch, or before it where negative.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// The system clock's present moment.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// The moment `seconds` later; it stops at the ends of the range instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The seconds from `earlier` to this moment; negative where it is the later one. It stops at the ends of the
    /// range instead of wrapping.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As a calendar date in UTC. What lies outside the years that [`OffsetDateTime`] can hold becomes
    /// the nearest one that it can, at the latest 9999-12-31T23:59:59Z.
    #[must_use]
    pub fn to_date_time(self) -> OffsetDateTime {
        const MIN_SECONDS: i64 = -377_705_116_800;
        OffsetDateTime::from_unix_timestamp(self.0.clamp(MIN_SECONDS, Self::LAST_DATE.0))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<SystemTime> for UnixTime {
    fn from(moment: SystemTime) -> Self {
        let seconds = match moment.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                // A fraction of a second before the epoch belongs to the second that began earlier.
                let begun = i64::from(before.subsec_nanos() > 0);
                0_i64.saturating_sub(whole).saturating_sub(begun)
            }
        };
        Self(seconds)
    }
}

impl From<OffsetDateTime> for UnixTime {
    fn from(moment: OffsetDateTime) -> Self {
        Self(moment.unix_timestamp())
    }
}

impl From<UnixTime> for OffsetDateTime {
    fn from(moment: UnixTime) -> Self {
        moment.to_date_time()
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339 in UTC for years 0 to 9999, which later moments are shown as the last second of; the bare number of
    /// seconds before.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self
            .to_date_time()
            .format(&time::format_description::well_known::Rfc3339)
        {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixTime({})", self.0)
    }
}

/// Where a codec, and the tokens that it makes and opens, read the time.
///
/// ```
/// use sealtoken_time::{Clock, UnixTime};
///
/// struct NtpClock { offset: i64 }
///
/// impl Clock for NtpClock {
///     fn now(&self) -> UnixTime {
///         UnixTime::now().saturating_add(self.offset)
///     }
/// }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The present moment. It may run backwards; nothing here relies on order.
    fn now(&self) -> UnixTime;
}

/// The operating system's clock: what every codec uses unless told otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }
}

/// A clock that stands where it is put, for tests of code that uses tokens.
///
/// Clones show the same time.
///
/// ```
/// use sealtoken_time::{Clock, ManualClock, UnixTime};
///
/// let clock = ManualClock::at(UnixTime::from_secs(1_000_000));
/// let the_same = clock.clone();
/// clock.advance(59);
/// assert_eq!(the_same.now(), UnixTime::from_secs(1_000_059));
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `moment`.
    #[must_use]
    pub fn at(moment: UnixTime) -> Self {
        Self(Arc::new(AtomicI64::new(moment.as_secs())))
    }

    /// Puts the clock to `moment`, forwards or backwards.
    pub fn set(&self, moment: UnixTime) {
        self.0.store(moment.as_secs(), Ordering::SeqCst);
    }

    /// Moves the clock by `seconds`; negative ones move it back.
    pub fn advance(&self, seconds: i64) {
        self.set(self.now().saturating_add(seconds));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.load(Ordering::SeqCst))
    }
}

/// The examples of the front page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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
    }

    #[test]
    fn dates_saturate_at_the_ends_of_the_calendar() {
        assert_eq!(
            UnixTime::from_secs(i64::MAX).to_string(),
            "9999-12-31T23:59:59Z"
        );
        assert_eq!(
            UnixTime::from_secs(i64::MAX)
                .to_date_time()
                .unix_timestamp(),
            UnixTime::LAST_DATE.as_secs()
        );
        assert_eq!(UnixTime::from_secs(i64::MIN).to_date_time().year(), -9999);
        assert_eq!(
            UnixTime::from_secs(i64::MIN).to_string(),
            i64::MIN.to_string()
        );
    }
}
