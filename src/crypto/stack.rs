//! Stack memory, which nobody wipes on return.

use std::hint::black_box;

/// Overwrites the stack below the caller, where its earlier calls left their values.
///
/// A future that has not run is mostly unused bytes, and its move to the heap copies what was on
/// the stack. Optimised builds keep secrets off the stack in any case; others do not.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "the stack is what it overwrites")]
pub(crate) fn overwrite() {
    black_box(&mut [0_u8; 64 * 1024]);
}
