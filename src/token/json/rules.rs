//! Writing values, and what is refused because no opener would read it as it was.

use std::cell::Cell;

use serde::Serialize;

use crate::crypto::scratch::Scratch;

use super::finite::Nested;
use super::{lint, numbers};

/// Why a value was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// It holds NaN or an infinity.
    NotFinite,
    /// serde_json refused it, its own `Serialize` failed, or it brought JSON that no opener accepts.
    Unsupported,
    /// It is nested more deeply than an opener accepts.
    TooDeep,
    /// It holds an integer of 128 bits, or one beyond 64 in JSON that a type brought, beside a float of its value.
    WideInteger,
    /// A map has a number or a truth value for a key.
    KeyIsNoText,
    /// An object has a name twice, or one that serde_json keeps for itself.
    Name,
    /// It holds a `Some` around what is written as `null`, and would come back as `None`.
    SomeNull,
}

/// Names an entry that ends, as a newtype around its text: how a [`Cargo`](crate::Cargo) tells where its entries come to stand.
pub(crate) const ENDS: &str = "$sealtoken::ends";

/// How many names of entries that end stand in the map that the whole value is.
pub(crate) type OwnEnds = usize;

/// Appends the JSON of a value of the library, compact.
pub(crate) fn write_value<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<(), Unwritable> {
    write(out, value, &Rules::of(Kind::Value))
}

/// Appends the JSON of what becomes an entry of the map: what reads it is [`Value`](crate::Value).
pub(crate) fn write_entry<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<OwnEnds, Unwritable> {
    write_checked(out, value, Kind::Entry)
}

/// Appends the JSON of a cargo of the caller's own type, which is read by that type alone.
///
/// What is sealed opens, so refused is whatever *some* type of this shape cannot read: serde does not tell whether
/// `flatten`, `tag` or `untagged` is at work. Their buffer holds neither 128 bits nor keys other than text.
pub(crate) fn write_own<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<OwnEnds, Unwritable> {
    write_checked(out, value, Kind::Own)
}

#[inline]
fn write_checked<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
    kind: Kind,
) -> Result<OwnEnds, Unwritable> {
    let rules = Rules::of(kind);
    let from = out.as_slice().len();
    write(out, value, &rules)?;
    let json = || out.as_slice().get(from..).unwrap_or_default();
    // Of what does not fit, a part is here; it is refused for that.
    if rules.raw.get() && out.is_whole() && !lint::is_json(json()) {
        return Err(Unwritable::Unsupported);
    }
    if rules.names.get() {
        lint::names_are_sound(json(), kind != Kind::Own)?;
    }
    if rules.raw.get() && rules.huge.get() {
        let json = str::from_utf8(json()).map_err(|_| Unwritable::Unsupported)?;
        // A `Value` of the library would take the float for the integer.
        if !numbers::floats_are_apart(json) {
            return Err(Unwritable::WideInteger);
        }
    }
    Ok(rules.own_ends.get())
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
    // The rules have noted that it failed. The message may quote the value, so it ends here.
    let _ = whole.serialize(&mut json);
    rules.broken.get().map_or(Ok(()), Err)
}

/// What is written: it decides what is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value of the library, whose names are distinct.
    Value,
    /// A value of the caller's that becomes an entry.
    Entry,
    /// A cargo of the caller's own type.
    Own,
}

/// What is refused, and what was found.
pub(super) struct Rules {
    pub(super) kind: Kind,
    /// The rule that was broken.
    pub(super) broken: Cell<Option<Unwritable>>,
    /// Whether there are names that no type made distinct: those of maps, and of JSON that a type brought.
    pub(super) names: Cell<bool>,
    /// Whether a type brought JSON.
    pub(super) raw: Cell<bool>,
    /// Whether there is a float that an integer beyond 64 bits could be taken for.
    pub(super) huge: Cell<bool>,
    pub(super) own_ends: Cell<OwnEnds>,
}

impl Rules {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            broken: Cell::default(),
            names: Cell::default(),
            raw: Cell::default(),
            huge: Cell::default(),
            own_ends: Cell::default(),
        }
    }

    /// Takes note that a part was not written. Its type may hide that and go on: what comes of it is no JSON.
    #[cold]
    pub(super) fn failed(&self) {
        let rule = self.broken.get().unwrap_or(Unwritable::Unsupported);
        self.broken.set(Some(rule));
    }
}

/// Where a value stands, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: Part,
    /// Whether it is the whole value, or a name in the map that the whole value is.
    pub(super) outermost: bool,
}

/// What a value is a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Any,
    Some,
    Key,
}

impl Place {
    pub(super) const INSIDE: Self = Self {
        part: Part::Any,
        outermost: false,
    };
    pub(super) const WHOLE: Self = Self {
        part: Part::Any,
        outermost: true,
    };

    /// The same as another part.
    #[inline]
    pub(super) fn of(self, part: Part) -> Self {
        Self { part, ..self }
    }
}
