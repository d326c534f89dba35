//! Finds the entries that expire in the cargos inside a caller's type while it is written. serde
//! has no place for an entry's expiry, so they are noted in the thread.

use std::cell::{Cell, RefCell};

use crate::token::json::{OwnExpiries, Unwritable};

use super::value::{Expiries, Text};

/// What this thread is doing. Every token checks it, so it is a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Writing,
    /// Writing, and an entry that expires was found.
    Found,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Idle) };
    static FOUND: RefCell<Expiries> = const { RefCell::new(Vec::new()) };
}

/// Restores what was being done before, even after a panic.
struct Before {
    state: State,
    /// How many entries had been found.
    found: usize,
}

impl Drop for Before {
    fn drop(&mut self) {
        if STATE.replace(self.state) == State::Found {
            FOUND.with_borrow_mut(|found| found.truncate(self.found));
        }
    }
}

/// Writes a caller's type with `write`. Returns whether every entry that expires in a
/// [`Cargo`](crate::Cargo) of it is one of the token's own, with its expiry in `expiries`.
///
/// An entry of that name and expiry could as well be inside another. So `write` counts those in the
/// outermost map, and they must be all.
pub(crate) fn has_only(
    expiries: &[(Text, i64)],
    write: impl FnOnce() -> Result<OwnExpiries, Unwritable>,
) -> Result<bool, Unwritable> {
    let state = STATE.replace(State::Writing);
    let found = match state {
        State::Idle => 0,
        // This may be deep inside something where entries were found.
        _ => FOUND.with_borrow(Vec::len),
    };
    let before = Before { state, found };
    let own = write()?;
    let all_known = |found: &Expiries| {
        let found: &[_] = found.get(before.found..).unwrap_or_default();
        found.len() == own && found.iter().all(|entry| expiries.contains(entry))
    };
    Ok(STATE.get() != State::Found || FOUND.with_borrow(all_known))
}

/// Whether a caller's type is being written, so that entries that expire must be noted.
pub(super) fn is_writing() -> bool {
    STATE.get() != State::Idle
}

/// Notes entries that expire.
pub(super) fn note(expiries: Expiries) {
    if !expiries.is_empty() {
        STATE.set(State::Found);
        FOUND.with_borrow_mut(|found| found.extend(expiries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::clock::UnixTime;
    use crate::crypto::scratch::Scratch;
    use crate::token::cargo::Cargo;
    use crate::token::json::write_own;

    const SECOND: i64 = 4_000_000_000;

    /// Writes a cargo with an entry that expires.
    fn write(name: &str) -> Result<OwnExpiries, Unwritable> {
        let mut cargo = Cargo::new();
        let expiry = UnixTime::from_secs(SECOND);
        cargo.insert_with_expiry(name, 1, expiry).unwrap();
        write_own(&mut Scratch::take(usize::MAX), &cargo)
    }

    fn expiries(name: &str, second: i64) -> [(Text, i64); 1] {
        [(Text::from(name), second)]
    }

    #[test]
    fn an_expiry_is_known_by_its_name_and_its_second() {
        for (name, second, expected) in [
            ("a", SECOND, true),
            ("a", SECOND - 1, false),
            ("b", SECOND, false),
        ] {
            let known = has_only(&expiries(name, second), || write("a"));
            assert_eq!(known, Ok(expected));
            assert!(STATE.get() == State::Idle);
            assert!(FOUND.with_borrow(Vec::is_empty));
        }
    }

    #[test]
    fn what_is_sealed_inside_of_another_is_judged_by_itself() {
        let inner = Cell::new(Ok(false));
        let inside = |own: &str, written: &str| {
            inner.set(has_only(&expiries(own, SECOND), || write(written)));
        };
        let outer = has_only(&expiries("a", SECOND), || {
            let own = write("a")?;
            inside("b", "b");
            Ok(own)
        });
        assert_eq!((inner.get(), outer), (Ok(true), Ok(true)));
        let outer = has_only(&expiries("a", SECOND), || {
            inside("b", "a");
            Ok(0)
        });
        assert_eq!((inner.get(), outer), (Ok(false), Ok(true)));
        assert!(STATE.get() == State::Idle);
    }
}
