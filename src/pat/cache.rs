//! Tokens that were verified a moment ago.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use sha2::{Digest as _, Sha256};

use super::{PatId, PatRecord};

/// Tokens that were verified a moment ago, by the SHA-256 of their whole text. Only positive answers are kept.
pub(super) struct Cache {
    staleness: Duration,
    kept: Mutex<Kept>,
}

struct Kept {
    tokens: LruCache<Key, Entry>,
    /// Counts the changes of this process.
    changes: u64,
}

type Key = [u8; 32];

struct Entry {
    record: PatRecord,
    until: Instant,
}

/// A look-up that found nothing, and how many changes there had been by then.
pub(super) struct Miss {
    key: Key,
    changes: u64,
}

impl Cache {
    pub(super) fn new((tokens, staleness): (NonZeroUsize, Duration)) -> Self {
        Self {
            staleness,
            kept: Mutex::new(Kept {
                tokens: LruCache::new(tokens),
                changes: 0,
            }),
        }
    }

    /// The record of a text, if it was verified within the staleness. Whether it has ended is the caller's to check.
    pub(super) fn get(&self, text: &str) -> Result<PatRecord, Miss> {
        let key = Sha256::digest(text).into();
        let mut kept = self.lock();
        match kept.tokens.get(&key) {
            Some(entry) if entry.until > Instant::now() => return Ok(entry.record.clone()),
            Some(_) => {
                kept.tokens.pop(&key);
            }
            None => {}
        }
        let changes = kept.changes;
        Err(Miss { key, changes })
    }

    /// Keeps a record that was read after the miss; not where something has changed since, for it may have been read before that.
    pub(super) fn put(&self, miss: Miss, record: &PatRecord, read_at: Instant) {
        let Some(until) = read_at.checked_add(self.staleness) else {
            return;
        };
        let mut kept = self.lock();
        if kept.changes == miss.changes {
            let record = record.clone();
            kept.tokens.put(miss.key, Entry { record, until });
        }
    }

    /// Forgets every text of this token.
    pub(super) fn forget(&self, id: &PatId) {
        let mut kept = self.lock();
        kept.changes = kept.changes.wrapping_add(1);
        let tokens = kept.tokens.iter();
        let of_it = tokens.filter(|(_, entry)| entry.record.id == *id);
        let keys: Vec<Key> = of_it.map(|(key, _)| *key).collect();
        for key in keys {
            kept.tokens.pop(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.cache.forget(&self.id);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("staleness", &self.staleness)
            .finish_non_exhaustive()
    }
}
