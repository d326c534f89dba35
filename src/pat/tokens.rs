//! The records of tokens, as the operations reach them.

use std::fmt;
use std::sync::Arc;

use crate::crypto::clock::UnixTime;
use crate::events::{Fingerprint, Observed, Operation};
use crate::limits::Subject;
use crate::sealed::{self, CommitOutcome, Keyset, Keysets, Rounds, commit};
use crate::store::{Change, Record, RecordKey, Store};

use super::cache::Forget;
use super::owned::Target;
use super::row::{self, Meta, Opened, Row};
use super::{PatError, PatId, PersonalAccessTokens, Shared, subject};

/// The store and its keys. Operations reach them only through [`Tokens`].
pub(super) struct Records {
    store: Arc<dyn Store>,
    keysets: Keysets,
    keyset: Arc<Keyset>,
}

/// The records of tokens, for an operation that is reported: they cannot be reached without an
/// [`Observed`].
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    shared: &'a Shared,
}

impl PersonalAccessTokens {
    /// Begins an operation on many tokens.
    pub(super) fn observe(&self, operation: Operation) -> Observed<'_> {
        self.shared.observer.observe(operation, None)
    }

    /// Begins an operation on one token.
    pub(super) fn observe_one(&self, operation: Operation, id: PatId) -> Observed<'_> {
        let observed = self.observe(operation);
        self.name(&observed, id);
        observed
    }

    /// Names the token that an operation is about.
    pub(super) fn name(&self, observed: &Observed<'_>, id: PatId) {
        let keyset = &self.shared.records.keyset;
        observed.token(|| Fingerprint::new(keyset.fingerprint(&[id.as_str().as_bytes()])));
    }

    /// The records, for an operation that has begun.
    pub(super) fn tokens<'a>(&'a self, _: &'a Observed<'_>) -> Tokens<'a> {
        Tokens {
            shared: &self.shared,
        }
    }
}

impl Records {
    pub(super) fn new(store: Arc<dyn Store>, keysets: Keysets, keyset: Arc<Keyset>) -> Self {
        Self {
            store,
            keysets,
            keyset,
        }
    }
}

impl<'a> Tokens<'a> {
    pub(super) fn store(self) -> &'a dyn Store {
        &*self.shared.records.store
    }

    pub(super) fn keysets(self) -> &'a Keysets {
        &self.shared.records.keysets
    }

    pub(super) fn keyset(self) -> &'a Keyset {
        &self.shared.records.keyset
    }

    pub(super) fn now(self) -> UnixTime {
        self.shared.settings.service.clock.now()
    }

    pub(super) fn key(self, id: PatId) -> RecordKey {
        row::key(self.keyset(), id)
    }

    pub(super) fn open(self, record: &Record) -> Result<Row, PatError> {
        Opened::open(self.keyset(), record)?.read()
    }

    pub(super) fn seal(self, key: RecordKey, meta: &Meta) -> Result<Record, PatError> {
        row::seal(self.keyset(), key, meta, self.shared.settings.keep_expired)
    }

    /// Stores a new token, unless its id is taken.
    pub(super) async fn insert(self, meta: Meta) -> Result<Row, PatError> {
        let record = self.seal(self.key(meta.id), &meta)?;
        let version = record.version;
        match commit(self.store(), &[Change::Insert(record)]).await? {
            CommitOutcome::Written => Ok(Row {
                version,
                meta: Box::new(meta),
            }),
            CommitOutcome::Conflict { .. } => Err(PatError::AlreadyExists),
        }
    }

    /// Changes what is known about a token. It begins again if others change the token at the same
    /// time, so no change is lost.
    ///
    /// It writes even if nothing differs: a store with stale reads may have shown an older record.
    pub(super) async fn change(
        self,
        target: Target<'_>,
        change: impl Fn(&mut Meta, UnixTime) -> Result<(), PatError> + Send,
    ) -> Result<Row, PatError> {
        let key = self.key(target.id);
        let mut forget = None;
        let existing = self.store().get(&key).await?;
        let replace = move |existing: Option<Record>| {
            let record = existing.ok_or(PatError::NotFound)?;
            let mut row = self.open(&record)?;
            target.check_owner(&row.meta.owner)?;
            let (before, now) = (row.meta.clone(), self.now());
            change(&mut row.meta, now)?;
            if row.meta != before {
                row.meta.updated = now.as_secs();
            }
            let replace = Change::Replace {
                record: self.seal(key.clone(), &row.meta)?,
                expected: row.version,
            };
            // Dropped after the write. Even if its effect is unknown, or the future is dropped: it
            // may have been written.
            forget.get_or_insert_with(|| self.forget(target.id));
            Ok((Some(replace), row))
        };
        sealed::change(self.store(), existing, Rounds::default(), replace).await
    }

    /// Removes a token from the cache when this is dropped: it may have changed by then.
    pub(super) fn forget(self, id: PatId) -> Option<Forget<'a>> {
        let cache = self.shared.cache.as_ref();
        cache.map(|cache| Forget::new(cache, id))
    }

    /// The subjects that failed attempts at a token count for.
    pub(super) fn subjects(self, key: &RecordKey) -> [Subject; 2] {
        self.subjects_of(key, b"attempts")
    }

    /// The subjects of attempts that cost scrypt. Cheap attempts do not use them up.
    pub(super) fn slow_subjects(self, key: &RecordKey) -> [Subject; 2] {
        self.subjects_of(key, b"slow attempts")
    }

    fn subjects_of(self, key: &RecordKey, kind: &[u8]) -> [Subject; 2] {
        let subject = |parts: &[&[u8]]| {
            let value = self.keyset().label(parts);
            value.first_chunk().copied().unwrap_or_default()
        };
        [
            Subject::new(subject::TOKEN, subject(&[kind, &key.id])),
            Subject::new(subject::ALL, subject(&[kind])),
        ]
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
