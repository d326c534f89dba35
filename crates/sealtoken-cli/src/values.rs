//! Parsers for the values of options.

use std::num::IntErrorKind;

use sealtoken::{Codec, Expiry, Lifetime, UnixTime};

const NEGATIVE: &str = "a duration is not negative: give a number and a unit, as in 30m";

/// A number with a unit, or `forever`.
pub(crate) fn lifetime(text: &str) -> Result<Lifetime, &'static str> {
    const FORM: &str = "give a number and a unit, as in 90s, 30m, 8h, 1d or 2w, or forever";
    let lifetime = match text {
        "forever" => Lifetime::Forever,
        text if text.starts_with('-') => return Err(NEGATIVE),
        _ => span(text).ok_or(FORM)?,
    };
    // From the epoch, every lifetime that a token can have ends before the last date.
    match Expiry::from(lifetime).resolve(UnixTime::from_secs(0)) {
        Ok(_) => Ok(lifetime),
        Err(_) => Err("a lifetime is at least a second and at most 253402300799 seconds"),
    }
}

/// A number with a unit, in seconds; zero is allowed.
pub(crate) fn age(text: &str) -> Result<u64, &'static str> {
    if text.starts_with('-') {
        return Err(NEGATIVE);
    }
    let age = span(text)
        .and_then(Lifetime::as_duration)
        .map(|age| age.as_secs());
    age.ok_or("give a number and a unit, as in 0s, 30m, 8h, 1d or 2w")
}

/// A number, however large.
pub(crate) fn number(text: &str) -> Result<u64, &'static str> {
    match text.parse::<u64>() {
        Ok(number) => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Ok(u64::MAX),
        Err(_) => Err("give a number, 0 or more"),
    }
}

/// A moment in Unix seconds or in RFC 3339.
pub(crate) fn moment(text: &str) -> Result<UnixTime, &'static str> {
    if let Ok(seconds) = text.parse() {
        return Ok(UnixTime::from_secs(seconds));
    }
    text.parse()
        .map_err(|_| "give Unix seconds, or a moment as in 2027-01-01T00:00:00Z")
}

/// A number with a unit.
fn span(text: &str) -> Option<Lifetime> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits)?;
    let count = match count {
        "" => return None,
        // A number beyond 64 bits is too long in any unit.
        count => count.parse().unwrap_or(u64::MAX),
    };
    match unit {
        "s" => Some(Lifetime::seconds(count)),
        "m" => Some(Lifetime::minutes(count)),
        "h" => Some(Lifetime::hours(count)),
        "d" => Some(Lifetime::days(count)),
        "w" => Some(Lifetime::weeks(count)),
        _ => None,
    }
}

/// A padding block size that fits into a token.
pub(crate) fn block(text: &str) -> Result<usize, &'static str> {
    let block = text.parse().ok();
    block
        .filter(|block| *block > 0 && Codec::sealed_len(*block) <= Codec::DEFAULT_MAX_LEN)
        .ok_or("give a number of bytes from 1 to 2953: a token has no room for more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("30m", 1800),
            ("8h", 28_800),
            ("1d", 86_400),
            ("2w", 1_209_600),
            ("253402300799s", 253_402_300_799),
        ] {
            assert_eq!(lifetime(text), Ok(Lifetime::seconds(seconds)), "{text}");
        }
        assert_eq!(lifetime("forever"), Ok(Lifetime::Forever));
    }

    #[test]
    fn no_duration_is_guessed() {
        for text in [
            "",
            "s",
            "30",
            "0s",
            "00m",
            "-1m",
            "+1m",
            "1.5h",
            "1h30m",
            " 1h",
            "1 h",
            "1h ",
            "1H",
            "1y",
            "1é",
            "é",
            "never",
            "Forever",
            "253402300800s",
            "99999999999999999999w",
            "1_0s",
        ] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_may_be_nothing_and_is_no_forever() {
        assert_eq!((age("0s"), age("30d")), (Ok(0), Ok(2_592_000)));
        for text in ["", "0", "forever", "-1s", "1y"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_at_least_0_and_may_be_huge() {
        assert_eq!((number("0"), number("500")), (Ok(0), Ok(500)));
        assert_eq!(number("99999999999999999999"), Ok(u64::MAX));
        for text in ["", "-1", "-99999999999999999999", "1.5", "ten"] {
            assert_eq!(number(text), Err("give a number, 0 or more"), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_number_or_a_date() {
        let moment = |text| moment(text).map(UnixTime::as_secs);
        assert_eq!(moment("1763755200"), Ok(1_763_755_200));
        assert_eq!(moment("2025-11-21T20:00:00Z"), Ok(1_763_755_200));
        assert_eq!(moment("2025-11-21T21:00:00+01:00"), Ok(1_763_755_200));
        for text in ["", "now", "2025-11-21", "1e9", "2025-11-21T20:00:00"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_block_fits_a_token() {
        assert_eq!(block("64"), Ok(64));
        for text in ["0", "-1", "4097", "x", ""] {
            assert!(block(text).is_err(), "{text}");
        }
    }
}
