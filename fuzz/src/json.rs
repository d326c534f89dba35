//! A strict JSON parser that keeps what others lose: the order of entries, repeated names, the
//! spelling of numbers, and unpaired surrogates.

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    /// The number's spelling.
    Number(String),
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<(Text, Node)>),
}

/// A string, unescaped.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub text: String,
    /// Whether an escape was an unpaired surrogate. `text` has U+FFFD in its place.
    pub lone_surrogate: bool,
}

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is not JSON.
    Grammar,
    /// It is nested deeper than this parser reads, and so deeper than a token allows.
    Deep,
}

/// The greatest depth that this parser reads.
const LEVELS: usize = 200;

/// Reads one value, with white space before it. Returns the value and the remaining text.
pub fn read(text: &str) -> Result<(Node, &str), Unread> {
    let mut parser = Parser { rest: text };
    let node = parser.value(LEVELS)?;
    Ok((node, parser.rest))
}

/// The text without JSON's white space at the beginning.
pub fn skip_white(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn skip(&mut self) {
        self.rest = skip_white(self.rest);
    }

    fn takes(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, levels: usize) -> Result<Node, Unread> {
        self.skip();
        for (word, node) in [
            ("null", Node::Null),
            ("true", Node::Bool(true)),
            ("false", Node::Bool(false)),
        ] {
            if self.takes(word) {
                return Ok(node);
            }
        }
        if self.takes("[") {
            return self.array(levels.checked_sub(1).ok_or(Unread::Deep)?);
        }
        if self.takes("{") {
            return self.object(levels.checked_sub(1).ok_or(Unread::Deep)?);
        }
        if self.takes("\"") {
            return self.text().map(Node::Text);
        }
        self.number()
    }

    fn array(&mut self, levels: usize) -> Result<Node, Unread> {
        let mut nodes = Vec::new();
        self.skip();
        if self.takes("]") {
            return Ok(Node::Array(nodes));
        }
        loop {
            nodes.push(self.value(levels)?);
            self.skip();
            if self.takes("]") {
                return Ok(Node::Array(nodes));
            }
            if !self.takes(",") {
                return Err(Unread::Grammar);
            }
        }
    }

    fn object(&mut self, levels: usize) -> Result<Node, Unread> {
        let mut entries = Vec::new();
        self.skip();
        if self.takes("}") {
            return Ok(Node::Object(entries));
        }
        loop {
            self.skip();
            if !self.takes("\"") {
                return Err(Unread::Grammar);
            }
            let name = self.text()?;
            self.skip();
            if !self.takes(":") {
                return Err(Unread::Grammar);
            }
            entries.push((name, self.value(levels)?));
            self.skip();
            if self.takes("}") {
                return Ok(Node::Object(entries));
            }
            if !self.takes(",") {
                return Err(Unread::Grammar);
            }
        }
    }

    /// `-? (0 | [1-9] [0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Result<Node, Unread> {
        let whole = self.rest;
        self.takes("-");
        if !self.takes("0") {
            self.digits()?;
        }
        if self.takes(".") {
            self.digits()?;
        }
        if self.takes("e") || self.takes("E") {
            let _ = self.takes("+") || self.takes("-");
            self.digits()?;
        }
        let length = whole.len() - self.rest.len();
        Ok(Node::Number(whole[..length].to_owned()))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Unread> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == self.rest.len() {
            return Err(Unread::Grammar);
        }
        self.rest = rest;
        Ok(())
    }

    /// The rest of a string, after its opening quote.
    fn text(&mut self) -> Result<Text, Unread> {
        // UTF-16 needs no special case for pairs of escapes.
        let mut units: Vec<u16> = Vec::new();
        loop {
            let next = self.rest.chars().next().ok_or(Unread::Grammar)?;
            self.rest = &self.rest[next.len_utf8()..];
            match next {
                '"' => break,
                '\\' => units.push(self.escape()?),
                '\0'..'\x20' => return Err(Unread::Grammar),
                next => units.extend_from_slice(next.encode_utf16(&mut [0; 2])),
            }
        }
        Ok(Text {
            text: String::from_utf16_lossy(&units),
            lone_surrogate: String::from_utf16(&units).is_err(),
        })
    }

    fn escape(&mut self) -> Result<u16, Unread> {
        let kind = self.rest.chars().next().ok_or(Unread::Grammar)?;
        self.rest = &self.rest[kind.len_utf8()..];
        let plain = match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.rest.get(..4).ok_or(Unread::Grammar)?;
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(Unread::Grammar);
                }
                self.rest = &self.rest[4..];
                return u16::from_str_radix(digits, 16).map_err(|_| Unread::Grammar);
            }
            _ => return Err(Unread::Grammar),
        };
        u16::try_from(u32::from(plain)).map_err(|_| Unread::Grammar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Option<Node> {
        match read(text) {
            Ok((node, rest)) if skip_white(rest).is_empty() => Some(node),
            _ => None,
        }
    }

    #[test]
    fn valid_json_is_read_and_similar_text_is_refused() {
        for text in [
            "0",
            "-0",
            "1.5e+3",
            " [ 1 , {} ] ",
            r#"{"a":[null,true,"\/\u00e9"]}"#,
            "1E5",
        ] {
            assert!(whole(text).is_some(), "{text}");
        }
        for text in [
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "'a'",
            "nul",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u+123\"",
            "\"",
            "[1 2]",
            "\u{a0}1",
            "\u{feff}1",
            "{a:1}",
        ] {
            assert!(whole(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_surrogate_pair_is_one_character_and_an_unpaired_one_is_marked() {
        let text = |text: &str| match whole(text) {
            Some(Node::Text(text)) => (text.text, text.lone_surrogate),
            _ => panic!("{text} is text"),
        };
        assert_eq!(text(r#""\ud83d\ude00""#), ("😀".into(), false));
        assert!(text(r#""\ud83d""#).1);
        assert!(text(r#""\ude00\ud83d""#).1);
        assert!(text(r#""\ud83dx\ude00""#).1);
    }

    #[test]
    fn the_depth_limit_is_200_levels() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&nested(200)).is_ok());
        assert_eq!(read(&nested(201)).err(), Some(Unread::Deep));
        assert_eq!(read(&"[".repeat(100_000)).err(), Some(Unread::Deep));
    }
}
