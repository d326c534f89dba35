//! How long a token lives.

use std::fmt;
use std::time::Duration;

use crate::crypto::clock::{Expiry, ExpiryError, UnixTime};

/// How long a token lives from its sealing. It is always written out, never a default.
///
/// The system that this type comes from had a default of 60 seconds, so reset links expired before
/// anyone read them. It also took zero or less for "never", so a wrong computation made tokens that
/// never expired. Here a lifetime is a required argument, sealing refuses zero, and a token that
/// never expires says so: [`Lifetime::Forever`].
///
/// ```
/// use std::time::Duration;
/// use sealtoken::Lifetime;
///
/// const SESSION: Lifetime = Lifetime::hours(8);
/// assert_eq!(SESSION.as_duration(), Some(Duration::from_secs(28_800)));
/// assert_eq!(Lifetime::from(Duration::from_secs(28_800)), SESSION);
/// assert_eq!(Lifetime::Forever.as_duration(), None);
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
/// Lifetimes are ordered, so `min` caps one: [`Lifetime::Forever`] is the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// The token expires after this time. Whole seconds count. Sealing checks the range.
    For(Duration),
    /// The token never expires. Whoever finds it in ten years can use it; only removing its key
    /// stops that.
    Forever,
}

impl Lifetime {
    /// `n` seconds.
    #[must_use]
    pub const fn seconds(n: u64) -> Self {
        Self::For(Duration::from_secs(n))
    }

    /// `n` minutes. A product beyond `u64` saturates, and sealing refuses it as too long.
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

    /// The duration, or `None` for [`Lifetime::Forever`].
    #[must_use]
    pub const fn as_duration(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(duration) => Some(duration),
        }
    }

    /// The seconds as they stand in a token, checked; `None` if it never expires.
    pub(crate) fn on_the_wire(self) -> Result<Option<i64>, ExpiryError> {
        let expiry = Expiry::from(self).resolve(UnixTime::from_secs(0))?;
        Ok(expiry.map(UnixTime::as_secs))
    }

    pub(crate) fn from_the_wire(seconds: Option<i64>) -> Self {
        seconds.map_or(Self::Forever, |seconds| {
            Self::seconds(seconds.max(0).unsigned_abs())
        })
    }
}

impl From<Duration> for Lifetime {
    /// Whole seconds count, so sealing refuses less than one as zero.
    fn from(duration: Duration) -> Self {
        Self::For(duration)
    }
}

impl From<Lifetime> for Expiry {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.as_duration().map_or(Self::Never, Self::In)
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_duration() {
            None => f.write_str("forever"),
            Some(duration) => write!(f, "{} s", duration.as_secs()),
        }
    }
}
