//! Writing: one item by a conditional write, several by a transaction.
//!
//! A transaction carries a token: DynamoDB runs it once, however often it is sent within ten
//! minutes. A single write has no token and is sent again under the same condition. No version
//! occurs twice, so a replacement or a removal cannot be made twice. An insertion could, if the
//! record was removed in between: it is sent again only if no attempt can have succeeded.
//!
//! If the condition fails after a reply was lost, the version shows whether an earlier attempt
//! succeeded. Another version shows nothing: the earlier attempt may have come before it, or may
//! still be on its way.

use std::collections::HashMap;

use sealtoken_store::engine::matches;
use sealtoken_store::{Change, Outcome, Record, RecordKey, StoreError, Version};

use super::condition::Condition;
use super::fault::{Fault, Kind};
use super::item::{self, Item};
use super::layout::{self, ItemKey};
use super::plan::{self, Plan, Step};
use super::read::Part;
use super::retry::Attempts;
use super::send::{Answer, Existing};
use super::table::Table;

impl Table {
    pub(super) async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        if batch.is_empty() {
            return Ok(Outcome::Written);
        }
        let mut attempts = Attempts::writing(self.attempts);
        loop {
            let fault = match plan::plan(batch, &self.existing(batch).await?)? {
                Plan::Done => return Ok(Outcome::Written),
                Plan::Mismatch => match self.conflict(batch).await? {
                    Some(conflict) => return Ok(conflict),
                    None => Fault::contended(),
                },
                Plan::Steps(steps) => match self.run(&steps, &mut attempts).await? {
                    Answer::Done => return Ok(Outcome::Written),
                    Answer::Failed(fault) => fault,
                    Answer::Mismatch(existing) => {
                        let outcome = self.outcome(batch, existing, &attempts).await;
                        let doubt = attempts.is_in_doubt();
                        match outcome.map_err(|error| error.maybe_done(doubt))? {
                            Some(outcome) => return Ok(outcome),
                            None => Fault::contended(),
                        }
                    }
                },
            };
            // All changes match now: another writer interfered.
            attempts.again(fault).await?;
        }
    }

    /// The existing items of the records that a batch replaces or removes: their labels go too.
    async fn existing(&self, batch: &[Change]) -> Result<HashMap<ItemKey, Item>, StoreError> {
        let changed = batch
            .iter()
            .filter(|change| !matches!(change, Change::Insert(_)));
        let keys: Vec<RecordKey> = changed.map(|change| change.key().clone()).collect();
        self.items(&keys, Part::Head).await
    }

    /// Sends steps until their outcome is known. Contention is an outcome too, but not while an
    /// attempt is in doubt: other steps could then be made in addition to these.
    pub(super) async fn run(
        &self,
        steps: &[Step],
        attempts: &mut Attempts,
    ) -> Result<Answer, StoreError> {
        let token = token()?;
        loop {
            match self.send(steps, &token).await? {
                Answer::Failed(fault)
                    if fault.kind == Kind::Contended && !attempts.is_in_doubt() =>
                {
                    return Ok(Answer::Failed(fault));
                }
                Answer::Failed(fault) => attempts.again(fault).await?,
                answer => return Ok(answer),
            }
            // Sent again, it could undo what another call has done since.
            let is_unguarded = matches!(
                steps,
                [Step::Put(_, Condition::Absent) | Step::Delete(_, Condition::Exists)]
            );
            if is_unguarded && attempts.is_in_doubt() {
                return Ok(Answer::Mismatch(Existing::Unknown));
            }
        }
    }

    /// The outcome of a batch whose condition did not hold; `None` if all changes match now.
    async fn outcome(
        &self,
        batch: &[Change],
        existing: Existing,
        attempts: &Attempts,
    ) -> Result<Option<Outcome>, StoreError> {
        if attempts.is_in_doubt() {
            // A removal is done if nothing is left.
            let gone = matches!(
                (batch, &existing),
                ([Change::Remove { .. }], Existing::Nothing)
            );
            if gone || self.is_written(batch).await? {
                return Ok(Some(Outcome::Written));
            }
            // It may have been written and then overwritten; or it may still be on its way.
            return Err(StoreError::unknown("the reply was lost"));
        }
        let item = match existing {
            Existing::Unknown => return self.conflict(batch).await,
            Existing::Nothing => None,
            Existing::Item(item) => Some(item),
        };
        if let Some(change) = batch.first()
            && let Some(conflict) = mismatch(change, 0, item)
        {
            return Ok(Some(conflict));
        }
        self.conflict(batch).await
    }

    /// Whether a record of the batch exists. No other write has its version.
    async fn is_written(&self, batch: &[Change]) -> Result<bool, StoreError> {
        let records: Vec<&Record> = batch.iter().filter_map(Change::record).collect();
        let keys: Vec<RecordKey> = records.iter().map(|record| record.key.clone()).collect();
        let items = self.items(&keys, Part::Head).await?;
        Ok(records.iter().any(|record| {
            let item = items.get(&layout::record(&record.key));
            item.is_some_and(|item| item::version(item) == Ok(record.version))
        }))
    }

    /// The first change that does not match the existing record.
    async fn conflict(&self, batch: &[Change]) -> Result<Option<Outcome>, StoreError> {
        let keys: Vec<RecordKey> = batch.iter().map(|change| change.key().clone()).collect();
        let items = match &keys[..] {
            // The record is read next anyway.
            [_] => None,
            _ => Some(self.items(&keys, Part::Head).await?),
        };
        for (index, change) in batch.iter().enumerate() {
            if let Some(items) = &items
                && is_match(change, items.get(&layout::record(change.key())))
            {
                continue;
            }
            let item = self.item(change.key(), Part::Current).await?;
            if let Some(conflict) = mismatch(change, index, item) {
                return Ok(Some(conflict));
            }
        }
        Ok(None)
    }
}

/// Whether a change can be made, given this existing item.
fn is_match(change: &Change, existing: Option<&Item>) -> bool {
    matches(change, existing.map(item::version))
}

fn mismatch(change: &Change, index: usize, existing: Option<Item>) -> Option<Outcome> {
    if is_match(change, existing.as_ref()) {
        return None;
    }
    let current = existing.map(|item| item::readable(item, change.key().clone()));
    Some(Outcome::Conflict { index, current })
}

/// A token that no other transaction has, drawn as versions are.
fn token() -> Result<String, StoreError> {
    let drawn = u128::from_be_bytes(*Version::draw()?.as_bytes());
    Ok(format!("{drawn:032x}"))
}
