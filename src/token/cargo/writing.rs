//! What cargos inside of a caller's type tell beside their entries when they are sealed: serde has no place for an entry's end.

use std::cell::{Cell, RefCell};

use serde::{Serialize, Serializer};

use crate::token::json::{ENDS, OwnEnds, Unwritable};

use super::{Cargo, Text};

/// What this thread is doing. It is looked at for each token, so it is a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Writing,
    /// Writing, and an entry was met that ends.
    Met,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Idle) };
    /// Entries that were met, with the second at which each of them ends.
    static MET: RefCell<Vec<(Text, i64)>> = const { RefCell::new(Vec::new()) };
}

/// Puts back what was being done before, also after a panic.
struct Before {
    state: State,
    /// How many entries had been met.
    met: usize,
}

impl Drop for Before {
    fn drop(&mut self) {
        if STATE.replace(self.state) == State::Met {
            MET.with_borrow_mut(|met| met.truncate(self.met));
        }
    }
}

/// Writes a caller's type with `write`, and tells whether every entry that ends in a [`Cargo`] of it is one of the token's own,
/// which has its end in `ends`.
///
/// An entry of that name and end may as well stand inside of another: so those in the map that the whole value is are
/// counted as they are written, and must be all.
pub(crate) fn has_only_ends(
    ends: &[(Text, i64)],
    write: impl FnOnce() -> Result<OwnEnds, Unwritable>,
) -> Result<bool, Unwritable> {
    let state = STATE.replace(State::Writing);
    let met = match state {
        State::Idle => 0,
        // What is written now may be deep inside of what met some.
        _ => MET.with_borrow(Vec::len),
    };
    let before = Before { state, met };
    let own = write()?;
    let all_known = |met: &Vec<_>| {
        let met: &[_] = met.get(before.met..).unwrap_or_default();
        met.len() == own && met.iter().all(|end| ends.contains(end))
    };
    Ok(STATE.get() != State::Met || MET.with_borrow(all_known))
}

impl Cargo {
    /// Writes the entries as a map, and takes note of those that end, where a token is being sealed.
    pub(super) fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.ends.is_empty() || STATE.get() == State::Idle {
            return to.collect_map(self);
        }
        // The clock is asked once, so that what is noted is what is written; and, being the caller's own code, before
        // anything is borrowed.
        let entries: Vec<_> = self.iter().collect();
        let ends = entries.iter().filter_map(|(name, _)| {
            let end = self.ends.get(name)?;
            Some((Text::from(*name), end))
        });
        let ends: Vec<_> = ends.collect();
        if !ends.is_empty() {
            STATE.set(State::Met);
            MET.with_borrow_mut(|met| met.extend(ends));
        }
        to.collect_map(entries.into_iter().map(|(name, value)| {
            let ends = self.ends.get(name).is_some();
            (Name { text: name, ends }, value)
        }))
    }
}

/// The name of an entry, which tells whether that ends.
struct Name<'a> {
    text: &'a str,
    ends: bool,
}

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.ends {
            to.serialize_newtype_struct(ENDS, self.text)
        } else {
            to.serialize_str(self.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::clock::UnixTime;
    use crate::crypto::scratch::Scratch;
    use crate::token::json::write_own;

    const END: i64 = 4_000_000_000;

    /// Writes a cargo with an entry that ends.
    fn write(name: &str) -> Result<OwnEnds, Unwritable> {
        let mut cargo = Cargo::new();
        let end = UnixTime::from_secs(END);
        cargo.insert_until(name, 1, end).unwrap();
        write_own(&mut Scratch::take(usize::MAX), &cargo)
    }

    fn ends(name: &str, end: i64) -> [(Text, i64); 1] {
        [(Text::from(name), end)]
    }

    #[test]
    fn an_end_is_known_by_its_name_and_its_second() {
        for (name, end, expected) in [("a", END, true), ("a", END - 1, false), ("b", END, false)] {
            let known = has_only_ends(&ends(name, end), || write("a"));
            assert_eq!(known, Ok(expected));
            assert!(STATE.get() == State::Idle);
            assert!(MET.with_borrow(Vec::is_empty));
        }
    }

    #[test]
    fn what_is_sealed_inside_of_another_is_judged_by_itself() {
        let inner = Cell::new(Ok(false));
        let inside = |own: &str, written: &str| {
            inner.set(has_only_ends(&ends(own, END), || write(written)));
        };
        let outer = has_only_ends(&ends("a", END), || {
            let own = write("a")?;
            inside("b", "b");
            Ok(own)
        });
        assert_eq!((inner.get(), outer), (Ok(true), Ok(true)));
        let outer = has_only_ends(&ends("a", END), || {
            inside("b", "a");
            Ok(0)
        });
        assert_eq!((inner.get(), outer), (Ok(false), Ok(true)));
        assert!(STATE.get() == State::Idle);
    }
}
