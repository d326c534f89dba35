//! The typed value of an attribute.

use sealtoken::UnixTime;

const MAX_SECONDS: i64 = UnixTime::MAX_DATE.as_secs();

/// The value of an attribute. One of them is the hash of a secret, so it has no `Debug`.
pub(super) enum Attribute {
    /// Type `S`.
    Text(String),
    /// Type `N`, in decimal digits, as DynamoDB gives it.
    Number(String),
    /// Type `BOOL`.
    Bool(bool),
    /// Type `SS`, or type `L` if all its values are of type `S`.
    Texts(Vec<String>),
    /// Type `NULL`.
    Null,
    /// Any other type. No attribute of that system has one.
    Other,
}

impl Attribute {
    /// A text of 1 to `max` characters.
    pub(super) fn text(self, max: usize) -> Option<String> {
        match self {
            Self::Text(text) if has_length(&text, max) => Some(text),
            _ => None,
        }
    }

    pub(super) fn texts(self) -> Option<Vec<String>> {
        match self {
            Self::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    pub(super) fn bool(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number of seconds, written as JavaScript writes it, up to the end of the year 9999.
    pub(super) fn time(self) -> Option<UnixTime> {
        let Self::Number(digits) = self else {
            return None;
        };
        // No such time has more than 12 digits, which fit into 64 bits.
        let as_written = match digits.as_bytes() {
            [b'0'] => true,
            [first, ..] => *first != b'0' && digits.len() <= 12,
            [] => false,
        };
        if !as_written || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let seconds: i64 = digits.parse().ok()?;
        (seconds <= MAX_SECONDS).then_some(UnixTime::from_secs(seconds))
    }
}

/// Whether a text has 1 to `max` characters.
pub(super) fn has_length(text: &str, max: usize) -> bool {
    // Counting one more is enough.
    let count = text.chars().take(max.saturating_add(1)).count();
    (1..=max).contains(&count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_spelling() {
        let time = |digits: &str| {
            let time = Attribute::Number(digits.to_owned()).time();
            time.map(UnixTime::as_secs)
        };
        for good in [0, 1, 9, 10, 1_763_755_200, MAX_SECONDS] {
            assert_eq!(time(&good.to_string()), Some(good));
        }
        for bad in [
            "",
            " ",
            "-0",
            "-1",
            "+1",
            "00",
            "01",
            "1.0",
            "1.5",
            "1e3",
            "1E3",
            "0x1",
            "1_0",
            " 1",
            "1 ",
            "1\n",
            "NaN",
            "Infinity",
            "\u{664}",
            "253402300800",
            "999999999999",
            "1000000000000",
            "1763755200000",
            "9223372036854775808",
            "18446744073709551616",
        ] {
            assert_eq!(time(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        for (text, max, expected) in [
            ("", 3, false),
            ("abc", 3, true),
            ("abcd", 3, false),
            ("äöü", 3, true),
            ("😀😀😀", 3, true),
            ("😀😀😀😀", 3, false),
        ] {
            assert_eq!(has_length(text, max), expected, "{text}");
        }
    }
}
