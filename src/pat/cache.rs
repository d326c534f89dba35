//! The cache of verified tokens.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use sha2::{Digest as _, Sha256};

use crate::crypto::clock::UnixTime;

use super::{PatId, PatRecord};

/// Tokens that were verified a moment ago, by the SHA-256 of their text. Refusals are not cached.
pub(super) struct Cache {
    staleness: Duration,
    entries: Mutex<Entries>,
}

struct Entries {
    tokens: LruCache<Key, Entry>,
    /// Counts the changes of this process.
    changes: u64,
}

type Key = [u8; 32];

struct Entry {
    record: PatRecord,
    read_at: Moment,
}

/// A reading of both clocks: the service's, and the machine's monotonic one, which stands still
/// while the machine is suspended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) monotonic: Instant,
    pub(super) wall: UnixTime,
}

impl Moment {
    pub(super) fn now(wall: UnixTime) -> Self {
        let monotonic = Instant::now();
        Self { monotonic, wall }
    }

    /// Whether less than `staleness` has passed since `since`, by both clocks. If the wall clock
    /// went back, more may have passed.
    fn is_within(self, staleness: Duration, since: Self) -> bool {
        let monotonic = self.monotonic.checked_duration_since(since.monotonic);
        let wall = (self.wall >= since.wall).then(|| self.wall - since.wall);
        [monotonic, wall]
            .iter()
            .all(|passed| passed.is_some_and(|passed| passed < staleness))
    }
}

/// A lookup that found nothing, and how many changes there had been by then.
pub(super) struct Miss {
    key: Key,
    changes: u64,
}

impl Cache {
    pub(super) fn new((tokens, staleness): (NonZeroUsize, Duration)) -> Self {
        Self {
            staleness,
            entries: Mutex::new(Entries {
                tokens: LruCache::new(tokens),
                changes: 0,
            }),
        }
    }

    /// The record of a text, if it was verified within the staleness. The caller checks its expiry.
    pub(super) fn get(&self, text: &str, now: Moment) -> Result<PatRecord, Miss> {
        let key = Sha256::digest(text).into();
        let mut entries = self.lock();
        match entries.tokens.get(&key) {
            Some(entry) if now.is_within(self.staleness, entry.read_at) => {
                return Ok(entry.record.clone());
            }
            Some(_) => {
                entries.tokens.pop(&key);
            }
            None => {}
        }
        let changes = entries.changes;
        Err(Miss { key, changes })
    }

    /// Keeps a record that was read after the miss, unless something changed since: then it may be
    /// outdated.
    pub(super) fn put(&self, miss: Miss, record: &PatRecord, read_at: Moment) {
        let mut entries = self.lock();
        if entries.changes == miss.changes {
            let record = record.clone();
            entries.tokens.put(miss.key, Entry { record, read_at });
        }
    }

    /// Forgets every text of this token.
    pub(super) fn forget(&self, id: PatId) {
        let mut entries = self.lock();
        entries.changes = entries.changes.wrapping_add(1);
        let tokens = entries.tokens.iter();
        let of_it = tokens.filter(|(_, entry)| entry.record.id == id);
        let keys: Vec<Key> = of_it.map(|(key, _)| *key).collect();
        for key in keys {
            entries.tokens.pop(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a token when it is dropped.
pub(super) struct Forget<'c> {
    cache: &'c Cache,
    id: PatId,
}

impl<'c> Forget<'c> {
    pub(super) fn new(cache: &'c Cache, id: PatId) -> Self {
        Self { cache, id }
    }
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.cache.forget(self.id);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("staleness", &self.staleness)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_expires_by_either_clock_and_by_one_that_ran_backwards() {
        let begin = Moment::now(UnixTime::from_secs(1_000));
        let staleness = Duration::from_secs(2);
        let later = |millis, seconds| Moment {
            monotonic: begin.monotonic + Duration::from_millis(millis),
            wall: begin.wall.saturating_add(seconds),
        };
        for (now, within) in [
            (later(0, 0), true),
            (later(1_999, 1), true),
            (later(2_000, 1), false),
            // Frozen: the wall clock alone went on.
            (later(0, 2), false),
            (later(0, 6), false),
            (later(1, 253_402_300_799), false),
            // Put back.
            (later(1, -1), false),
            (later(1, i64::MIN), false),
        ] {
            assert_eq!(now.is_within(staleness, begin), within, "{now:?}");
        }
        // A monotonic clock that ran backwards.
        assert!(!begin.is_within(staleness, later(1, 0)));
        // Nothing is within zero time, and everything is within the longest.
        assert!(!begin.is_within(Duration::ZERO, begin));
        assert!(later(1, 1).is_within(Duration::MAX, begin));
    }
}
