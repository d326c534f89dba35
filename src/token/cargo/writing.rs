//! What cargos inside of a caller's type tell beside their entries when they are sealed: serde has no place for an entry's end.

use std::cell::{Cell, RefCell};

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

/// Writes a caller's type with `write`, and tells whether every entry that ends in a [`Cargo`] of it has its end in `ends`.
pub(crate) fn has_only_ends<R>(ends: &[(Text, i64)], write: impl FnOnce() -> R) -> (R, bool) {
    let state = STATE.replace(State::Writing);
    let met = match state {
        State::Met => MET.with_borrow(Vec::len),
        _ => 0,
    };
    let before = Before { state, met };
    let written = write();
    let known = STATE.get() != State::Met
        || MET.with_borrow(|met| met.iter().skip(before.met).all(|end| ends.contains(end)));
    (written, known)
}

impl Cargo {
    /// Takes note of the entries that end, where a token is being sealed.
    pub(super) fn note_ends(&self) {
        if self.ends.is_empty() || STATE.get() == State::Idle {
            return;
        }
        let ends = self.iter().filter_map(|(name, _)| {
            let end = self.ends.get(name)?;
            Some((Text::from(name), end))
        });
        // The clock is the caller's own code, so nothing is borrowed while it is asked.
        let ends: Vec<_> = ends.collect();
        if !ends.is_empty() {
            STATE.set(State::Met);
            MET.with_borrow_mut(|met| met.extend(ends));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::clock::UnixTime;

    const END: i64 = 4_000_000_000;

    /// Writes a cargo with an entry that ends.
    fn write(name: &str) {
        let mut cargo = Cargo::new();
        let end = UnixTime::from_secs(END);
        cargo.insert_until(name, 1, end).unwrap();
        cargo.note_ends();
    }

    fn ends(name: &str, end: i64) -> [(Text, i64); 1] {
        [(Text::from(name), end)]
    }

    #[test]
    fn an_end_is_known_by_its_name_and_its_second() {
        for (name, end, expected) in [("a", END, true), ("a", END - 1, false), ("b", END, false)] {
            let ((), known) = has_only_ends(&ends(name, end), || write("a"));
            assert_eq!(known, expected);
            assert!(STATE.get() == State::Idle);
            assert!(MET.with_borrow(Vec::is_empty));
        }
    }

    #[test]
    fn what_is_sealed_inside_of_another_is_judged_by_itself() {
        let (inner, outer) = has_only_ends(&ends("a", END), || {
            write("a");
            has_only_ends(&ends("b", END), || write("b")).1
        });
        assert!(inner && outer);
        let (inner, outer) = has_only_ends(&ends("a", END), || {
            has_only_ends(&ends("b", END), || write("a")).1
        });
        assert!(!inner && outer);
        assert!(STATE.get() == State::Idle);
    }
}
