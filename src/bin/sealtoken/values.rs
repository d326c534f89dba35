//! The values of options that are more than text.

use sealtoken::{Codec, Lifetime};

/// A number with a unit, or `forever`.
pub(crate) fn lifetime(text: &str) -> Result<Lifetime, &'static str> {
    const FORM: &str = "give a number and a unit, as in 90s, 30m, 8h, 1d or 2w, or forever";
    if text == "forever" {
        return Ok(Lifetime::Forever);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits).ok_or(FORM)?;
    let count = match count {
        "" => return Err(FORM),
        // What is beyond 64 bits is too long in any unit.
        count => count.parse().unwrap_or(u64::MAX),
    };
    let lifetime = match unit {
        "s" => Lifetime::seconds(count),
        "m" => Lifetime::minutes(count),
        "h" => Lifetime::hours(count),
        "d" => Lifetime::days(count),
        "w" => Lifetime::weeks(count),
        _ => return Err(FORM),
    };
    match lifetime.check() {
        Ok(()) => Ok(lifetime),
        Err(_) => Err("a lifetime has at least a second and at most 253402300799"),
    }
}

/// A block that a token has room for.
pub(crate) fn block(text: &str) -> Result<usize, &'static str> {
    let block = text.parse().ok();
    block
        .filter(|block| *block > 0 && Codec::sealed_len(*block) <= Codec::DEFAULT_MAX_LEN)
        .ok_or("give a number of bytes from 1 to 3025: a token has no room for more")
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
    fn a_block_fits_a_token() {
        assert_eq!(block("64"), Ok(64));
        for text in ["0", "-1", "4097", "x", ""] {
            assert!(block(text).is_err(), "{text}");
        }
    }
}
