//! Integers beyond 64 bits, which serde_json passes on as floats, so only the text tells them
//! apart. Also 32-bit floats, which are read as 64-bit ones.

use std::collections::HashSet;
use std::io::Write as _;

/// The numbers of a JSON text, as written.
fn numbers(json: &str) -> impl Iterator<Item = &str> {
    // Outside strings, adjacent digits and letters are a number or a literal.
    let outside = json
        .split('"')
        .scan((false, false), |(inside, escaped), part| {
            // A quote ends a string unless an odd number of backslashes precedes it.
            let was_inside = *inside;
            let backslashes = part.bytes().rev().take_while(|byte| *byte == b'\\').count();
            *escaped = was_inside && backslashes % 2 == 1;
            if !*escaped {
                *inside = !was_inside;
            }
            Some(if was_inside { "" } else { part })
        });
    outside
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)))
        .filter(|word| word.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
}

/// Whether a number is written as an integer.
fn is_integer(number: &str) -> bool {
    number
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_digit())
}

/// The integers of a JSON text outside `i64::MIN..=u64::MAX`, as the floats that serde_json makes
/// of them.
pub(crate) fn wide_integers(json: &str) -> impl Iterator<Item = f64> {
    numbers(json)
        .filter(|number| is_integer(number))
        .filter(|number| number.parse::<u64>().is_err() && number.parse::<i64>().is_err())
        .filter_map(|number| number.parse().ok())
}

/// Whether a float could have been written as such an integer.
#[inline]
pub(crate) fn is_huge(float: f64) -> bool {
    // The first floats beyond the integers: 2^64; and -2^63, to which slightly lower integers
    // round.
    float >= 18_446_744_073_709_551_616.0 || float <= -9_223_372_036_854_775_808.0
}

/// Whether the shortest decimal of an `f32` parses to the same `f32` through an `f64`. Nearly all
/// do.
///
/// serde's buffer and a [`Value`](crate::Value) hold only `f64`. Rounded to one, the decimal can
/// fall exactly between two `f32`.
pub(super) fn survives_widening(float: f32) -> bool {
    let mut text = [0; 32];
    let mut rest = text.as_mut_slice();
    if write!(rest, "{float:e}").is_err() {
        return false;
    }
    let unused = rest.len();
    let written = text.len().saturating_sub(unused);
    let decimal = text
        .get(..written)
        .and_then(|text| str::from_utf8(text).ok());
    let wide = decimal.and_then(|decimal| decimal.parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, reason = "as a reader narrows it")]
    wide.is_some_and(|wide| (wide as f32).to_bits() == float.to_bits())
}

/// Whether a JSON text has such an integer with the value of one of these floats.
pub(crate) fn any_wide_integer_is_of(floats: impl Iterator<Item = f64>, json: &str) -> bool {
    // Their number is limited by the text. No such integer is zero, so equal ones have equal bits.
    let floats: HashSet<u64> = floats.map(f64::to_bits).collect();
    wide_integers(json).any(|wide| floats.contains(&wide.to_bits()))
}

/// Whether no such integer in a JSON text equals a float in it.
pub(super) fn floats_are_apart(json: &str) -> bool {
    let floats = numbers(json).filter(|number| !is_integer(number));
    !any_wide_integer_is_of(floats.filter_map(|float| float.parse().ok()), json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_integer_is_told_from_text_and_from_a_float() {
        let wide = |json| wide_integers(json).collect::<Vec<_>>();
        let json = concat!(
            r#"{"a\"":["\\",1e30,18446744073709551616],"#,
            r#""-99999999999999999999":-9223372036854775809}"#
        );
        assert_eq!(
            wide(json),
            [18_446_744_073_709_551_616.0, -9_223_372_036_854_775_808.0]
        );
        assert!(wide("[18446744073709551615,-9223372036854775808,1e19,true,null]").is_empty());
        assert!(wide("[100000000000000000000.0,-1E+20]").is_empty());
    }

    #[test]
    fn an_f32_whose_decimal_an_f64_leads_astray_is_told_from_others() {
        for astray in [7.038_531e-26_f32, -7.038_531e-26] {
            assert!(!survives_widening(astray), "{astray:e}");
        }
        let ends = [f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1)];
        for sound in [0.0, -0.0, 0.1, 1.0, -1.5e-7, 16_777_216.0]
            .into_iter()
            .chain(ends)
        {
            assert!(survives_widening(sound), "{sound:e}");
        }
    }

    #[test]
    fn a_float_of_the_value_of_a_wide_integer_is_not_apart() {
        for apart in [
            "[1e300,100000000000000000000]",
            r#"["1e20",100000000000000000000]"#,
            "[1e20]",
        ] {
            assert!(floats_are_apart(apart), "{apart}");
        }
        for same in [
            "[1e20,100000000000000000000]",
            r#"{"a":-100000000000000000001,"b":[-1E+20]}"#,
        ] {
            assert!(!floats_are_apart(same), "{same}");
        }
    }
}
