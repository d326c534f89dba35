//! Moments as text, in UTC or in another zone.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::crypto::clock::UnixTime;

/// The zone in which moments are shown: UTC, an offset from it, or that of this machine.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime, Zone};
/// use time::UtcOffset;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
/// let codec = KeyRing::new(Key::generate()).codec("demo")?.with_clock(clock);
/// let mut token = Token::new();
/// codec.seal(&mut token, Lifetime::minutes(30))?;
///
/// let new_york = Zone::from(UtcOffset::from_hms(-5, 0, 0)?);
/// let expiry = token.expires_at().map(|at| new_york.text(at));
/// assert_eq!(expiry.as_deref(), Some("2025-11-21T15:30:00-05:00"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Offset(UtcOffset),
    #[cfg(feature = "local-time")]
    Local,
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(Kind::Offset(UtcOffset::UTC));

    /// The zone of this machine (`TZ`, `/etc/localtime`), summer time included: each moment has its
    /// own offset. UTC if the system's zone cannot be found.
    #[cfg(feature = "local-time")]
    pub const LOCAL: Self = Self(Kind::Local);

    /// A moment as RFC 3339 text: `2025-11-21T20:30:00Z`.
    ///
    /// It is in UTC if RFC 3339 cannot write the offset, because that has seconds or takes the year
    /// out of 0 to 9999. Beyond these years, it is as [`UnixTime`] prints it.
    #[must_use]
    pub fn text(self, moment: impl Into<UnixTime>) -> String {
        let moment = moment.into();
        let date = time::OffsetDateTime::from(moment);
        date.checked_to_offset(self.offset(date))
            .and_then(|date| date.format(&Rfc3339).ok())
            .unwrap_or_else(|| moment.to_string())
    }

    #[cfg_attr(
        not(feature = "local-time"),
        expect(
            unused_variables,
            reason = "only the offset of a local zone depends on it"
        )
    )]
    fn offset(self, date: OffsetDateTime) -> UtcOffset {
        match self.0 {
            Kind::Offset(offset) => offset,
            #[cfg(feature = "local-time")]
            Kind::Local => local_offset(date),
        }
    }
}

/// The offset of the system's zone at that moment.
#[cfg(feature = "local-time")]
fn local_offset(date: OffsetDateTime) -> UtcOffset {
    let zone = jiff::tz::TimeZone::try_system();
    let then = jiff::Timestamp::from_second(date.unix_timestamp());
    match (zone, then) {
        (Ok(zone), Ok(then)) => {
            let seconds = zone.to_offset(then).seconds();
            UtcOffset::from_whole_seconds(seconds).unwrap_or(UtcOffset::UTC)
        }
        _ => UtcOffset::UTC,
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl From<UtcOffset> for Zone {
    fn from(offset: UtcOffset) -> Self {
        Self(Kind::Offset(offset))
    }
}
