//! The context of a cargo that is read as, or inside, a caller's type. serde cannot pass context,
//! so it is kept in a thread-local.

use std::cell::{Cell, RefCell};

use crate::crypto::clock::ClockSource;
use crate::token::json;

use super::own::LentNames;
use super::value::Text;

/// The token that this thread is reading as a caller's type.
struct Reading {
    clock: ClockSource,
    lent: LentNames,
    huge: Cell<Option<Box<Huge>>>,
}

/// Floats that may have been integers out of range. Boxed, because most cargos have none.
struct Huge(Vec<f64>);

impl Huge {
    #[cold]
    fn any_is_integer_of(&self, json: &str) -> bool {
        json::any_wide_integer_is_of(self.0.iter().copied(), json)
    }
}

thread_local! {
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// Restores what was being read before, even after a panic.
struct Before(Option<Reading>);

impl Before {
    /// Restores it, and returns the floats that were noted since.
    #[inline]
    fn restore(mut self) -> Option<Box<Huge>> {
        let now = READING.replace(self.0.take());
        std::mem::forget(self); // it would restore once more
        now.and_then(|now| now.huge.into_inner())
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        READING.set(self.0.take());
    }
}

/// Reads a caller's type from `text` with `read`.
///
/// Every [`Cargo`](crate::Cargo) inside gets the codec's clock, and the expiries of the token's own
/// entries that it holds. Integers beyond 64 bits are refused.
///
/// A float may be such an integer, but serde does not say where in the text it stood. So the value
/// is refused if the text has such an integer of the same value anywhere, even if the type reads it
/// differently or ignores it.
#[inline]
pub(crate) fn with_expiries<R>(
    clock: &ClockSource,
    text: &str,
    expiries: &[(Text, i64)],
    read: impl FnOnce() -> Option<R>,
) -> Option<R> {
    let before = Before(READING.replace(Some(Reading {
        clock: clock.clone(),
        lent: LentNames::of(expiries),
        huge: Cell::default(),
    })));
    let value = read();
    let huge = before.restore();
    let mixed = huge.is_some_and(|huge| huge.any_is_integer_of(text));
    value.filter(|_| !mixed)
}

/// Records floats that could be integers out of range.
pub(super) fn note_huge(floats: &[f64]) {
    if floats.is_empty() {
        return;
    }
    READING.with_borrow(|now| {
        if let Some(now) = now {
            let mut huge = now
                .huge
                .take()
                .unwrap_or_else(|| Box::new(Huge(Vec::new())));
            huge.0.extend_from_slice(floats);
            now.huge.set(Some(huge));
        }
    });
}

/// The lent names of the token being read.
pub(super) fn lent_names() -> LentNames {
    READING.with_borrow(|now| now.as_ref().map(|now| now.lent.clone()).unwrap_or_default())
}

/// The clock of the codec whose token is being read; the system's outside of a token.
pub(super) fn clock() -> ClockSource {
    READING.with_borrow(|now| {
        now.as_ref()
            .map(|now| now.clock.clone())
            .unwrap_or_default()
    })
}
