//! Single values as PHP reads them.

use zeroize::Zeroizing;

/// The integer that PHP's `(int)` makes of a JSON number, or of text that is a number. `None` for
/// anything else.
///
/// A fraction is cut off. A number beyond 64 bits saturates; PHP would wrap around.
pub(super) fn integer(json: &str) -> Option<i64> {
    // PHP's own list. PHP also allows them after the number.
    const SPACE: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];
    let text = unquote(json);
    let number = text.as_ref().map_or(json, |text| text.trim_matches(SPACE));
    // Rust also parses "inf" and "nan" as floats.
    if !number
        .bytes()
        .all(|byte| b"0123456789+-.eE".contains(&byte))
    {
        return None;
    }
    number
        .parse::<i64>()
        .ok()
        .or_else(|| number.parse().ok().map(cut))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is meant to cut off, and it saturates"
)]
fn cut(number: f64) -> i64 {
    number as i64
}

/// The text of a JSON string, or `None` if it is not one or holds a lone surrogate.
///
/// The token's content is such a string, all of it escaped. `serde_json` would unescape it in its
/// own buffer and free that without wiping it.
pub(super) fn unquote(json: &str) -> Option<Zeroizing<String>> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    // An escape is longer than what it stands for, so this never grows and leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(rest.len()));
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (kind, after) = escape.split_at_checked(1)?;
        let (character, after) = match kind {
            "\"" | "\\" | "/" => (kind.chars().next()?, after),
            "b" => ('\x08', after),
            "f" => ('\x0c', after),
            "n" => ('\n', after),
            "r" => ('\r', after),
            "t" => ('\t', after),
            "u" => character(after)?,
            _ => return None,
        };
        text.push(character);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// The character after `\u`: four digits, or twice four for a surrogate pair.
fn character(text: &str) -> Option<(char, &str)> {
    let (first, rest) = unit(text)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, rest));
    }
    let (second, rest) = unit(rest.strip_prefix("\\u")?)?;
    let pair = char::decode_utf16([first, second]).next()?.ok()?;
    Some((pair, rest))
}

fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let value = u16::from_str_radix(digits, 16).ok()?;
    // The parser would also take a sign.
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_cut_as_by_a_cast_and_text_counts_where_php_calls_it_numeric() {
        // Every line was run with PHP 8.2 (`is_numeric` and `(int)`).
        for (json, expected) in [
            ("60", Some(60)),
            ("-5", Some(-5)),
            ("3600.9", Some(3600)),
            ("-0.5", Some(0)),
            ("1e3", Some(1000)),
            (r#""60""#, Some(60)),
            (r#"" \t\n\r\u000b\f60""#, Some(60)),
            (r#""60 ""#, Some(60)),
            (r#""+60""#, Some(60)),
            (r#""00060""#, Some(60)),
            (r#""60.9""#, Some(60)),
            (r#"".5""#, Some(0)),
            (r#""5.""#, Some(5)),
            (r#""1E5""#, Some(100_000)),
            (r#""9999999999999999999""#, Some(i64::MAX)),
            (r#""-9999999999999999999""#, Some(i64::MIN)),
            (r#""""#, None),
            (r#"" ""#, None),
            (r#"".""#, None),
            (r#""1e""#, None),
            (r#""0x1A""#, None),
            (r#""1_000""#, None),
            (r#""60 seconds""#, None),
            (r#""60\u0000""#, None),
            (r#""\u00a060""#, None),
            (r#""\u0663""#, None),
            (r#""+-6""#, None),
            (r#""- 6""#, None),
            (r#""inf""#, None),
            (r#""nan""#, None),
            ("true", None),
            ("false", None),
            ("null", None),
            ("[60]", None),
            ("{}", None),
        ] {
            assert_eq!(integer(json), expected, "{json}");
        }
        assert_eq!(integer("1e400"), Some(i64::MAX));
        assert_eq!(integer("-1e21"), Some(i64::MIN));
    }

    /// Pieces of strings, valid and invalid.
    const PIECES: &str = concat!(
        r#"([ -!#-\[\]-~é😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}"#,
        r"|\\ud8[0-9a-f]{2}\\uDc[0-9a-f]{2}|\\ud[89a-f]00|\\x|\\u12|\\u\+123){0,8}"
    );

    proptest! {
        #[test]
        fn strings_are_read_as_serde_json_reads_them(pieces in PIECES) {
            let json = format!("\"{pieces}\"");
            let own = unquote(&json).map(|text| text.to_string());
            prop_assert_eq!(own, serde_json::from_str::<String>(&json).ok());
        }
    }

    #[test]
    fn what_is_no_string_is_no_text() {
        for json in ["", "\"", "5", "null", "{}", "a\"", "\"a", r#""\"#] {
            assert!(unquote(json).is_none(), "{json}");
        }
    }
}
