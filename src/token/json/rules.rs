//! Rules for writing a value: what no opener would read back unchanged is refused.

use std::cell::Cell;

/// Why a value was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// It holds NaN or an infinity.
    NotFinite,
    /// serde_json refused it, its own `Serialize` failed, or it embeds JSON that no opener accepts.
    Unsupported,
    /// It is nested more deeply than an opener accepts.
    TooDeep,
    /// It holds an integer of 128 bits; or embedded JSON holds one beyond 64 bits, beside a float
    /// of its value.
    WideInteger,
    /// A map has a number or a boolean for a key.
    KeyNotText,
    /// An object has a name twice, or one that serde_json reserves.
    NameConflict,
    /// It holds a `Some` around something that is written as `null`, and would come back as `None`.
    SomeNull,
}

/// The newtype around the name of an entry that expires: it shows where a [`Cargo`](crate::Cargo)
/// writes its entries.
pub(crate) const EXPIRES: &str = "$sealtoken::expires";

/// The number of expiring entries in the outermost map.
pub(crate) type OwnExpiries = usize;

/// The kind of value, which decides what is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value of this crate, whose names are distinct.
    Value,
    /// A caller's value that becomes an entry.
    Entry,
    /// A cargo of the caller's own type.
    Own,
}

/// What to refuse, and what was found so far.
pub(super) struct Rules {
    pub(super) kind: Kind,
    /// The rule that was broken.
    pub(super) broken: Cell<Option<Unwritable>>,
    /// Whether there are names that may repeat: those of maps and of embedded JSON.
    pub(super) names: Cell<bool>,
    /// Whether a type embeds JSON.
    pub(super) raw: Cell<bool>,
    /// Whether there is a float that an integer beyond 64 bits could equal.
    pub(super) huge: Cell<bool>,
    pub(super) own_expiries: Cell<OwnExpiries>,
}

impl Rules {
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            kind,
            broken: Cell::default(),
            names: Cell::default(),
            raw: Cell::default(),
            huge: Cell::default(),
            own_expiries: Cell::default(),
        }
    }

    /// Records that a part was not written. Its type may ignore the error and go on, but the result
    /// is not JSON.
    #[cold]
    pub(super) fn failed(&self) {
        let rule = self.broken.get().unwrap_or(Unwritable::Unsupported);
        self.broken.set(Some(rule));
    }
}

/// The position of a value, as far as the rules depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: Part,
    /// Whether it is the whole value or a name in the outermost map.
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

    /// The same position, as another part.
    #[inline]
    pub(super) fn of(self, part: Part) -> Self {
        Self { part, ..self }
    }
}
