//! What a cargo is told beside its text when it is read as, or inside of, a caller's type: serde hands on no context.

use std::cell::{Cell, RefCell};

use crate::crypto::clock::ClockSource;
use crate::token::json;

use super::own::Places;
use super::{Cargo, Text};

/// The token that this thread is reading as a caller's type.
struct Reading {
    clock: ClockSource,
    places: Places,
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

/// Puts back what was being read before, also after a panic.
struct Before(Option<Reading>);

impl Drop for Before {
    fn drop(&mut self) {
        READING.set(self.0.take());
    }
}

/// Reads a caller's type with `read`, which returns it with the text of the whole cargo. Every [`Cargo`] inside gets the codec's
/// clock, and the ends of those of the token's own entries that it holds; integers beyond 64 bits are refused.
///
/// Where in the text a float stood that may be such an integer, serde does not tell. So it is one if the text has one of its value,
/// though that may stand where the type reads it otherwise, or not at all.
pub(crate) fn with_ends<'a, R>(
    clock: &ClockSource,
    ends: &[(Text, i64)],
    read: impl FnOnce() -> Option<(R, &'a str)>,
) -> Option<R> {
    let before = Before(READING.replace(Some(Reading {
        clock: clock.clone(),
        places: Places::of(ends),
        huge: Cell::default(),
    })));
    let found = read();
    let huge = READING.with_borrow(|now| now.as_ref()?.huge.take());
    drop(before);
    let (value, text) = found?;
    let mixed = huge.is_some_and(|huge| huge.any_is_integer_of(text));
    (!mixed).then_some(value)
}

/// Takes note of floats that could be integers out of range.
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
