//! A token as JSON for people and logs, with the long names of the system that it comes from.

use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::crypto::clock::UnixTime;

use super::cargo::Value;
use super::state::Token;

/// What [`Token::to_value`] and [`Token::to_json`] show.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, Token, View};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let codec = KeyRing::new(Key::generate()).codec("demo")?;
/// let mut token = Token::new();
/// token.cargo_mut().insert("user_id", 123)?;
/// codec.seal(&mut token, Lifetime::hours(1))?;
///
/// println!("{}", token.to_json(View::basic()));
/// // {"timestamp":1763755200,"seconds_to_expire":3600,"custom":{"user_id":123}}
/// println!("{}", token.to_json(View::with_extras().pretty()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    extras: bool,
    sealed: bool,
    pretty: bool,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Offset(UtcOffset),
    #[cfg(feature = "local-time")]
    Local,
}

impl Zone {
    #[cfg_attr(
        not(feature = "local-time"),
        expect(unused_variables, reason = "only a local zone's offset depends on it")
    )]
    fn offset(self, moment: OffsetDateTime) -> UtcOffset {
        match self {
            Self::Offset(offset) => offset,
            #[cfg(feature = "local-time")]
            Self::Local => local_offset(moment),
        }
    }
}

impl View {
    /// The three members of the token's own: `timestamp`, `seconds_to_expire` (`null` for never) and `custom`.
    #[must_use]
    pub const fn basic() -> Self {
        Self {
            extras: false,
            sealed: false,
            pretty: false,
            zone: Zone::Offset(UtcOffset::UTC),
        }
    }

    /// The basic ones and eight more: `uuid`, `current_time`, `expires_at`, `is_expired`, `encryption_is_valid`,
    /// `is_dirty`, `cargo_is_dirty` and `cargo_dump`. The ninth, `shareable_token`, only
    /// [with its text](View::with_sealed_text).
    #[must_use]
    pub const fn with_extras() -> Self {
        Self {
            extras: true,
            ..Self::basic()
        }
    }

    /// Shows the sealed text as well, as `shareable_token`.
    ///
    /// # Security
    ///
    /// The text is a bearer secret: whoever reads the log can use the token.
    #[must_use]
    pub const fn with_sealed_text(self) -> Self {
        Self {
            sealed: true,
            ..self
        }
    }

    /// Over several lines, indented.
    #[must_use]
    pub const fn pretty(self) -> Self {
        Self {
            pretty: true,
            ..self
        }
    }

    /// Times with this offset from UTC, instead of in UTC.
    #[must_use]
    pub const fn in_offset(self, offset: UtcOffset) -> Self {
        Self {
            zone: Zone::Offset(offset),
            ..self
        }
    }

    /// Times in the zone of this machine, each with the offset of its moment. UTC where the zone cannot be told.
    #[cfg(feature = "local-time")]
    #[must_use]
    pub const fn in_local_zone(self) -> Self {
        Self {
            zone: Zone::Local,
            ..self
        }
    }
}

impl Default for View {
    fn default() -> Self {
        Self::basic()
    }
}

impl<T> Token<T> {
    /// When the token expires as RFC 3339 text, in UTC or with another offset: `2025-11-21T20:30:00Z`.
    ///
    /// `None` for a token that never expires, and for one that was never sealed.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
    /// use time::UtcOffset;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
    /// let codec = KeyRing::new(Key::generate()).codec("demo")?.with_clock(clock);
    /// let mut token = Token::new();
    /// codec.seal(&mut token, Lifetime::minutes(30))?;
    ///
    /// let utc = token.expires_at_text(UtcOffset::UTC);
    /// assert_eq!(utc.as_deref(), Some("2025-11-21T20:30:00Z"));
    /// let cet = token.expires_at_text(UtcOffset::from_hms(1, 0, 0)?);
    /// assert_eq!(cet.as_deref(), Some("2025-11-21T21:30:00+01:00"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn expires_at_text(&self, offset: UtcOffset) -> Option<String> {
        self.expires_at().map(|end| text(end, offset))
    }

    /// When the token expires as RFC 3339 text, in the zone of this machine at that moment.
    ///
    /// The zone is the system's own (`TZ`, `/etc/localtime`), summer time included; UTC where it cannot be told.
    #[cfg(feature = "local-time")]
    #[must_use]
    pub fn expires_at_local_text(&self) -> Option<String> {
        self.expires_at().map(|end| text(end, local_offset(end)))
    }
}

/// The offset that the system's zone has at that moment.
#[cfg(feature = "local-time")]
fn local_offset(moment: OffsetDateTime) -> UtcOffset {
    let zone = jiff::tz::TimeZone::try_system();
    let then = jiff::Timestamp::from_second(moment.unix_timestamp());
    match (zone, then) {
        (Ok(zone), Ok(then)) => {
            let seconds = zone.to_offset(then).seconds();
            UtcOffset::from_whole_seconds(seconds).unwrap_or(UtcOffset::UTC)
        }
        _ => UtcOffset::UTC,
    }
}

impl Token {
    /// The token as a value, for logs and debugging. See [`View`].
    #[must_use]
    pub fn to_value(&self, view: View) -> Value {
        let members = self.members(view).into_iter();
        Value::Object(members.map(|(name, value)| (name.into(), value)).collect())
    }

    /// The token as JSON, for logs and debugging, in the order that [`View`] lists.
    #[must_use]
    pub fn to_json(&self, view: View) -> String {
        let members = InOrder(self.members(view));
        let written = if view.pretty {
            serde_json::to_string_pretty(&members)
        } else {
            serde_json::to_string(&members)
        };
        // A value holds nothing that JSON cannot.
        written.unwrap_or_default()
    }

    fn members(&self, view: View) -> Vec<(&'static str, Value)> {
        let sealed = self.sealed_state();
        let second = |second: Option<i64>| second.map_or(Value::Null, Value::from);
        let lifetime = sealed.and_then(|sealed| sealed.times.lifetime);
        let mut members = vec![
            ("timestamp", second(sealed.map(|sealed| sealed.times.begun))),
            ("seconds_to_expire", second(lifetime)),
            ("custom", self.cargo().dump()),
        ];
        if view.extras {
            let moment =
                |moment: OffsetDateTime| Value::from(text(moment, view.zone.offset(moment)));
            let end = self.expires_at().map_or(Value::Null, moment);
            members.extend([
                ("uuid", self.uuid().to_string().into()),
                ("current_time", moment(self.clock().now().to_date_time())),
                ("expires_at", end),
                ("is_expired", self.is_expired().into()),
                ("encryption_is_valid", self.is_valid().into()),
                ("is_dirty", self.is_dirty().into()),
                ("cargo_is_dirty", self.cargo().is_dirty().into()),
                ("cargo_dump", self.cargo().dump()),
            ]);
        }
        if view.sealed {
            let text = self.sealed().map_or(Value::Null, Value::from);
            members.push(("shareable_token", text));
        }
        members
    }
}

/// Members in the order in which they are listed, which a map of values would sort.
struct InOrder(Vec<(&'static str, Value)>);

impl Serialize for InOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// RFC 3339 with the offset; UTC where the year would leave 0..=9999 with it.
fn text(moment: OffsetDateTime, offset: UtcOffset) -> String {
    moment
        .checked_to_offset(offset)
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| UnixTime::from(moment).to_string())
}
