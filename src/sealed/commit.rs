//! A write whose reply may get lost.

use crate::store::{Change, Effect, Outcome, Record, Store, StoreError};

/// What came of a batch.
#[derive(Debug)]
pub(crate) enum Committed {
    /// All of it is there.
    Written,
    /// None of it is: this is there instead of what the change with this index expects.
    Conflict {
        index: usize,
        current: Option<Record>,
    },
}

/// How often a write is sent whose reply was lost.
const SENDINGS: u32 = 3;

/// Writes a batch. Where the reply is lost, the versions that are there tell whether it was done.
///
/// The same batch is sent again then: its records have their versions, so it cannot be done twice, and a conflict with a
/// version of its own means that it was done before.
pub(crate) async fn commit(store: &dyn Store, batch: &[Change]) -> Result<Committed, StoreError> {
    let mut lost = false;
    let mut last = None;
    for _ in 0..SENDINGS {
        match store.write(batch).await {
            Ok(Outcome::Written) => return Ok(Committed::Written),
            Ok(Outcome::Conflict { index, current }) => {
                if lost {
                    // Where nobody can say now whether it was done, it may have been.
                    let there = is_there(store, batch).await;
                    if there.map_err(|_| StoreError::unknown("no reply"))? {
                        return Ok(Committed::Written);
                    }
                }
                return Ok(Committed::Conflict { index, current });
            }
            Err(
                error @ StoreError::Unavailable {
                    effect: Effect::Unknown,
                    ..
                },
            ) => {
                lost = true;
                last = Some(error);
            }
            // What was sent before may have been done, whatever became of this one.
            Err(StoreError::Unavailable { reason, .. }) if lost => {
                last = Some(StoreError::unknown(reason));
            }
            Err(_) if lost => last = Some(StoreError::unknown("no reply")),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| StoreError::unknown("no reply")))
}

/// Whether the batch was done: seen by the first of its records, or by the absence of all that it removes.
async fn is_there(store: &dyn Store, batch: &[Change]) -> Result<bool, StoreError> {
    let written = batch.iter().find_map(|change| match change {
        Change::Insert(record) | Change::Replace { record, .. } => Some(record),
        Change::Remove { .. } => None,
    });
    if let Some(record) = written {
        let there = store.get(&record.key).await?;
        return Ok(there.is_some_and(|there| there.version == record.version));
    }
    let keys: Vec<_> = batch.iter().map(|change| change.key().clone()).collect();
    Ok(store.get_many(&keys).await?.iter().all(Option::is_none))
}
