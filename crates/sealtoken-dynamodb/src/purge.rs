//! Removing records that are due.
//!
//! An index finds them. It may lag behind the table, so each removal is conditional on the record
//! still being due. Everything that the index names is removed, whoever wrote it: anything left
//! would block the rest at each call.
//!
//! DynamoDB itself removes what is due too, some hours or days later, at no cost. A purge is for
//! those who cannot wait, and for what was due more than five years ago, which DynamoDB keeps.

use sealtoken_store::engine::check_key;
use sealtoken_store::{Collection, RecordKey, StoreError};
use sealtoken_time::UnixTime;

use super::condition::Condition;
use super::item::{self, Item, LIMITS};
use super::layout::{self, BUCKETS, ItemKey};
use super::plan::{self, Step};
use super::read::Part;
use super::retry::Attempts;
use super::send::{Answer, Existing};
use super::shape;
use super::span::{as_limit, next_key};
use super::table::Table;

/// How many records are looked up at once, to be removed in a few transactions.
const CHUNK: u32 = 100;

impl Table {
    pub(super) async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut removed: u32 = 0;
        for bucket in 0..BUCKETS {
            let mut start = None;
            while removed < limit {
                let chunk = limit.saturating_sub(removed).min(CHUNK);
                let found = self.due(collection, bucket, before, chunk, start).await;
                let (due, next) = found.map_err(|error| error.maybe_done(removed > 0))?;
                for stray in due.strays {
                    let listed = Condition::Listed(layout::due(collection, bucket), before);
                    let gone = self
                        .remove_together(&[vec![Step::Delete(stray, listed)]])
                        .await;
                    if gone.map_err(|error| error.maybe_done(removed > 0))? {
                        removed = removed.saturating_add(1);
                    }
                }
                let gone = self.remove(&due.keys, before).await;
                let gone = gone.map_err(|error| error.maybe_done(removed > 0))?;
                removed = removed.saturating_add(gone);
                start = next;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(removed)
    }

    /// Some items of a bucket that are due, and where the rest begins.
    async fn due(
        &self,
        collection: &Collection,
        bucket: u8,
        before: UnixTime,
        chunk: u32,
        start: Option<Item>,
    ) -> Result<(Due, Option<Item>), StoreError> {
        let chunk = usize::try_from(chunk).unwrap_or(usize::MAX);
        let request = self.client.query();
        let request = request
            .table_name(&*self.name)
            .index_name(shape::INDEX)
            .key_condition_expression("#g = :g AND #u < :u")
            .expression_attribute_names("#g", item::DUE)
            .expression_attribute_names("#u", item::PURGE_AT)
            .expression_attribute_values(":g", item::bytes(layout::due(collection, bucket)))
            .expression_attribute_values(":u", item::number(before.as_secs()))
            .set_exclusive_start_key(start)
            .limit(as_limit(chunk));
        let answer = self.ask(|| request.clone().send()).await?;
        let mut due = Due::default();
        for item_key in answer.items.iter().flatten().filter_map(item::key_of) {
            let key = RecordKey::new(collection.clone(), &*item_key.sort);
            if check_key(&key).is_ok() && layout::record(&key) == item_key {
                due.keys.push(key);
            } else {
                due.strays.push(item_key);
            }
        }
        Ok((due, next_key(answer.last_evaluated_key)))
    }

    /// Removes the records that are still due, and returns how many.
    async fn remove(&self, keys: &[RecordKey], before: UnixTime) -> Result<u32, StoreError> {
        let items = self.items(keys, Part::Head).await?;
        let due: Vec<(&RecordKey, &Item)> = keys
            .iter()
            .filter_map(|key| Some((key, items.get(&layout::record(key))?)))
            .filter(|(_, item)| is_due(item, before))
            .collect();
        let mut removed: u32 = 0;
        let mut batch: Vec<Vec<Step>> = Vec::new();
        for (key, item) in due {
            let steps = plan::removal(key, item, before);
            let filled: usize = batch.iter().map(Vec::len).sum();
            if filled.saturating_add(steps.len()) > LIMITS.max_batch {
                let gone = self.remove_all(std::mem::take(&mut batch)).await;
                removed =
                    removed.saturating_add(gone.map_err(|error| error.maybe_done(removed > 0))?);
            }
            batch.push(steps);
        }
        let gone = self.remove_all(batch).await;
        Ok(removed.saturating_add(gone.map_err(|error| error.maybe_done(removed > 0))?))
    }

    /// Removes records together. If one of them was changed, removes the others one by one.
    async fn remove_all(&self, batch: Vec<Vec<Step>>) -> Result<u32, StoreError> {
        let together = self.remove_together(&batch).await?;
        if together || batch.len() == 1 {
            let removed = if together { batch.len() } else { 0 };
            return Ok(u32::try_from(removed).unwrap_or(u32::MAX));
        }
        let mut removed: u32 = 0;
        for steps in batch {
            let gone = self.remove_together(&[steps]).await;
            if gone.map_err(|error| error.maybe_done(removed > 0))? {
                removed = removed.saturating_add(1);
            }
        }
        Ok(removed)
    }

    /// Whether all records were removed; otherwise none was.
    async fn remove_together(&self, batch: &[Vec<Step>]) -> Result<bool, StoreError> {
        if batch.is_empty() {
            return Ok(true);
        }
        let mut attempts = Attempts::writing(self.attempts);
        let answer = self.run(&batch.concat(), &mut attempts).await?;
        // If the reply to a single removal was lost and nothing is left, it was done. Of several
        // records, one may be gone for another reason.
        Ok(match answer {
            Answer::Done => true,
            Answer::Mismatch(Existing::Nothing) => batch.len() == 1 && attempts.is_in_doubt(),
            Answer::Mismatch(_) | Answer::Failed(_) => false,
        })
    }
}

/// The items that the index says are due.
#[derive(Default)]
struct Due {
    keys: Vec<RecordKey>,
    /// Items of an attacker that are no records. They are removed one by one: one may be the label
    /// of a record, and a transaction must not name an item twice.
    strays: Vec<ItemKey>,
}

/// If the moment cannot be read, DynamoDB compares it.
fn is_due(item: &Item, before: UnixTime) -> bool {
    item::purge_at(item).map_or(true, |at| at.is_some_and(|at| at < before))
}
