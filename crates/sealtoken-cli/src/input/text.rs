//! The text of a token or a hash, and what is odd about it if it is refused.

use std::ops::Deref;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// What is read, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Its name, such as `token`.
    pub(crate) name: &'static str,
    /// Where it comes from, such as `stdin`.
    pub(crate) from: &'static str,
    /// The maximum length of its text, in bytes.
    pub(crate) max: usize,
}

/// A token or a hash as it was given, without one byte order mark and the blanks around it.
pub(crate) struct Given {
    text: Zeroizing<String>,
    kind: Kind,
    odd: Option<Odd>,
}

/// Why a text cannot be a token or a hash. It holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    /// Not UTF-8, with the words of [`utf8`].
    NotText(&'static str),
    Empty,
    Quoted,
    Url,
    Bearer,
    TooLong,
    Lines,
    Blanks,
    /// Nothing is odd about it, but more follows after its line.
    Followed,
}

/// The codes of refusals that an odd text explains.
const OF_TEXT: [&str; 6] = [
    "malformed",
    "not_found",
    "invalid_prefix",
    "invalid_format",
    "invalid_token",
    "invalid_phc",
];

impl Given {
    /// `whole` says whether these are all bytes; if not, they are more than the longest text has.
    pub(crate) fn new(bytes: &[u8], whole: bool, kind: Kind) -> Self {
        let read = utf8(bytes);
        let all = without_mark(read.unwrap_or_default());
        // What was cut off keeps its length, so that it is refused.
        let text = if whole { all.trim() } else { all };
        Self {
            text: Zeroizing::new(text.into()),
            kind,
            odd: match read {
                Ok(_) => Odd::of(all.trim(), whole, kind.max),
                Err(why) => Some(Odd::NotText(why)),
            },
        }
    }

    /// Adds that more follows after the line that was read.
    pub(crate) fn followed(mut self, more: bool) -> Self {
        if more && self.odd.is_none() {
            self.odd = Some(Odd::Followed);
        }
        self
    }

    /// The failure of a command that this text was given to. If the text is odd, that is why it was
    /// refused.
    pub(crate) fn refused(&self, failure: impl Into<Failure>) -> Failure {
        match (failure.into(), self.odd) {
            (Failure::Refused { code, .. }, Some(odd)) if OF_TEXT.contains(&code) => {
                Failure::refused(code, odd.words(self.kind))
            }
            (failure, _) => failure,
        }
    }
}

impl Deref for Given {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Odd {
    fn of(text: &str, whole: bool, max: usize) -> Option<Self> {
        let lower = |length: usize| text.get(..length).map(str::to_ascii_lowercase);
        let checks = [
            (whole && text.is_empty(), Self::Empty),
            (text.starts_with(QUOTES), Self::Quoted),
            (text.contains("://"), Self::Url),
            (lower(7).as_deref() == Some("bearer "), Self::Bearer),
            (!whole || text.len() > max, Self::TooLong),
            (text.contains(['\n', '\r']), Self::Lines),
            (text.contains(char::is_whitespace), Self::Blanks),
        ];
        checks.into_iter().find_map(|(is, odd)| is.then_some(odd))
    }

    fn words(self, Kind { name, from, max }: Kind) -> String {
        match self {
            Self::NotText(why) => format!("{from} {why}"),
            Self::Empty => format!("{from} is empty: give the {name}"),
            Self::Quoted => format!("the {name} is in quotes: give it without them"),
            Self::Url => format!("it looks like a URL: the {name} is its last part"),
            Self::Bearer => "it begins with `Bearer`: give only what follows".into(),
            Self::TooLong => format!("too long: a {name} has at most {max} characters"),
            Self::Lines => format!("the {name} has a line break inside: was it wrapped?"),
            Self::Blanks => format!("the {name} has a blank inside"),
            Self::Followed => format!(
                "no such {name} exists, and more follows after its line: if it was wrapped, give \
                 it on one line"
            ),
        }
    }
}

/// The quotes that may stand around a text by mistake.
pub(crate) const QUOTES: [char; 7] = ['"', '\'', '`', '“', '”', '‘', '’'];

/// The byte order mark, which some editors write at the beginning of a file.
pub(crate) const MARK: &str = "\u{feff}";

/// The text without one byte order mark at its beginning.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// The text in bytes, or what they are instead, as in "stdin is UTF-16".
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, &'static str> {
    // PowerShell's `>` writes it.
    let is_utf16 = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    };
    if is_utf16 {
        return Err("is UTF-16: save it as UTF-8");
    }
    str::from_utf8(bytes).map_err(|_| "is not UTF-8 text")
}

/// The text without one line ending.
pub(crate) fn without_line_ending(text: &str) -> &str {
    text.strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind {
        name: "token",
        from: "stdin",
        max: 20,
    };

    #[test]
    fn a_mark_and_the_blanks_around_a_text_are_dropped() {
        for text in ["abc", " abc\t\r\n", "\u{feff}abc\n\n", "\n \u{a0}abc"] {
            let given = Given::new(text.as_bytes(), true, KIND);
            assert_eq!((&*given, given.odd), ("abc", None), "{text:?}");
        }
        // One mark alone, and nothing inside.
        for text in ["\u{feff}\u{feff}abc", "a\u{feff}bc"] {
            let given = Given::new(text.as_bytes(), true, KIND);
            assert!(given.contains('\u{feff}'), "{text:?}");
        }
    }

    const UTF16: &str = "is UTF-16: save it as UTF-8";

    #[test]
    fn what_is_odd_about_a_text_is_told_apart() {
        for (bytes, odd) in [
            (&b""[..], Odd::Empty),
            (b" \r\n\n", Odd::Empty),
            (b"\xff\xfea\0b\0", Odd::NotText(UTF16)),
            (b"\xfe\xff\0a\0b", Odd::NotText(UTF16)),
            (b"a\0b\0", Odd::NotText(UTF16)),
            (b"abc\xff", Odd::NotText("is not UTF-8 text")),
            (b"\"abc\"\n", Odd::Quoted),
            ("\u{201c}abc\u{201d}".as_bytes(), Odd::Quoted),
            (b"https://example.com/reset/abc", Odd::Url),
            (b"bearer abc", Odd::Bearer),
            (b"abcdefghijklmnopqrstu", Odd::TooLong),
            (b"ab\nc", Odd::Lines),
            (b"ab\r\nc", Odd::Lines),
            (b"ab c", Odd::Blanks),
        ] {
            assert_eq!(Given::new(bytes, true, KIND).odd, Some(odd), "{bytes:?}");
        }
        assert_eq!(Given::new(b"abc\0", true, KIND).odd, None);
        let zeros = Given::new(&[0; 30], false, KIND);
        assert_eq!((zeros.odd, zeros.len()), (Some(Odd::TooLong), 30));
        // What was cut off stays too long, whatever is around it.
        let blanks = Given::new(&[b' '; 30], false, KIND);
        assert_eq!((blanks.odd, blanks.len()), (Some(Odd::TooLong), 30));
        let followed = |text| Given::new(text, true, KIND).followed(true).odd;
        assert_eq!(followed(b"abc"), Some(Odd::Followed));
        // What is odd about the line itself says more.
        assert_eq!(followed(b"ab c"), Some(Odd::Blanks));
    }

    #[test]
    fn an_odd_text_explains_no_other_refusal() {
        let quoted = Given::new(b"'abc'", true, KIND);
        let words = |code| match quoted.refused(Failure::refused(code, "as before")) {
            Failure::Refused { code, why } => (code, why),
            other => panic!("{other:?}"),
        };
        let why = "the token is in quotes: give it without them".to_owned();
        assert_eq!(words("malformed"), ("malformed", why));
        assert_eq!(words("tampered"), ("tampered", "as before".into()));
    }

    #[test]
    fn one_line_ending_is_dropped_and_nothing_else() {
        for (text, expected) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a\r\n\r\n", "a\r\n"),
            ("a\n\r\n", "a\n"),
            ("a\r", "a\r"),
            ("a\n\r", "a\n\r"),
            (" a \n", " a "),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(without_line_ending(text), expected, "{text:?}");
        }
    }
}
