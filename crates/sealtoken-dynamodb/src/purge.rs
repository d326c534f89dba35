//! Removing what is due.
//!
//! What is due is found by the index, which may lag behind the table; whether it still is, is a condition of its removal. All that the index names goes,
//! whoever wrote it: what stayed would stand in front of the rest at each call.
//!
//! DynamoDB removes what is due of its own accord, too, some hours or days later, at no cost: a purge is for those who cannot wait, and for what lies more
//! than five years back, which DynamoDB leaves.

use sealtoken_store::{Collection, RecordKey, StoreError};
use sealtoken_time::UnixTime;

use super::DynamoStore;
use super::item::{self, Item};
use super::layout::{self, BUCKETS, Place};
use super::plan::{self, Condition, Step};
use super::read::Part;
use super::retry::Attempts;
use super::scan::count;
use super::span::rest;
use super::table;
use super::write::{Answer, Found};

/// So many are looked up at once, and taken away in a few transactions.
const PART: u32 = 100;

impl DynamoStore {
    pub(super) async fn sweep(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut removed: u32 = 0;
        for bucket in 0..BUCKETS {
            let mut start = None;
            while removed < limit {
                let most = limit.saturating_sub(removed).min(PART);
                let found = self.due(collection, bucket, before, most, start).await;
                let (due, next) = found.map_err(|error| after(removed, error))?;
                for stray in due.strays {
                    let listed = Condition::Listed(layout::due(collection, bucket), before);
                    let gone = self
                        .remove_together(&[vec![Step::Delete(stray, listed)]])
                        .await;
                    if gone.map_err(|error| after(removed, error))? {
                        removed = removed.saturating_add(1);
                    }
                }
                let gone = self.remove(&due.keys, before).await;
                let gone = gone.map_err(|error| after(removed, error))?;
                removed = removed.saturating_add(gone);
                start = next;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(removed)
    }

    /// Some of a bucket that is due, and where the rest begins.
    async fn due(
        &self,
        collection: &Collection,
        bucket: u8,
        before: UnixTime,
        most: u32,
        start: Option<Item>,
    ) -> Result<(Due, Option<Item>), StoreError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let request = self.shared.client.query();
        let request = request
            .table_name(&self.shared.table)
            .index_name(table::INDEX)
            .key_condition_expression("#g = :g AND #u < :u")
            .expression_attribute_names("#g", item::DUE)
            .expression_attribute_names("#u", item::PURGE_AT)
            .expression_attribute_values(":g", item::bytes(layout::due(collection, bucket)))
            .expression_attribute_values(":u", item::number(before.as_secs()))
            .set_exclusive_start_key(start)
            .limit(count(most));
        let answer = self.ask(|| request.clone().send()).await?;
        let mut due = Due::default();
        for place in answer.items.iter().flatten().filter_map(item::place) {
            let key = RecordKey::new(collection.clone(), &*place.sort);
            if key.check().is_ok() && layout::record(&key) == place {
                due.keys.push(key);
            } else {
                due.strays.push(place);
            }
        }
        Ok((due, rest(answer.last_evaluated_key)))
    }

    /// Removes what is due of these, and tells how many there were.
    async fn remove(&self, keys: &[RecordKey], before: UnixTime) -> Result<u32, StoreError> {
        let there = self.items(keys, Part::Head, true).await?;
        let due: Vec<(&RecordKey, &Item)> = keys
            .iter()
            .filter_map(|key| Some((key, there.get(&layout::record(key))?)))
            .filter(|(_, item)| is_due(item, before))
            .collect();
        let mut removed: u32 = 0;
        let mut batch: Vec<Vec<Step>> = Vec::new();
        let most = Self::LIMITS.max_batch;
        for (key, item) in due {
            let steps = plan::removal(key, item, before);
            let filled: usize = batch.iter().map(Vec::len).sum();
            if filled.saturating_add(steps.len()) > most {
                let gone = self.remove_all(std::mem::take(&mut batch)).await;
                removed = removed.saturating_add(gone.map_err(|error| after(removed, error))?);
            }
            batch.push(steps);
        }
        let gone = self.remove_all(batch).await;
        Ok(removed.saturating_add(gone.map_err(|error| after(removed, error))?))
    }

    /// Removes these together; where one of them was changed meanwhile, one by one, and that one not.
    async fn remove_all(&self, batch: Vec<Vec<Step>>) -> Result<u32, StoreError> {
        let together = self.remove_together(&batch).await?;
        if together || batch.len() == 1 {
            let removed = if together { batch.len() } else { 0 };
            return Ok(u32::try_from(removed).unwrap_or(u32::MAX));
        }
        let mut removed: u32 = 0;
        for steps in batch {
            let gone = self.remove_together(&[steps]).await;
            if gone.map_err(|error| after(removed, error))? {
                removed = removed.saturating_add(1);
            }
        }
        Ok(removed)
    }

    /// Whether all of these were removed; otherwise none was.
    async fn remove_together(&self, batch: &[Vec<Step>]) -> Result<bool, StoreError> {
        if batch.is_empty() {
            return Ok(true);
        }
        let mut attempts = Attempts::writing(self.shared.attempts);
        let answer = self.carry_out(&batch.concat(), &mut attempts).await?;
        // A lone removal whose reply was lost, and that finds nothing left, was done. Of several, one may be gone for another reason.
        Ok(match answer {
            Answer::Done => true,
            Answer::Misfit(Found::Nothing) => batch.len() == 1 && attempts.is_in_doubt(),
            Answer::Misfit(_) | Answer::Failed(_) => false,
        })
    }
}

/// What the index says is due.
#[derive(Default)]
struct Due {
    keys: Vec<RecordKey>,
    /// Where a stranger's items lie that say so, and are no records. They go one by one: one may be the label of a record, and no
    /// transaction names an item twice.
    strays: Vec<Place>,
}

/// A moment that cannot be read is one that DynamoDB compares.
fn is_due(item: &Item, before: UnixTime) -> bool {
    item::purge_at(item).map_or(true, |at| at.is_some_and(|at| at < before))
}

/// The error of a part, behind what others removed.
fn after(removed: u32, error: StoreError) -> StoreError {
    if removed > 0 {
        error.after_some()
    } else {
        error
    }
}
