//! An allocator that counts the allocations of each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The allocator, to be installed with `#[global_allocator]`.
pub struct Counting;

thread_local! {
    // It needs no destructor, so using it never allocates.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the allocations of `body`, including reallocations.
pub fn allocations<R>(body: impl FnOnce() -> R) -> (usize, R) {
    let before = CALLS.get();
    let result = body();
    (CALLS.get() - before, result)
}

fn count() {
    CALLS.set(CALLS.get() + 1);
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}
