//! Checks the rules of the format that reading a caller's own type does not check: nesting depth,
//! lone surrogates, and control characters in text that is read as bytes.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::rules::Unwritable;

/// Whether serde_json reserves a name: its `Value` reads an object of one entry with such a name as
/// something else.
#[inline]
pub(crate) fn is_private(name: &str) -> bool {
    name.starts_with("$serde_json::private::")
}

/// The nesting levels of a token read as the caller's own type, counting its own object.
pub(crate) const LEVELS: usize = 128;

/// Whether the cargo's text keeps the rules, including the parts that the type read from it
/// ignored.
///
/// serde_json skips unknown members without a depth limit and without checking escapes, and
/// forwards control characters to a type that takes bytes.
pub(crate) fn keeps_the_rules(cargo: &str) -> bool {
    // The token's own object adds a level.
    depth(cargo.as_bytes()) < LEVELS && strings_are_sound(cargo.as_bytes())
}

/// Whether an opener accepts the depth of this plaintext, which is about to be sealed.
pub(crate) fn openable(plaintext: &[u8]) -> Result<(), Unwritable> {
    if depth(plaintext) > LEVELS {
        return Err(Unwritable::TooDeep);
    }
    Ok(())
}

/// Whether an opener accepts text that a type embeds as JSON. serde_json writes it unchecked, and
/// everything else without escapes for surrogates.
pub(super) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok() && strings_are_sound(text)
}

/// Whether every object has distinct names, none of them reserved by serde_json unless
/// `takes_private`.
///
/// Of two equal names, a reader takes the last or refuses both.
pub(super) fn names_are_sound(json: &[u8], takes_private: bool) -> Result<(), Unwritable> {
    // For each open array and object: whether it is an object, and where its names begin.
    let mut open: Vec<(bool, usize)> = Vec::new();
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    // Whether the next text is a name.
    let mut named = false;
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => {
                let (text, after) = string(after);
                rest = after;
                if named {
                    let name = unescaped(text).ok_or(Unwritable::Unsupported)?;
                    if !takes_private && is_private(&name) {
                        return Err(Unwritable::NameConflict);
                    }
                    names.push(name);
                }
                named = false;
            }
            b'{' | b'[' => {
                named = *byte == b'{';
                open.push((named, names.len()));
            }
            b'}' | b']' => {
                let from = open.pop().map_or(0, |(_, from)| from);
                let own = names.get_mut(from..).unwrap_or_default();
                own.sort_unstable();
                if own.windows(2).any(|pair| pair.first() == pair.last()) {
                    return Err(Unwritable::NameConflict);
                }
                names.truncate(from);
                named = false;
            }
            b',' => named = open.last().is_some_and(|(object, _)| *object),
            _ => {}
        }
    }
    Ok(())
}

/// A string after its opening quote, with its escapes, and what follows its closing quote.
fn string(json: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = json.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    let (text, rest) = json.split_at(end.unwrap_or(json.len()));
    (text, rest.get(1..).unwrap_or_default())
}

/// A name without escapes, as a reader gets it: JSON embedded by a type may spell one name in
/// several ways.
fn unescaped(name: &[u8]) -> Option<Cow<'_, str>> {
    let name = str::from_utf8(name).ok()?;
    if !name.contains('\\') {
        return Some(Cow::Borrowed(name));
    }
    serde_json::from_str(&format!("\"{name}\""))
        .ok()
        .map(Cow::Owned)
}

/// Whether no string of a JSON text has a lone surrogate or a bare control character. serde_json
/// has already checked that the text is otherwise valid.
fn strings_are_sound(json: &[u8]) -> bool {
    // Most texts have no escapes, and no white space but spaces, which one pass shows.
    let unusual = |byte: &u8| *byte == b'\\' || *byte < b' ';
    if !json.iter().fold(false, |any, byte| any | unusual(byte)) {
        return true;
    }
    let mut rest = json;
    let mut in_string = false;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => in_string = !in_string,
            0..b' ' if in_string => return false,
            b'\\' => match escaped_unit(after) {
                None => rest = after.get(1..).unwrap_or_default(),
                Some((0xdc00..=0xdfff, _)) => return false,
                Some((0xd800..=0xdbff, second)) => {
                    let second = second.strip_prefix(b"\\").and_then(escaped_unit);
                    let Some((0xdc00..=0xdfff, after)) = second else {
                        return false;
                    };
                    rest = after;
                }
                Some((_, after)) => rest = after,
            },
            _ => {}
        }
    }
    true
}

/// The UTF-16 unit of `uXXXX`, and what follows it.
fn escaped_unit(escape: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = escape.strip_prefix(b"u")?.split_at_checked(4)?;
    let unit = u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    Some((unit, rest))
}

/// The nesting levels of a JSON text, counted by its brackets. Far below the limits, it is only an
/// upper bound.
pub(crate) fn depth(json: &[u8]) -> usize {
    const NEAR: usize = 32;
    // A level takes two bytes, so short text is not deep, nor is text with few brackets.
    if json.len() < NEAR * 2 {
        return json.len() / 2;
    }
    let brackets = count_opening(json);
    if brackets < NEAR {
        return brackets;
    }
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Counts the bytes `[` and `{`. Sums of one byte each let the compiler count many at once.
fn count_opening(json: &[u8]) -> usize {
    // The two differ in one bit.
    let in_block = |block: &[u8]| {
        let opening = block.iter().map(|byte| u8::from(byte | 0x20 == b'{'));
        opening.fold(0, u8::wrapping_add)
    };
    let blocks = json.chunks(128).map(in_block);
    blocks.map(usize::from).fold(0, usize::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth(nested(100).as_bytes()), 100);
        assert_eq!(depth(nested(32).as_bytes()), 32);
        for levels in [127, 128, 129, 255, 256, 257, 511, 512, 4096] {
            assert_eq!(depth(nested(levels).as_bytes()), levels);
        }
        assert!(depth(nested(2).as_bytes()) < 32);
        let in_text = format!(r#"["{}","\"{}"]"#, "[".repeat(200), "{".repeat(200));
        assert_eq!(depth(in_text.as_bytes()), 1);
        let side_by_side = format!("[{}[]]", "[],".repeat(300));
        assert_eq!(depth(side_by_side.as_bytes()), 2);
    }

    #[test]
    fn what_no_type_looked_at_still_keeps_the_rules() {
        assert!(keeps_the_rules(&nested(127)));
        assert!(!keeps_the_rules(&nested(128)));
        let sound = [
            r#"{"a":"\ud83d\ude00","b":"\\ud800"}"#,
            r#""\n\"\u00e9\ud7ff\ue000\\""#,
            "{\n\t\"a\": \"b\\n\"\r}",
            r#"{"a":1e999,"b":"\n"}"#,
        ];
        for json in sound {
            assert!(keeps_the_rules(json), "{json}");
        }
        let unsound = [
            r#"{"a":"\ud83d"}"#,
            r#"{"\udc00":1}"#,
            r#""\ud83d\n""#,
            r#""\ud83d\ud83d\ude00""#,
            r#""\uDBFFx\uDC00""#,
            r#""\\\ude00""#,
            "\"a\u{1}b\"",
            "\"a\tb\"",
        ];
        for json in unsound {
            assert!(!keeps_the_rules(json), "{json}");
        }
    }

    #[test]
    fn names_are_distinct_within_their_object_alone() {
        for sound in [
            r#"{"a":{"a":[{"a":1},{"a":"a"}]},"b":["a","a"],"c":"a"}"#,
            r#"{"\"":1,"\\":2,"a":{},"":[],"b":"$serde_json::private::RawValue"}"#,
            r#"{"\u0000":1,"\u000b":2,"\u000e":3,"\u001f":4,"\b":5,"\t":6,"\n":7,"\f":8,"\r":9}"#,
            "[]",
            "\"{\"",
        ] {
            assert_eq!(names_are_sound(sound.as_bytes(), false), Ok(()), "{sound}");
        }
        for twice in [
            r#"{"a":1,"a":2}"#,
            r#"[{"b":{"a":[],"c":0,"a":{}}}]"#,
            r#"{"a":1,"b":["}"],"a":2}"#,
            r#"{"\"":1,"\"":2}"#,
            r#"{"a":{"$serde_json::private::RawValue":"1"}}"#,
        ] {
            let found = names_are_sound(twice.as_bytes(), false);
            assert_eq!(found, Err(Unwritable::NameConflict), "{twice}");
        }
        for spelled in [
            concat!(
                r#"{"gr\u00fc\u00dfe":1,"gr\u00fcsse":2,"#,
                r#""\/":3,"\u0008":4,"\u001F":5,"\ud83d\ude00":6}"#
            ),
            r#"{"a\\u0062":1,"ab":{"\u0061b":1}}"#,
        ] {
            assert_eq!(
                names_are_sound(spelled.as_bytes(), false),
                Ok(()),
                "{spelled}"
            );
        }
        for twice in [
            r#"{"a":1,"\u0061":2}"#,
            r#"{"\/":1,"/":2}"#,
            r#"{"\u000A":1,"\n":2}"#,
            r#"{"\u00fc":1,"ü":2}"#,
            r#"{"\u0024serde_json::private::Number":"1"}"#,
        ] {
            let found = names_are_sound(twice.as_bytes(), false);
            assert_eq!(found, Err(Unwritable::NameConflict), "{twice}");
        }
        let lone = names_are_sound(br#"{"\ud800":1}"#, false);
        assert_eq!(lone, Err(Unwritable::Unsupported));
    }

    #[test]
    fn what_is_at_the_limit_is_sealed_with_escapes_and_without() {
        let deep = |leaf: &str| format!("{}{leaf}{}", "[".repeat(128), "]".repeat(128));
        assert_eq!(openable(deep(r#""x""#).as_bytes()), Ok(()));
        assert_eq!(openable(deep(r#""\n""#).as_bytes()), Ok(()));
        let deeper = format!("[{}]", deep("1"));
        assert_eq!(openable(deeper.as_bytes()), Err(Unwritable::TooDeep));
    }
}
