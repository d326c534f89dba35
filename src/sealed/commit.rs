//! Writes a batch at most once, even if the store's reply is lost, and begins again where others
//! changed the record first.

use crate::store::{Change, Effect, Outcome, Record, RecordError, Store, StoreError, Version};

use super::error::ServiceError;
use super::retry::{MAX_LOST_REPLIES, Rounds};

/// The outcome of a batch.
#[derive(Debug)]
pub(crate) enum CommitOutcome {
    /// The whole batch was written.
    Written,
    /// Nothing was written: the change at `index` met `current` instead of the record it expects.
    Conflict {
        index: usize,
        current: Option<Record>,
    },
}

/// Engines return this version for a corrupt row. It is never drawn, so no change can expect it.
const UNREADABLE: Version = Version::from_bytes([0; 16]);

/// Changes one record: `judge` gets the existing one and gives the change, or `None` if there is
/// nothing to write. It judges anew each time that others changed the record first.
pub(crate) async fn change<T, E: From<ServiceError>>(
    store: &dyn Store,
    mut existing: Option<Record>,
    mut rounds: Rounds,
    mut judge: impl FnMut(Option<Record>) -> Result<(Option<Change>, T), E> + Send,
) -> Result<T, E> {
    loop {
        rounds.next().await?;
        let (change, result) = judge(existing)?;
        let Some(change) = change else {
            return Ok(result);
        };
        let written = commit_resolving(store, &[change], rounds.max_lost_replies).await;
        match written.map_err(ServiceError::from)? {
            CommitOutcome::Written => return Ok(result),
            CommitOutcome::Conflict { current, .. } => existing = current,
        }
    }
}

/// Writes a batch at most once, even if the reply is lost.
///
/// After a lost reply, others may have changed the written records. A conflict then no longer
/// proves that the batch was not written, so it is never returned for the caller to retry. Either
/// the batch is found to be written, or its effect is unknown, which is an error.
///
/// The records of a batch must carry versions drawn for it: the batch is recognised by them.
pub(crate) async fn commit(
    store: &dyn Store,
    batch: &[Change],
) -> Result<CommitOutcome, StoreError> {
    commit_resolving(store, batch, MAX_LOST_REPLIES).await
}

async fn commit_resolving(
    store: &dyn Store,
    batch: &[Change],
    max_lost_replies: u32,
) -> Result<CommitOutcome, StoreError> {
    debug_assert!(versions_are_unique(batch), "a version stands for one write");
    match store.write(batch).await {
        Ok(Outcome::Written) => Ok(CommitOutcome::Written),
        Ok(Outcome::Conflict { index, current }) => Ok(CommitOutcome::Conflict { index, current }),
        Err(
            unknown @ StoreError::Unavailable {
                effect: Effect::Unknown,
                ..
            },
        ) => {
            for _ in 0..max_lost_replies {
                match resolve_lost_reply(store, batch).await {
                    Ok(true) => return Ok(CommitOutcome::Written),
                    Ok(false) => break,
                    // The store may answer next time. This error says nothing about the first
                    // attempt.
                    Err(_) => {}
                }
            }
            Err(unknown)
        }
        Err(error) => Err(error),
    }
}

/// Whether a batch whose reply was lost was written; `false` if that cannot be determined.
///
/// A batch that expects a version is sent again: versions never return, so it cannot be applied
/// twice. Any other batch is only looked up. Sending it again could insert a record that was
/// removed since, or remove someone else's.
async fn resolve_lost_reply(store: &dyn Store, batch: &[Change]) -> Result<bool, StoreError> {
    let is_guarded = batch.iter().any(|change| expected(change).is_some());
    if is_guarded && store.write(batch).await? == Outcome::Written {
        return Ok(true);
    }
    let keys: Vec<_> = batch.iter().map(|change| change.key().clone()).collect();
    let found = store.get_many(&keys).await?;
    if batch.iter().all(|change| change.record().is_none()) {
        // Removals are complete once nothing is left, whoever removed it.
        return Ok(found.iter().all(Option::is_none));
    }
    // A batch is atomic, so one of its records proves all of it.
    Ok(batch.iter().zip(&found).any(|(change, found)| {
        let (own, found) = (change.record(), found.as_ref());
        own.is_some_and(|own| found.is_some_and(|found| found.version == own.version))
    }))
}

fn expected(change: &Change) -> Option<Version> {
    match change {
        Change::Insert(_) => None,
        Change::Replace { expected, .. } => Some(*expected),
        Change::Remove { expected, .. } => *expected,
    }
}

/// The version that a removal of this record should expect; `None` for a corrupt row, which is
/// removed unconditionally.
pub(crate) fn expected_version(record: &Record) -> Option<Version> {
    Some(record.version).filter(|version| *version != UNREADABLE)
}

/// Whether a batch was refused for its weight: smaller ones may be accepted.
pub(crate) const fn is_too_heavy(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Invalid(RecordError::BatchTooHeavy { .. })
    )
}

/// Whether each new version is distinct from all other versions in the batch.
fn versions_are_unique(batch: &[Change]) -> bool {
    let own = batch.iter().filter_map(Change::record);
    let own: Vec<Version> = own.map(|record| record.version).collect();
    let expected: Vec<Version> = batch.iter().filter_map(expected).collect();
    own.iter().enumerate().all(|(at, version)| {
        let mut others = own.iter().take(at).chain(&expected);
        others.all(|other| other != version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Collection, MemoryStore, RecordKey};

    fn record(body: &[u8]) -> Record {
        let key = RecordKey::new(Collection::from_static("note"), b"id");
        Record::new(key, Version::draw().unwrap(), body.to_vec())
    }

    /// A store with one record.
    async fn store_with(record: &Record) -> MemoryStore {
        let store = MemoryStore::new();
        let inserted = store.write(&[Change::Insert(record.clone())]).await;
        assert_eq!(inserted, Ok(Outcome::Written));
        store
    }

    #[tokio::test]
    async fn a_change_is_judged_again_by_the_record_that_others_wrote() {
        let (outdated, current, new) = (record(b"outdated"), record(b"current"), record(b"new"));
        let store = store_with(&current).await;
        let mut seen = Vec::new();
        let judge = |existing: Option<Record>| {
            let existing = existing.ok_or(ServiceError::Tampered)?;
            seen.push(existing.body);
            let (record, expected) = (new.clone(), existing.version);
            Ok::<_, ServiceError>((Some(Change::Replace { record, expected }), seen.len()))
        };
        let changed = change(&store, Some(outdated), Rounds::default(), judge).await;
        assert_eq!(changed, Ok(2));
        assert_eq!(seen, [b"outdated".to_vec(), b"current".to_vec()]);
        assert_eq!(store.get(&new.key).await, Ok(Some(new)));
    }

    #[tokio::test]
    async fn a_change_with_nothing_to_write_writes_nothing() {
        let current = record(b"current");
        let store = store_with(&current).await;
        let judge = |_| Ok::<_, ServiceError>((None, 7));
        let changed = change(&store, None, Rounds::default(), judge).await;
        assert_eq!(changed, Ok(7));
        assert_eq!(store.get(&current.key).await, Ok(Some(current)));
    }

    #[tokio::test]
    async fn a_change_that_others_always_precede_ends_after_its_rounds() {
        let store = store_with(&record(b"current")).await;
        let mut rounds = 0;
        let judge = |_| {
            rounds += 1;
            let (record, expected) = (record(b"new"), Version::draw()?);
            Ok::<_, ServiceError>((Some(Change::Replace { record, expected }), ()))
        };
        let changed = change(&store, None, Rounds::in_background(), judge).await;
        assert_eq!((changed, rounds), (Err(ServiceError::Contended), 3));
    }
}
