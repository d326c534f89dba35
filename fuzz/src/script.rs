//! Makes cargo from a fuzzer's bytes, in a short form in which people can write seeds.

use arbitrary::{Result, Unstructured};

use crate::plain::Plain;

/// A few names, so that operations often hit the same entry.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "c",
    "user",
    "",
    "ä",
    "a\n",
    "\u{0}",
    "e",
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
    "__cargo_value",
];

/// A name: one of a few, or any text.
pub fn name(u: &mut Unstructured<'_>) -> Result<String> {
    let choice = usize::from(u.arbitrary::<u8>()?);
    match NAMES.get(choice % 16) {
        Some(name) => Ok((*name).to_owned()),
        None => text(u),
    }
}

/// Up to 31 bytes, made valid UTF-8.
pub fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let length = usize::from(u.arbitrary::<u8>()? % 32).min(u.len());
    Ok(String::from_utf8_lossy(u.bytes(length)?).into_owned())
}

/// A value of at most `levels` levels. Names within an object are distinct.
pub fn value(u: &mut Unstructured<'_>, levels: usize) -> Result<Plain> {
    let choice = u.arbitrary::<u8>()?;
    // The rest of the choice serves as a small number.
    let (kind, rest) = (choice % 8, choice / 8);
    Ok(match kind {
        0 => Plain::Null,
        1 => Plain::Bool(rest % 2 == 1),
        2 => Plain::Natural(u64::from(rest)),
        3 => Plain::Natural(u.arbitrary()?),
        4 => match u.arbitrary::<i64>()? {
            negative @ ..0 => Plain::Negative(negative),
            natural => Plain::Natural(natural.unsigned_abs()),
        },
        5 => match u.arbitrary::<f64>()? {
            float if float.is_finite() => Plain::Float(float.to_bits()),
            _ => Plain::Float((-0.0_f64).to_bits()),
        },
        6 => Plain::Text(text(u)?),
        _ if levels == 0 => Plain::Bool(true),
        _ if rest % 2 == 0 => {
            let count = rest / 2 % 5;
            Plain::Array(
                (0..count)
                    .map(|_| value(u, levels - 1))
                    .collect::<Result<_>>()?,
            )
        }
        _ => {
            let mut entries: Vec<(String, Plain)> = Vec::new();
            for _ in 0..rest / 2 % 5 {
                let name = name(u)?;
                let value = value(u, levels - 1)?;
                if entries.iter().all(|(other, _)| *other != name) {
                    entries.push((name, value));
                }
            }
            Plain::Object(entries)
        }
    })
}
