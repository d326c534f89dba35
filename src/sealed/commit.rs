//! A write whose reply may get lost.

use crate::store::{Change, Effect, Outcome, Record, Store, StoreError, Version};

/// What came of a batch.
#[derive(Debug)]
pub(crate) enum Committed {
    /// All of it was written.
    Written,
    /// None of it was: this is there instead of what the change with this index expects.
    Conflict {
        index: usize,
        current: Option<Record>,
    },
}

/// The version of a record whose row an engine cannot read. None was ever drawn, and none can be
/// expected.
const UNREADABLE: Version = Version::from_bytes([0; 16]);

/// How often it is tried to find out what became of a batch whose reply was lost.
const TRIES: u32 = 2;

/// Writes a batch. Where the reply is lost, it is done at most once all the same.
///
/// From then on others may have changed what the batch wrote. So a conflict no longer says that it was not written, and is never returned for
/// the caller to begin again: either the batch is seen to be done, or the effect is unknown, which is an error.
///
/// The records of a batch must have versions that were drawn for it: it is by these that it is recognised.
pub(crate) async fn commit(store: &dyn Store, batch: &[Change]) -> Result<Committed, StoreError> {
    debug_assert!(
        has_its_own_versions(batch),
        "a version stands for one write"
    );
    match store.write(batch).await {
        Ok(Outcome::Written) => Ok(Committed::Written),
        Ok(Outcome::Conflict { index, current }) => Ok(Committed::Conflict { index, current }),
        Err(StoreError::Unavailable {
            effect: Effect::Unknown,
            reason,
        }) => {
            for _ in 0..TRIES {
                match find_out(store, batch).await {
                    Ok(true) => return Ok(Committed::Written),
                    Ok(false) => break,
                    // Perhaps the store answers the next time. What it says of itself now says nothing of the first sending.
                    Err(_) => {}
                }
            }
            Err(StoreError::unknown(reason))
        }
        Err(error) => Err(error),
    }
}

/// Whether a batch is done whose reply was lost; `false` where nobody can tell.
///
/// A batch that expects a version is sent again: no version returns, so it cannot be done twice. Any other is only looked for: its record may
/// have been inserted and removed since, and what it would remove now may be somebody else's.
async fn find_out(store: &dyn Store, batch: &[Change]) -> Result<bool, StoreError> {
    let is_guarded = batch.iter().any(|change| expected(change).is_some());
    if is_guarded && store.write(batch).await? == Outcome::Written {
        return Ok(true);
    }
    let keys: Vec<_> = batch.iter().map(|change| change.key().clone()).collect();
    let there = store.get_many(&keys).await?;
    if batch.iter().all(|change| change.record().is_none()) {
        // Removals are done where nothing is left, whoever did it.
        return Ok(there.iter().all(Option::is_none));
    }
    // A batch is written as a whole, so one of its records stands for all.
    Ok(batch.iter().zip(&there).any(|(change, there)| {
        let (own, there) = (change.record(), there.as_ref());
        own.is_some_and(|own| there.is_some_and(|there| there.version == own.version))
    }))
}

fn expected(change: &Change) -> Option<Version> {
    match change {
        Change::Insert(_) => None,
        Change::Replace { expected, .. } => Some(*expected),
        Change::Remove { expected, .. } => *expected,
    }
}

/// The version that a removal of this record expects. A row that an engine cannot read has none: it
/// goes, whatever is there.
pub(crate) fn expectable(record: &Record) -> Option<Version> {
    Some(record.version).filter(|version| *version != UNREADABLE)
}

/// Whether no version of the batch stands for another write, too, as far as the batch shows it.
fn has_its_own_versions(batch: &[Change]) -> bool {
    let own = batch.iter().filter_map(Change::record);
    let own: Vec<Version> = own.map(|record| record.version).collect();
    let expected: Vec<Version> = batch.iter().filter_map(expected).collect();
    own.iter().enumerate().all(|(at, version)| {
        let mut others = own.iter().take(at).chain(&expected);
        others.all(|other| other != version)
    })
}
