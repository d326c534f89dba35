//! Says why a text is not the JSON of a cargo. It repeats nothing of the text.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The maximum depth of a cargo: the token is one level around it.
const LEVELS: usize = 63;

const TOO_DEEP: &str = "nested too deeply: a cargo has at most 63 levels";
const TWICE: &str = "a name occurs twice in one object";

/// Why the text is refused, and where; `None` if no reason is found.
pub(super) fn why(text: &str) -> Option<String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Level(LEVELS).deserialize(&mut json);
    if let Err(error) = read.and_then(|()| json.end()) {
        let (line, byte) = (error.line(), error.column());
        let found = text.split('\n').nth(line.saturating_sub(1));
        let found = found.unwrap_or_default();
        let before = found.char_indices().take_while(|(at, _)| *at < byte);
        let column = before.count();
        let reason = match found.as_bytes().get(byte.saturating_sub(1)) {
            Some(b'\'') => "single quotes are not JSON: use double quotes".into(),
            _ => reason(&error),
        };
        return Some(format!("line {line}, column {column}: {reason}"));
    }
    if let Some((line, column)) = wide_integer(text) {
        let reason = "an integer has at most 64 bits: write it as text";
        return Some(format!("line {line}, column {column}: {reason}"));
    }
    let is = match text.trim_ascii_start().as_bytes() {
        [b'{', ..] => return None,
        [b'[', ..] => "a list",
        [b'"', ..] => "a string",
        _ => "a single value",
    };
    Some(format!("it is {is}: give an object, such as {EXAMPLE}"))
}

/// What a cargo looks like.
pub(super) const EXAMPLE: &str = r#"{"user_id":123}"#;

/// The reason of an error. Those of serde_json's syntax are fixed words, and only ours are shown of
/// the others, which could quote the text.
fn reason(error: &serde_json::Error) -> String {
    let all = error.to_string();
    if error.is_data() {
        let ours = [TOO_DEEP, TWICE]
            .into_iter()
            .find(|ours| all.starts_with(ours));
        return ours.unwrap_or("this value cannot be in a cargo").into();
    }
    let (words, _) = all.rsplit_once(" at line ").unwrap_or((&all, ""));
    match words {
        "key must be a string" => "names need double quotes".into(),
        "trailing characters" => "more follows after the object".into(),
        "recursion limit exceeded" => TOO_DEEP.into(),
        words => words.replace("EOF while parsing", "the input ends inside"),
    }
}

/// Reads a value that may have this many levels, and keeps nothing of it.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let left = self.0.checked_sub(1);
        left.map(Self).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while list.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom(TWICE));
            }
            object.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// The line and column of the first integer beyond 64 bits. The text must be JSON.
fn wide_integer(text: &str) -> Option<(usize, usize)> {
    for (line, number) in text.lines().zip(1..) {
        // JSON has no line break inside a string.
        let mut rest = line;
        while let Some(start) =
            rest.find(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            let (_, found) = rest.split_at_checked(start)?;
            if found.starts_with('"') {
                rest = after_string(found)?;
                continue;
            }
            let part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            let end = found.find(|c| !part(c)).unwrap_or(found.len());
            let (digits, after) = found.split_at_checked(end)?;
            let is_integer = !digits.contains(['.', 'e', 'E']);
            if is_integer && digits.parse::<i64>().is_err() && digits.parse::<u64>().is_err() {
                let before = line.len().saturating_sub(found.len());
                let before = line.get(..before)?.chars().count();
                return Some((number, before.saturating_add(1)));
            }
            rest = after;
        }
    }
    None
}

/// What follows after a string in quotes.
fn after_string(quoted: &str) -> Option<&str> {
    let mut is_escaped = false;
    for (at, c) in quoted.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return quoted.get(at.saturating_add(1)..),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use sealtoken::Cargo;

    use super::*;

    #[test]
    fn each_fault_has_its_place_and_reason_and_none_repeats_the_text() {
        let deep = format!("{{\"secret\":{}1{}}}", "[".repeat(63), "]".repeat(63));
        let deeper = format!("{{\"secret\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for (text, because) in [
            ("{", "line 1, column 1: the input ends inside an object"),
            ("{\n", "line 2, column 0: the input ends inside an object"),
            (
                r#"{"secret""#,
                "line 1, column 9: the input ends inside an object",
            ),
            (r#"{"secret":"#, "the input ends inside a value"),
            (r#"{"secret":"secret"#, "the input ends inside a string"),
            (r#"{"secret":["secret""#, "the input ends inside a list"),
            (r#"{"secret":1,}"#, "line 1, column 13: trailing comma"),
            ("{\n  \"secret\": 1,\n}", "line 3, column 1: trailing comma"),
            (r#"{"secret":[1,]}"#, "trailing comma"),
            (r#"{"secret" 1}"#, "line 1, column 11: expected `:`"),
            (r#"{"secret":1 "secret":2}"#, "expected `,` or `}`"),
            (r#"{"secret":[1 2]}"#, "expected `,` or `]`"),
            (r#"{"secret":NaN}"#, "line 1, column 11: expected value"),
            (r#"{"secret":secret}"#, "line 1, column 11: expected value"),
            (r#"{"secret":nule}"#, "expected ident"),
            (r#"{"secret":}"#, "expected value"),
            (r"{secret:1}", "line 1, column 2: names need double quotes"),
            (r"{1:1}", "names need double quotes"),
            (
                r"{'secret':1}",
                "line 1, column 2: single quotes are not JSON: use double quotes",
            ),
            (
                r#"{"secret":'secret'}"#,
                "line 1, column 11: single quotes are not JSON",
            ),
            (r#"{"secret":01}"#, "invalid number"),
            (r#"{"secret":1.}"#, "invalid number"),
            (r#"{"secret":-}"#, "invalid number"),
            (r#"{"secret":+1}"#, "expected value"),
            (r#"{"secret":1e999}"#, "number out of range"),
            (r#"{"secret":"\x"}"#, "invalid escape"),
            (r#"{"secret":"\ud800"}"#, "hex escape"),
            (r#"{"secret":"\u12"}"#, "invalid escape"),
            ("{\"secret\":\"a\nb\"}", "control character"),
            ("{\"secret\":\"a\tb\"}", "control character"),
            (
                r#"{"secret":1} secret"#,
                "line 1, column 14: more follows after the object",
            ),
            (
                r#"{"secret":1}{"secret":1}"#,
                "more follows after the object",
            ),
            (
                r#"{"secret":1,"secret":2}"#,
                "a name occurs twice in one object",
            ),
            (
                r#"{"a":[{"secret":1,"secret":2}]}"#,
                "a name occurs twice in one object",
            ),
            (
                r#"{"secret":1,"\u0073ecret":2}"#,
                "a name occurs twice in one object",
            ),
            (
                r#"{"secret":18446744073709551616}"#,
                "line 1, column 11: an integer has",
            ),
            (
                "{\"secret\":\"-1\",\n\"n\":[1,-9223372036854775809]}",
                "line 2, column 8: an integer",
            ),
            // Columns are characters, not bytes.
            (r#"{"ü€😀":secret}"#, "line 1, column 8: expected value"),
            (
                r#"{"ü€😀":18446744073709551616}"#,
                "line 1, column 8: an integer has",
            ),
            (r#"{"a":ü}"#, "line 1, column 6: expected value"),
            (&deep, "nested too deeply"),
            (&deeper, "nested too deeply"),
            ("[\"secret\"]", "it is a list: give an object"),
            ("\"secret\"", "it is a string: give an object"),
            ("5", "it is a single value: give an object"),
            ("null", "it is a single value: give an object"),
            ("secret", "line 1, column 1: expected value"),
            ("\u{feff}{}", "line 1, column 1: expected value"),
        ] {
            assert!(text.parse::<Cargo>().is_err(), "{text}");
            let why = why(text).unwrap_or_default();
            assert!(why.contains(because), "{text}: {why}");
            assert!(!why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn a_cargo_has_no_fault() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(62), "]".repeat(62));
        for text in [
            "{}",
            r#" {"a":{"a":[1,"\"18446744073709551616",{"a":1.5e300}]}} "#,
            r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":18446744073709551616.0}"#,
            &deep,
        ] {
            assert!(text.parse::<Cargo>().is_ok(), "{text}");
            assert_eq!(why(text), None, "{text}");
        }
    }
}
