//! The clock in use, and its readings.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use sealtoken_time::{Clock, Expiry, ExpiryError, ManualClock, ParseTimeError, UnixTime};

/// The last second that the format can name: 9999-12-31T23:59:59Z.
pub(crate) const MAX_SECONDS: i64 = UnixTime::MAX_DATE.as_secs();

/// The clock in use. The system's has its own variant, so an ordinary token holds no pointer.
#[derive(Clone, Default)]
pub(crate) enum ClockSource {
    #[default]
    System,
    Injected(Arc<dyn Clock>),
    /// For tests that make the same token twice.
    #[cfg(test)]
    Fixed(Reading),
}

/// One reading of the clocks: the time that tokens are checked against, and the nanoseconds that
/// feed the generator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) now: UnixTime,
    /// The *system's* nanoseconds, whatever clock is injected: a test clock must not weaken nonces.
    /// They wrap in the year 2554, and before 1970 they are zero.
    pub(crate) nanos: u64,
}

impl ClockSource {
    pub(crate) fn now(&self) -> UnixTime {
        match self {
            Self::System => UnixTime::now(),
            Self::Injected(clock) => clock.now(),
            #[cfg(test)]
            Self::Fixed(reading) => reading.now,
        }
    }

    pub(crate) fn read(&self) -> Reading {
        let system = SystemTime::now();
        let since = system.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = since
            .as_secs()
            .wrapping_mul(1_000_000_000)
            .wrapping_add(u64::from(since.subsec_nanos()));
        let now = match self {
            Self::System => UnixTime::from(system),
            Self::Injected(clock) => clock.now(),
            #[cfg(test)]
            Self::Fixed(reading) => return *reading,
        };
        Reading { now, nanos }
    }
}

impl fmt::Debug for ClockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Injected(_) => "Clock",
            #[cfg(test)]
            Self::Fixed(_) => "Fixed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injected_clock_does_not_touch_the_nanoseconds() {
        let source = ClockSource::Injected(Arc::new(ManualClock::at(UnixTime::from_secs(5))));
        let reading = source.read();
        assert_eq!(reading.now.as_secs(), 5);
        assert!(reading.nanos > 1_700_000_000_000_000_000);
    }
}
