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
        State::Idle => 0,
        // What is written now may be deep inside of what met some.
        _ => MET.with_borrow(Vec::len),
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
