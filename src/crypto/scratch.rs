//! A byte buffer that a thread keeps between tokens, and that never leaves plaintext in freed
//! memory.

use std::cell::Cell;
use std::io;

use super::secret::wipe;

/// The capacity that a thread keeps for its next token. A larger buffer is freed after use.
const KEEP: usize = 16 * 1024;

/// Enough for an ordinary token, so that most threads allocate once.
const START: usize = 1024;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer that is wiped when it grows and when it is dropped, even by an early return or a panic.
///
/// It is *taken* from the thread, so sealing or opening inside a callback gets a buffer of its own.
pub(crate) struct Scratch {
    bytes: Vec<u8>,
    /// Bytes beyond this length, or beyond available memory, are counted but not stored.
    limit: usize,
    /// The length up to which no check is needed: within the limit and the capacity.
    room: usize,
    beyond: usize,
}

impl Scratch {
    /// An empty buffer that will hold at most `limit` bytes.
    pub(crate) fn take(limit: usize) -> Self {
        let bytes = KEPT.try_with(Cell::take).unwrap_or_default();
        Self {
            room: bytes.capacity().min(limit),
            bytes,
            limit,
            beyond: 0,
        }
    }

    /// How many bytes were written, including those beyond the limit.
    pub(crate) fn written(&self) -> usize {
        self.bytes.len().saturating_add(self.beyond)
    }

    /// Whether all written bytes are stored.
    pub(crate) fn is_whole(&self) -> bool {
        self.beyond == 0
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    #[inline]
    pub(crate) fn extend(&mut self, more: &[u8]) {
        if more.len() <= self.room.saturating_sub(self.bytes.len()) {
            self.bytes.extend_from_slice(more);
        } else {
            self.extend_slowly(more);
        }
    }

    /// Appends `count` times the byte `filler`.
    pub(crate) fn fill_up(&mut self, filler: u8, count: usize) {
        if self.make_room(count) {
            let length = self.bytes.len().saturating_add(count);
            self.bytes.resize(length, filler);
        }
    }

    /// Reserves space for `more` bytes, if limit and memory allow it, so the existing bytes need no
    /// copy later.
    pub(crate) fn reserve(&mut self, more: usize) {
        let needed = self.written().saturating_add(more);
        self.has_room(needed);
    }

    #[cold]
    fn extend_slowly(&mut self, more: &[u8]) {
        if self.make_room(more.len()) {
            self.bytes.extend_from_slice(more);
        }
    }

    /// Makes space for `more` bytes. If limit or memory does not allow it, they count as beyond the
    /// limit.
    fn make_room(&mut self, more: usize) -> bool {
        let needed = self.written().saturating_add(more);
        let has_room = self.has_room(needed);
        if !has_room {
            self.beyond = needed.saturating_sub(self.bytes.len());
            self.room = 0;
        }
        has_room
    }

    /// Grows to `needed` bytes without leaving a copy of the old ones. Returns whether limit and
    /// memory allowed it.
    fn has_room(&mut self, needed: usize) -> bool {
        let mut larger = Vec::new();
        let grows = needed > self.bytes.capacity();
        let room = needed
            .max(self.bytes.capacity().saturating_mul(2))
            .max(START);
        if needed > self.limit || grows && larger.try_reserve_exact(room).is_err() {
            return false;
        }
        if grows {
            larger.extend_from_slice(&self.bytes);
            wipe(&mut self.bytes);
            self.bytes = larger;
            self.room = self.bytes.capacity().min(self.limit);
        }
        true
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Only the initialised part: bytes are never cut off before this.
        wipe(&mut self.bytes);
        if self.bytes.capacity() <= KEEP {
            self.bytes.clear();
            // A thread that is ending cannot keep the buffer: it is then freed, already wiped.
            let _ = KEPT.try_with(|kept| kept.set(std::mem::take(&mut self.bytes)));
        }
    }
}

impl io::Write for &mut Scratch {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beyond_the_limit_is_counted_and_not_kept() {
        let mut scratch = Scratch::take(10);
        scratch.extend(b"1234567890");
        assert!(scratch.is_whole());
        scratch.extend(b"x");
        scratch.extend(b"y");
        scratch.fill_up(b' ', 3);
        assert_eq!(scratch.as_slice(), b"1234567890");
        assert_eq!(scratch.written(), 15);
        assert!(!scratch.is_whole());
    }

    #[test]
    fn what_no_memory_holds_is_counted_and_not_kept() {
        let mut scratch = Scratch::take(usize::MAX);
        scratch.extend(b"1234567890");
        for much in [1 << 46, usize::MAX] {
            scratch.fill_up(b' ', much);
            assert!(!scratch.is_whole());
            assert_eq!(scratch.as_slice(), b"1234567890");
        }
    }

    #[test]
    fn room_that_is_made_ahead_is_used_and_where_there_is_none_nothing_is_counted() {
        let mut scratch = Scratch::take(KEEP * 4);
        scratch.extend(b"12");
        scratch.reserve(KEEP * 2);
        let place = scratch.as_slice().as_ptr();
        scratch.fill_up(b' ', KEEP);
        scratch.extend(&[b'x'; KEEP]);
        assert_eq!(scratch.as_slice().as_ptr(), place);
        for much in [KEEP * 4, 1 << 46, usize::MAX] {
            scratch.reserve(much);
            assert!(scratch.is_whole());
        }
        assert_eq!(scratch.written(), 2 + 2 * KEEP);
    }

    #[test]
    fn once_beyond_the_limit_nothing_shorter_slips_in() {
        // Even if the thread kept a buffer with room for it.
        Scratch::take(usize::MAX).extend(b"a token before");
        let mut scratch = Scratch::take(4);
        scratch.extend(b"12345");
        scratch.extend(b"1");
        assert_eq!(scratch.as_slice(), b"");
        assert_eq!(scratch.written(), 6);
    }

    #[test]
    fn a_buffer_in_use_is_not_shared_and_comes_back_empty() {
        let mut outer = Scratch::take(usize::MAX);
        outer.extend(b"outer");
        {
            let mut inner = Scratch::take(usize::MAX);
            assert_eq!(inner.written(), 0);
            inner.extend(b"inner");
        }
        assert_eq!(outer.as_slice(), b"outer");
        drop(outer);
        assert_eq!(Scratch::take(usize::MAX).written(), 0);
    }

    #[test]
    fn growing_keeps_the_content() {
        let mut scratch = Scratch::take(usize::MAX);
        for round in 0..3000_u32 {
            scratch.extend(&round.to_le_bytes());
        }
        let bytes: Vec<u8> = (0..3000_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(scratch.as_slice(), bytes);
    }

    #[test]
    fn a_thread_keeps_no_buffer_that_was_larger_than_most_tokens_need() {
        let kept = |bytes: usize| {
            let mut scratch = Scratch::take(usize::MAX);
            scratch.fill_up(b' ', bytes);
            drop(scratch);
            Scratch::take(usize::MAX).bytes.capacity()
        };
        assert!((1..=KEEP).contains(&kept(1)));
        assert!(kept(KEEP + 1) <= KEEP);
    }
}
