//! Work that a thread has done, counted in tests: what must not be told apart must cost the same.

use std::cell::Cell;

/// A kind of work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// An HMAC was made.
    Mac,
    /// A sealed record was opened.
    Open,
    /// All that is known about a personal access token was read.
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

/// How often each kind was done since this was last asked.
pub(crate) fn take() -> [u32; 3] {
    DONE.take()
}
