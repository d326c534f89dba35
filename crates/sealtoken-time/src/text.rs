//! Moments as RFC 3339 text.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::UnixTime;

/// The text is not an RFC 3339 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseTimeError;

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an RFC 3339 date and time with an offset, such as 2025-11-21T20:00:00Z")
    }
}

impl std::error::Error for ParseTimeError {}

impl FromStr for UnixTime {
    type Err = ParseTimeError;

    /// Reads RFC 3339: a date, a time, and `Z` or an offset such as `+01:00`. A fraction of a
    /// second is dropped, so the moment rounds towards the past. A leap second is read as the one
    /// before it.
    ///
    /// ```
    /// use sealtoken_time::UnixTime;
    ///
    /// let utc: UnixTime = "2025-11-21T20:00:00.999Z".parse()?;
    /// assert_eq!(utc, "2025-11-21T21:00:00+01:00".parse()?);
    /// # Ok::<(), sealtoken_time::ParseTimeError>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| ParseTimeError)?;
        Ok(moment.into())
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339 in UTC. Moments after the year 9999 print as its last second, moments before the
    /// year 0 as bare seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OffsetDateTime::from(*self).format(&Rfc3339) {
            Ok(text) => f.pad(&text),
            Err(_) => write!(f, "{}", self.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_year_comes_back_as_the_same_moment() {
        const YEAR_0: i64 = -62_167_219_200;
        let step = 86_400 * 365 + 12_345;
        let mut seconds = YEAR_0;
        while seconds <= UnixTime::MAX_DATE.as_secs() {
            let moment = UnixTime::from_secs(seconds);
            assert_eq!(moment.to_string().parse(), Ok(moment));
            seconds += step;
        }
        assert!(
            UnixTime::from_secs(YEAR_0)
                .to_string()
                .starts_with("0000-01-01T")
        );
    }

    #[test]
    fn offsets_and_fractions_are_read_and_a_fraction_rounds_towards_the_past() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00z", 0),
            ("1970-01-01t00:00:00Z", 0),
            ("1970-01-01T01:30:00+01:30", 0),
            ("1969-12-31T23:00:00-01:00", 0),
            ("1970-01-01T00:00:01.999999999Z", 1),
            ("1969-12-31T23:59:58.5Z", -2),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
        ] {
            assert_eq!(text.parse(), Ok(UnixTime::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "0",
            "1763755200",
            "2025-11-21",
            "2025-11-21T20:00:00",
            "2025-11-21T20:00Z",
            "2025-11-21T20:00:00+01",
            "2025-11-21T20:00:00+0100",
            "2025-11-21T20:00:00+24:00",
            "2025-11-21T20:00:00+01:60",
            "2025-02-29T20:00:00Z",
            "2025-11-21T24:00:00Z",
            "2025-11-21T20:00:61Z",
            "2025-11-21T20:00:00.Z",
            "2025-11-21T20:00:00Z ",
            " 2025-11-21T20:00:00Z",
            "10000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "２025-11-21T20:00:00Z",
            "2025-11-21T20:00:00\u{0}",
        ] {
            assert_eq!(text.parse::<UnixTime>(), Err(ParseTimeError), "{text:?}");
        }
    }

    #[test]
    fn an_offset_can_lead_out_of_the_years_of_four_digits_without_a_panic() {
        let early = "0000-01-01T00:00:00+23:59".parse::<UnixTime>();
        let late = "9999-12-31T23:59:59-23:59".parse::<UnixTime>();
        assert!(early.is_ok_and(|moment| moment.as_secs() < -62_167_219_200));
        assert!(late.is_err() || late.is_ok_and(|moment| moment > UnixTime::MAX_DATE));
    }
}
