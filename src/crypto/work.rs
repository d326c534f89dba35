//! Work that a thread has done, counted in tests: what must not be told apart must cost the same.

use std::cell::Cell;

/// A kind of work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// An HMAC was made.
    Mac,
    /// A sealed record was opened.
    Open,
}

thread_local! {
    static DONE: Cell<[u32; 2]> = const { Cell::new([0; 2]) };
}

pub(crate) fn count(work: Work) {
    let [macs, opens] = DONE.get();
    DONE.set(match work {
        Work::Mac => [macs + 1, opens],
        Work::Open => [macs, opens + 1],
    });
}

/// How many MACs and openings there were since this was last asked.
pub(crate) fn take() -> [u32; 2] {
    DONE.take()
}
