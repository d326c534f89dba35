//! The typed value of an attribute.

use std::fmt;

use sealtoken::UnixTime;

const MAX_SECONDS: i64 = UnixTime::LAST_DATE.as_secs();

/// The value of an attribute, for
/// [`AccessToken::from_attributes`](super::AccessToken::from_attributes).
///
/// `Debug` prints only its type: one of them is the hash of a secret.
///
/// ```
/// use sealtoken_import::access_tokens::Attribute;
///
/// let hash = Attribute::Text("$scrypt$ln=14,r=8,p=1$…".to_owned());
/// assert_eq!(format!("{hash:?}"), "Text");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute {
    /// Type `S`.
    Text(String),
    /// Type `N`, in decimal digits, as DynamoDB gives it.
    Number(String),
    /// Type `BOOL`.
    Bool(bool),
    /// Type `SS`, or type `L` where all its values are of type `S`.
    Texts(Vec<String>),
    /// Type `NULL`.
    Null,
    /// Any other type. No attribute of that system has one.
    Other,
}

impl Attribute {
    /// A text of 1 to `longest` characters.
    pub(super) fn text(self, longest: usize) -> Option<String> {
        match self {
            Self::Text(text) if fits(&text, longest) => Some(text),
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

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Number(_) => "Number",
            Self::Bool(_) => "Bool",
            Self::Texts(_) => "Texts",
            Self::Null => "Null",
            Self::Other => "Other",
        })
    }
}

/// Whether a text has 1 to `longest` characters.
pub(super) fn fits(text: &str, longest: usize) -> bool {
    // Counting one more is enough.
    let count = text.chars().take(longest.saturating_add(1)).count();
    (1..=longest).contains(&count)
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
        for (text, longest, expected) in [
            ("", 3, false),
            ("abc", 3, true),
            ("abcd", 3, false),
            ("äöü", 3, true),
            ("😀😀😀", 3, true),
            ("😀😀😀😀", 3, false),
        ] {
            assert_eq!(fits(text, longest), expected, "{text}");
        }
    }

    #[test]
    fn no_value_prints_what_it_holds() {
        let texts = || vec!["secret".to_owned()];
        for (attribute, expected) in [
            (Attribute::Text("secret".to_owned()), "Text"),
            (Attribute::Number("secret".to_owned()), "Number"),
            (Attribute::Bool(true), "Bool"),
            (Attribute::Texts(texts()), "Texts"),
            (Attribute::Null, "Null"),
            (Attribute::Other, "Other"),
        ] {
            assert_eq!(format!("{attribute:?}"), expected);
        }
    }
}
