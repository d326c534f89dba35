//! The format's rules that a caller's own type does not see: how deep JSON is, and surrogates that stand alone.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::finite::Unwritable;

/// The levels that a token read as the caller's own type may have, its own object included.
pub(crate) const LEVELS: usize = 128;

/// Whether the cargo's text keeps the rules also where the type that was read from it ignored parts.
///
/// serde_json skips what a type does not name without a limit of depth and without looking at escapes. Both
/// are rare, and what cannot have them is told apart by a glance at the bytes.
pub(crate) fn keeps_the_rules(cargo: &str) -> bool {
    let bytes = cargo.as_bytes();
    // The token's own object is a level, too.
    depth(bytes) < LEVELS
        && (!bytes.contains(&b'\\') || serde_json::from_str::<Checked>(cargo).is_ok())
}

/// Whether an opener accepts what is about to be sealed.
///
/// serde_json writes no escapes for surrogates; but a caller's `RawValue` can bring some.
pub(crate) fn openable(plaintext: &[u8]) -> Result<(), Unwritable> {
    if depth(plaintext) > LEVELS {
        return Err(Unwritable::TooDeep);
    }
    if !plaintext.contains(&b'\\') {
        return Ok(());
    }
    serde_json::from_slice::<Checked>(plaintext)
        .map(|_| ())
        .map_err(|_| Unwritable::Unsupported)
}

/// The number of levels of a JSON text, told by its brackets. Far from the limits, only that it is no more.
pub(crate) fn depth(json: &[u8]) -> usize {
    const NEAR: usize = 32;
    // A level takes two bytes, so a short text is not deep; nor is one with few brackets.
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

/// Counts the bytes `[` and `{`. Sums of a byte each let the compiler count many at once.
fn count_opening(json: &[u8]) -> usize {
    // The two differ in one bit.
    let in_block = |block: &[u8]| {
        let opening = block.iter().map(|byte| u8::from(byte | 0x20 == b'{'));
        opening.fold(0, u8::wrapping_add)
    };
    let blocks = json.chunks(128).map(in_block);
    blocks.map(usize::from).fold(0, usize::wrapping_add)
}

/// Any JSON, every string of it decoded.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

/// Accepts the scalars of JSON, as they are decoded.
macro_rules! accept {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method<E>(self, _: $type) -> Result<Self, E> {
            Ok(self)
        }
    )*};
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    accept!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
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
        assert!(keeps_the_rules(r#"{"a":"\ud83d\ude00","b":"\\ud800"}"#));
        assert!(!keeps_the_rules(r#"{"a":"\ud83d"}"#));
        assert!(!keeps_the_rules(r#"{"\udc00":1}"#));
    }
}
