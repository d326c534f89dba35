//! Writes a batch at most once, even if the store's reply is lost.

use crate::store::{Change, Effect, Outcome, Record, Store, StoreError, Version};

use super::retry::MAX_LOST_REPLIES;

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
            for _ in 0..MAX_LOST_REPLIES {
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
