//! Clocks, including one that tests set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::UnixTime;

/// Where the library reads the time: the operating system's clock, unless you set another.
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
    /// The current moment. It may run backwards; nothing here relies on order.
    fn now(&self) -> UnixTime;
}

/// A clock that stands still until it is set, for tests of code that uses tokens.
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

    /// Sets the clock to `moment`, forwards or backwards.
    pub fn set(&self, moment: UnixTime) {
        self.0.store(moment.as_secs(), Ordering::SeqCst);
    }

    /// Moves the clock by `seconds`, back if they are negative.
    pub fn advance(&self, seconds: i64) {
        self.set(self.now().saturating_add(seconds));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}
