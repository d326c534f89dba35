//! What a cargo is told beside its text when it is read as, or inside of, a caller's type: serde hands on no context.

use std::cell::{Cell, RefCell};

use crate::crypto::clock::ClockSource;

use super::own::Places;
use super::read::integers_are_in_range;
use super::{Cargo, Text};

/// The token that this thread is reading as a caller's type.
struct Reading {
    clock: ClockSource,
    places: Places,
    /// Whether a number was met that could be an integer out of range.
    huge: Cell<bool>,
}

thread_local! {
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// Puts back what was being read before, also after a panic.
struct Before(Option<Reading>);

impl Drop for Before {
    fn drop(&mut self) {
        READING.set(self.0.take());
    }
}

/// Reads a caller's type with `read`, which returns it with the text of the whole cargo. Every [`Cargo`] inside gets the codec's
/// clock, and the ends of those of the token's own entries that it holds; integers beyond 64 bits are refused.
pub(crate) fn with_ends<'a, R>(
    clock: &ClockSource,
    ends: &[(Text, i64)],
    read: impl FnOnce() -> Option<(R, &'a str)>,
) -> Option<R> {
    let before = Before(READING.replace(Some(Reading {
        clock: clock.clone(),
        places: Places::of(ends),
        huge: Cell::new(false),
    })));
    let found = read();
    let huge = READING.with_borrow(|now| now.as_ref().is_some_and(|now| now.huge.get()));
    drop(before);
    let (value, text) = found?;
    (!huge || integers_are_in_range(text)).then_some(value)
}

/// Takes note of a number that could be an integer out of range.
pub(super) fn note_huge() {
    READING.with_borrow(|now| {
        if let Some(now) = now {
            now.huge.set(true);
        }
    });
}

/// Where the names stand that are lent to what is read here.
pub(super) fn places() -> Places {
    READING.with_borrow(|now| {
        now.as_ref()
            .map(|now| now.places.clone())
            .unwrap_or_default()
    })
}

impl Cargo {
    /// With the clock of the codec whose token is being read, if there is one.
    pub(super) fn with_clock_of_codec(mut self) -> Self {
        READING.with_borrow(|now| {
            if let Some(now) = now {
                self.clock = now.clock.clone();
            }
        });
        self
    }
}
