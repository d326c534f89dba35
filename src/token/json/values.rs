//! Writes values as JSON that reads back unchanged.

use serde::Serialize;

use crate::crypto::scratch::Scratch;

use super::checked::Nested;
use super::rules::{Kind, OwnExpiries, Place, Rules, Unwritable};
use super::{lint, numbers};

/// Appends the JSON of a value of the library, compact.
pub(crate) fn write_value<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<(), Unwritable> {
    write(out, value, &Rules::of(Kind::Value))
}

/// Appends the JSON of a value that becomes an entry, which is read as [`Value`](crate::Value).
pub(crate) fn write_entry<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<OwnExpiries, Unwritable> {
    write_checked(out, value, Kind::Entry)
}

/// Appends the JSON of a cargo of the caller's own type, which only that type reads.
///
/// Everything sealed must open. So this refuses whatever *some* type of this shape cannot read:
/// serde does not say whether `flatten`, `tag` or `untagged` is in use, and their buffer holds
/// neither 128-bit integers nor keys other than text.
pub(crate) fn write_own<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<OwnExpiries, Unwritable> {
    write_checked(out, value, Kind::Own)
}

#[inline]
fn write_checked<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
    kind: Kind,
) -> Result<OwnExpiries, Unwritable> {
    let rules = Rules::of(kind);
    let from = out.as_slice().len();
    write(out, value, &rules)?;
    let json = || out.as_slice().get(from..).unwrap_or_default();
    // If it does not fit, the text is incomplete and is refused for that.
    if rules.raw.get() && out.is_whole() && !lint::is_json(json()) {
        return Err(Unwritable::Unsupported);
    }
    if rules.names.get() {
        lint::names_are_sound(json(), kind != Kind::Own)?;
    }
    if rules.raw.get() && rules.huge.get() {
        let json = str::from_utf8(json()).map_err(|_| Unwritable::Unsupported)?;
        // A `Value` of this crate would mistake the float for the integer.
        if !numbers::floats_are_apart(json) {
            return Err(Unwritable::WideInteger);
        }
    }
    Ok(rules.own_expiries.get())
}

fn write<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
    rules: &Rules,
) -> Result<(), Unwritable> {
    let mut json = serde_json::Serializer::new(out);
    let place = Place::WHOLE;
    let whole = Nested {
        value,
        rules,
        place,
    };
    // The rules have recorded the failure. The message is dropped: it may quote the value.
    let _ = whole.serialize(&mut json);
    rules.broken.get().map_or(Ok(()), Err)
}
