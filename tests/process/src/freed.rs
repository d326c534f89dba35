//! An allocator that copies all memory on its way back to the system, so that tests can search it
//! for secrets.
//!
//! It sees only the heap, not the stack or registers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The allocator, to be installed with `#[global_allocator]`.
pub struct Recording;

/// The length of the pieces to search for: shorter ones could match by chance.
const PIECE: usize = 8;

/// Capacity of a recording: enough for the 64 MiB of one Argon2id. Pages never written to cost
/// nothing.
const ROOM: usize = 80 << 20;

struct Log(UnsafeCell<[u8; ROOM]>);

// SAFETY: `USED` gives each writer a range of its own, and reading begins after recording has
// ended.
unsafe impl Sync for Log {}

static LOG: Log = Log(UnsafeCell::new([0; ROOM]));
static USED: AtomicUsize = AtomicUsize::new(0);
static ON: AtomicBool = AtomicBool::new(false);

/// All memory that was freed during a recording.
pub struct Freed(Vec<u8>);

/// A lock for the whole of a test: other tests that free their secrets meanwhile would be recorded
/// too.
pub fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records all memory that any thread frees while `body` runs.
pub fn record<R>(_alone: &MutexGuard<'_, ()>, body: impl FnOnce() -> R) -> (R, Freed) {
    USED.store(0, Ordering::SeqCst);
    ON.store(true, Ordering::SeqCst);
    let result = body();
    ON.store(false, Ordering::SeqCst);
    let used = USED.load(Ordering::SeqCst);
    assert!(used <= ROOM, "more memory was freed than the log can hold");
    // SAFETY: recording has ended, and these bytes were written.
    let log = unsafe { std::slice::from_raw_parts(LOG.0.get().cast::<u8>(), used) };
    (result, Freed(log.to_vec()))
}

impl Freed {
    /// Takes bytes that come from elsewhere, to search them.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The number of pieces of the secret found.
    pub fn pieces_of(&self, secret: &[u8]) -> usize {
        self.pieces(&[("", secret)]).len()
    }

    /// Asserts that no piece of these secrets is found.
    #[track_caller]
    pub fn holds_nothing_of<S: AsRef<[u8]>>(&self, secrets: &[(&str, S)]) {
        let mut found = self.pieces(secrets);
        found.dedup();
        assert!(
            found.is_empty(),
            "freed memory contains pieces of: {found:?}"
        );
    }

    /// The name of the secret for each piece found, in the order of the log.
    fn pieces<'s, S: AsRef<[u8]>>(&self, secrets: &[(&'s str, S)]) -> Vec<&'s str> {
        let mut pieces = HashMap::new();
        // Two bytes rule out most memory without a lookup in the map.
        let mut begins = vec![false; 1 << 16];
        for (name, secret) in secrets {
            let secret = secret.as_ref();
            assert!(secret.len() >= PIECE, "{name} is too short to search for");
            for piece in secret.windows(PIECE) {
                begins[begin_of(piece)] = true;
                pieces.insert(piece, *name);
            }
        }
        // Skips wiped memory, above all that of password hashes, in large strides.
        const STRIDE: usize = 4096;
        let zeros = [0; STRIDE + PIECE];
        let strides = (0..self.0.len()).step_by(STRIDE);
        let places = strides
            .map(|from| &self.0[from..self.0.len().min(from + STRIDE + PIECE - 1)])
            .filter(|stride| **stride != zeros[..stride.len()])
            .flat_map(|stride| stride.windows(PIECE));
        places
            .filter(|place| begins[begin_of(place)])
            .filter_map(|place| pieces.get(place).copied())
            .collect()
    }
}

fn begin_of(piece: &[u8]) -> usize {
    usize::from(piece[0]) << 8 | usize::from(piece[1])
}

fn keep(block: *const u8, size: usize) {
    // One byte separates blocks, so that no piece spans two of them.
    let begin = USED.fetch_add(size + 1, Ordering::SeqCst);
    if begin + size < ROOM {
        // SAFETY: the block still belongs to the caller, and was written in full when it was
        // allocated. No other writer has this range of the log.
        unsafe {
            let log = LOG.0.get().cast::<u8>();
            std::ptr::copy_nonoverlapping(block, log.add(begin), size);
            log.add(begin + size).write(0);
        }
    }
}

// SAFETY: memory comes from the system's allocator and returns to it. The trait's default `realloc`
// allocates, copies, and frees the old block through `dealloc`, where it is recorded.
unsafe impl GlobalAlloc for Recording {
    /// Zeroed, so that no content of an earlier owner is found later.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ON.load(Ordering::Relaxed) {
            keep(block, layout.size());
        }
        unsafe { System.dealloc(block, layout) }
    }
}
