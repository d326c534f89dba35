//! How long a token lives, when it is valid and when it expires, and the one place where that is
//! judged.

use std::fmt;
use std::time::Duration;

use crate::crypto::clock::{Expiry, ExpiryError, MAX_SECONDS, UnixTime};

use super::error::{OpenError, SealError};

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
    /// Whole seconds count, so sealing refuses less than one.
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

/// The times that a token carries, each in the format's range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// `t`: when it was issued or last renewed.
    pub(crate) begun: i64,
    /// `x`: its lifetime in seconds; none if it never expires.
    pub(crate) lifetime: Option<i64>,
    /// `n`: not valid before.
    pub(crate) not_before: Option<i64>,
    /// `o`: when a renewed token was first issued.
    pub(crate) origin: Option<i64>,
}

/// How far clocks may disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tolerance {
    pub(crate) leeway: Duration,
    pub(crate) future_skew: Duration,
}

impl Times {
    /// The second from which the token is expired: `t + x`, even beyond the year 9999.
    pub(crate) fn expires_at(&self) -> Option<UnixTime> {
        self.lifetime
            .map(|seconds| UnixTime::from_secs(self.begun.saturating_add(seconds)))
    }

    /// When it expired, if it has.
    pub(crate) fn expired(&self, now: UnixTime, leeway: Duration) -> Option<UnixTime> {
        self.expires_at()
            .filter(|at| later(*at, leeway) <= i128::from(now.as_secs()))
    }

    /// When it was first issued, before all renewals.
    pub(crate) fn first_begun(&self) -> i64 {
        self.origin.unwrap_or(self.begun)
    }

    /// The time until it expires: zero once it has, and `None` if it never does.
    pub(crate) fn remaining(&self, now: UnixTime) -> Option<Duration> {
        self.expires_at().map(|at| at - now)
    }

    /// Whether a token with these times is or will be valid.
    pub(crate) fn may_be_sealed(
        &self,
        now: UnixTime,
        tolerance: Tolerance,
    ) -> Result<(), SealError> {
        let issued_at = UnixTime::from_secs(self.begun);
        if i128::from(self.begun) > later(now, tolerance.future_skew) {
            return Err(SealError::FromTheFuture { issued_at });
        }
        match (self.not_before.map(UnixTime::from_secs), self.expires_at()) {
            (Some(from), Some(expires_at)) if from >= expires_at => {
                Err(SealError::NeverValid { from, expires_at })
            }
            _ => Ok(()),
        }
    }

    /// Whether a token with these times is valid now.
    pub(crate) fn judge(&self, now: UnixTime, tolerance: Tolerance) -> Result<(), OpenError> {
        let begun = UnixTime::from_secs(self.begun);
        if i128::from(self.begun) > later(now, tolerance.future_skew) {
            return Err(OpenError::NotYetValid { from: begun });
        }
        if let Some(from) = self.not_before
            && i128::from(from) > later(now, tolerance.leeway)
        {
            let from = UnixTime::from_secs(from);
            return Err(OpenError::NotYetValid { from });
        }
        match self.expired(now, tolerance.leeway) {
            Some(at) => Err(OpenError::Expired { at }),
            None => Ok(()),
        }
    }
}

/// The second `tolerance` after `moment`, in a type that holds every such sum.
fn later(moment: UnixTime, tolerance: Duration) -> i128 {
    i128::from(moment.as_secs()).saturating_add(i128::from(tolerance.as_secs()))
}

/// The present second as it can stand in a token.
pub(crate) fn on_the_wire(now: UnixTime) -> Option<i64> {
    Some(now.as_secs()).filter(|seconds| (0..=MAX_SECONDS).contains(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The format's rules again, with sums that cannot overflow.
    fn plain(times: &Times, now: i64, leeway: u64, skew: u64) -> &'static str {
        let (now, leeway, skew) = (i128::from(now), i128::from(leeway), i128::from(skew));
        let begun = i128::from(times.begun);
        if begun > now + skew {
            "not_yet_valid"
        } else if times
            .lifetime
            .is_some_and(|x| begun + i128::from(x) + leeway <= now)
        {
            "expired"
        } else {
            "valid"
        }
    }

    #[test]
    fn the_343_extremes_of_now_lifetime_and_leeway_are_judged_without_overflow() {
        let nows = [
            i64::MIN,
            -1,
            0,
            1_763_755_200,
            MAX_SECONDS,
            MAX_SECONDS + 1,
            i64::MAX,
        ];
        let lifetimes = [
            None,
            Some(1),
            Some(60),
            Some(1_763_755_200),
            Some(MAX_SECONDS - 1),
            Some(MAX_SECONDS),
            Some(2),
        ];
        let leeways = [0, 1, 60, 1 << 31, 1 << 62, u64::MAX - 1, u64::MAX];
        let mut judged = 0;
        for now in nows {
            for lifetime in lifetimes {
                for leeway in leeways {
                    for begun in [0, 1_763_755_200, MAX_SECONDS] {
                        let times = Times {
                            begun,
                            lifetime,
                            not_before: None,
                            origin: None,
                        };
                        let tolerance = Tolerance {
                            leeway: Duration::from_secs(leeway),
                            future_skew: Duration::from_secs(60),
                        };
                        let answer = times
                            .judge(UnixTime::from_secs(now), tolerance)
                            .map_or_else(|error| error.code(), |()| "valid");
                        assert_eq!(
                            answer,
                            plain(&times, now, leeway, 60),
                            "{now} {times:?} {leeway}"
                        );
                        judged += 1;
                    }
                }
            }
        }
        assert_eq!(judged, 343 * 3);
    }

    #[test]
    fn a_token_is_expired_at_its_expiry_and_not_a_second_before() {
        let times = Times {
            begun: 100,
            lifetime: Some(10),
            not_before: None,
            origin: None,
        };
        let at = |now| times.expired(UnixTime::from_secs(now), Duration::ZERO);
        assert_eq!(at(109), None);
        assert_eq!(at(110), Some(UnixTime::from_secs(110)));
        let lenient = Duration::from_secs(5);
        assert_eq!(times.expired(UnixTime::from_secs(114), lenient), None);
        assert!(times.expired(UnixTime::from_secs(115), lenient).is_some());
    }

    #[test]
    fn a_beginning_in_the_future_is_measured_by_skew_and_not_before_by_leeway() {
        let tolerance = Tolerance {
            leeway: Duration::from_secs(2),
            future_skew: Duration::from_secs(60),
        };
        let begun = |begun| Times {
            begun,
            lifetime: None,
            not_before: None,
            origin: None,
        };
        let now = UnixTime::from_secs(1000);
        assert_eq!(begun(1060).judge(now, tolerance), Ok(()));
        let from = UnixTime::from_secs(1061);
        assert_eq!(
            begun(1061).judge(now, tolerance),
            Err(OpenError::NotYetValid { from })
        );
        let not_before = |n| Times {
            not_before: Some(n),
            ..begun(1000)
        };
        assert_eq!(not_before(1002).judge(now, tolerance), Ok(()));
        let from = UnixTime::from_secs(1003);
        assert_eq!(
            not_before(1003).judge(now, tolerance),
            Err(OpenError::NotYetValid { from })
        );
    }
}
