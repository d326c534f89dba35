//! Counts a thread's work in tests: cases that an attacker must not be able to distinguish must
//! cost the same.

use std::cell::Cell;

/// A kind of work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// An HMAC was made.
    Mac,
    /// A sealed record was opened.
    Open,
    /// The metadata of a personal access token was read.
    Read,
}

thread_local! {
    static DONE: Cell<[u32; 3]> = const { Cell::new([0; 3]) };
}

pub(crate) fn count(work: Work) {
    let mut done = DONE.get();
    if let Some(done) = done.get_mut(work as usize) {
        *done = done.saturating_add(1);
    }
    DONE.set(done);
}

/// The count of each kind since the last call.
pub(crate) fn take() -> [u32; 3] {
    DONE.take()
}
