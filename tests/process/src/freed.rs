//! An allocator that keeps a copy of all memory that is given back, to be searched for secrets afterwards.
//!
//! It sees the heap. Registers and the stack it does not see; what the crate keeps there it overwrites where it can.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Install it with `#[global_allocator]`.
pub struct Recording;

/// Shorter pieces of a secret than this are not searched for: they could be anything.
const PIECE: usize = 8;

/// What one recording can hold: also the 64 MiB of one Argon2id. Pages that are not written to cost nothing.
const ROOM: usize = 80 << 20;

struct Log(UnsafeCell<[u8; ROOM]>);

// SAFETY: `USED` gives each writer a range of its own, and readers come when recording is over.
unsafe impl Sync for Log {}

static LOG: Log = Log(UnsafeCell::new([0; ROOM]));
static USED: AtomicUsize = AtomicUsize::new(0);
static ON: AtomicBool = AtomicBool::new(false);

/// All that was given back while a body ran.
pub struct Freed(Vec<u8>);

/// A test holds it to its end: another one that drops its secrets meanwhile would be recorded, too.
pub fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records what is given back while `body` runs, also by other threads.
pub fn record<R>(_alone: &MutexGuard<'_, ()>, body: impl FnOnce() -> R) -> (R, Freed) {
    USED.store(0, Ordering::SeqCst);
    ON.store(true, Ordering::SeqCst);
    let result = body();
    ON.store(false, Ordering::SeqCst);
    let used = USED.load(Ordering::SeqCst);
    assert!(used <= ROOM, "more was given back than the log can hold");
    // SAFETY: nobody writes any more, and these bytes were written.
    let log = unsafe { std::slice::from_raw_parts(LOG.0.get().cast::<u8>(), used) };
    (result, Freed(log.to_vec()))
}

impl Freed {
    /// What of other memory nobody uses any more.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// How many pieces of the secret are in there.
    pub fn pieces_of(&self, secret: &[u8]) -> usize {
        self.pieces(&[("", secret)]).len()
    }

    /// Asserts that nothing of any of these secrets was given back.
    #[track_caller]
    pub fn holds_nothing_of<S: AsRef<[u8]>>(&self, secrets: &[(&str, S)]) {
        let mut found = self.pieces(secrets);
        found.dedup();
        assert!(
            found.is_empty(),
            "in memory that was given back are pieces of: {found:?}"
        );
    }

    /// The name of the secret for each piece that is found, in the order of the log.
    fn pieces<'s, S: AsRef<[u8]>>(&self, secrets: &[(&'s str, S)]) -> Vec<&'s str> {
        let mut pieces = HashMap::new();
        // Most memory can be told apart by two bytes, without a look into the map.
        let mut begins = vec![false; 1 << 16];
        for (name, secret) in secrets {
            let secret = secret.as_ref();
            assert!(
                secret.len() >= PIECE,
                "{name} is too short to be told apart"
            );
            for piece in secret.windows(PIECE) {
                begins[begin_of(piece)] = true;
                pieces.insert(piece, *name);
            }
        }
        // What was wiped, the memory of a password's hash above all, is passed over at once.
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
    // A byte between two blocks, so that their ends do not make a piece together.
    let begin = USED.fetch_add(size + 1, Ordering::SeqCst);
    if begin + size < ROOM {
        // SAFETY: the block is still the caller's, and all of it was written when it was given out. The range of
        // the log is nobody else's.
        unsafe {
            let log = LOG.0.get().cast::<u8>();
            std::ptr::copy_nonoverlapping(block, log.add(begin), size);
            log.add(begin + size).write(0);
        }
    }
}

// SAFETY: memory comes from the system's allocator and goes back to it. A growing block takes the trait's own way:
// a new one, a copy, and the old one back through `dealloc`.
unsafe impl GlobalAlloc for Recording {
    /// Cleared, so that nothing of an earlier owner is blamed on a later one.
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
