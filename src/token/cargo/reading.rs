//! What a cargo is told beside its text when it is read as, or inside of, a caller's type: serde hands on no context.

use std::cell::RefCell;

use crate::crypto::clock::ClockSource;
use crate::token::json;

use super::own::Places;
use super::{Cargo, Text};

/// The token that this thread is reading as a caller's type.
struct Reading {
    clock: ClockSource,
    places: Places,
    /// Floats that were met and could be integers out of range.
    huge: RefCell<Vec<f64>>,
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
        huge: RefCell::default(),
    })));
    let found = read();
    let huge = READING.with_borrow(|now| {
        let now = now.as_ref()?;
        Some(now.huge.take())
    });
    drop(before);
    let (value, text) = found?;
    let huge = huge.unwrap_or_default();
    (huge.is_empty() || !json::wide_integers(text).any(|wide| huge.contains(&wide)))
        .then_some(value)
}

/// Takes note of floats that could be integers out of range.
pub(super) fn note_huge(floats: &[f64]) {
    if floats.is_empty() {
        return;
    }
    READING.with_borrow(|now| {
        if let Some(now) = now {
            now.huge.borrow_mut().extend_from_slice(floats);
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
