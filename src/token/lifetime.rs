//! How long a token lives.

use std::fmt;
use std::time::Duration;

use crate::crypto::clock::MAX_SECONDS;

/// How long a token lives from its sealing: always written out, never a default.
///
/// The system that this type comes from had a default of 60 seconds, which ended reset links before they
/// were read, and took zero or less for "never", so that a computation gone wrong made tokens that could not
/// end. Here a lifetime is a required argument, zero is an error when a token is sealed, and a token without
/// an end says so: [`Lifetime::Forever`].
///
/// ```
/// use sealtoken::Lifetime;
///
/// const SESSION: Lifetime = Lifetime::hours(8);
/// assert_eq!(SESSION.as_secs(), Some(28_800));
/// assert_eq!(Lifetime::Forever.as_secs(), None);
/// assert_eq!(Lifetime::minutes(90).to_string(), "5400 s");
/// ```
///
/// It cannot be left out:
///
/// ```compile_fail
/// # fn seal(codec: sealtoken::Codec) {
/// codec.seal(&mut sealtoken::Token::new());
/// # }
/// ```
///
/// Lifetimes are ordered, so that `min` caps one: [`Lifetime::Forever`] is the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// The token expires; made by [`Lifetime::seconds`] and its companions.
    For(Seconds),
    /// The token never expires. Whoever finds it in ten years can use it: only a removed key ends it.
    Forever,
}

/// The number of seconds in a [`Lifetime`]. Whether it is in range is judged when a token is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

/// A lifetime that the format cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifetimeError {
    /// Zero seconds: the token would be expired when it is made.
    Zero,
    /// More than 253,402,300,799 seconds, which is some 8,000 years.
    TooLong,
}

impl Lifetime {
    /// `n` seconds.
    #[must_use]
    pub const fn seconds(n: u64) -> Self {
        Self::For(Seconds(n))
    }

    /// `n` minutes. A product beyond `u64` saturates, and is then refused as too long.
    #[must_use]
    pub const fn minutes(n: u64) -> Self {
        Self::seconds(n.saturating_mul(60))
    }

    /// `n` hours.
    #[must_use]
    pub const fn hours(n: u64) -> Self {
        Self::seconds(n.saturating_mul(3600))
    }

    /// `n` days of 24 hours.
    #[must_use]
    pub const fn days(n: u64) -> Self {
        Self::seconds(n.saturating_mul(86_400))
    }

    /// `n` weeks.
    #[must_use]
    pub const fn weeks(n: u64) -> Self {
        Self::seconds(n.saturating_mul(604_800))
    }

    /// The seconds, or `None` for [`Lifetime::Forever`].
    #[must_use]
    pub const fn as_secs(self) -> Option<u64> {
        match self {
            Self::Forever => None,
            Self::For(Seconds(n)) => Some(n),
        }
    }

    /// Checks that the format can hold it, as sealing does.
    ///
    /// # Errors
    ///
    /// [`LifetimeError::Zero`] and [`LifetimeError::TooLong`].
    ///
    /// ```
    /// use sealtoken::{Lifetime, LifetimeError};
    ///
    /// assert_eq!(Lifetime::seconds(0).check(), Err(LifetimeError::Zero));
    /// assert_eq!(Lifetime::days(u64::MAX).check(), Err(LifetimeError::TooLong));
    /// ```
    pub const fn check(self) -> Result<(), LifetimeError> {
        match self.as_secs() {
            Some(0) => Err(LifetimeError::Zero),
            Some(n) if n > MAX_SECONDS.unsigned_abs() => Err(LifetimeError::TooLong),
            _ => Ok(()),
        }
    }

    /// The seconds as they stand in a token: checked, and `None` for no end.
    pub(crate) fn on_the_wire(self) -> Result<Option<i64>, LifetimeError> {
        self.check()?;
        let Some(seconds) = self.as_secs() else {
            return Ok(None);
        };
        i64::try_from(seconds)
            .map(Some)
            .map_err(|_| LifetimeError::TooLong)
    }

    pub(crate) fn from_the_wire(seconds: Option<i64>) -> Self {
        seconds.map_or(Self::Forever, |seconds| {
            Self::seconds(seconds.max(0).unsigned_abs())
        })
    }
}

impl From<Duration> for Lifetime {
    /// Whole seconds; a fraction is dropped, so less than a second is zero and refused.
    fn from(duration: Duration) -> Self {
        Self::seconds(duration.as_secs())
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_secs() {
            None => f.write_str("forever"),
            Some(seconds) => write!(f, "{seconds} s"),
        }
    }
}

impl fmt::Display for LifetimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a lifetime of zero seconds: give at least one, or Lifetime::Forever",
            Self::TooLong => {
                "a lifetime beyond 253402300799 seconds: use Lifetime::Forever if it is meant"
            }
        })
    }
}

impl std::error::Error for LifetimeError {}
