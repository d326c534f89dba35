//! Writing: one item by a conditional write, several by a transaction.
//!
//! A transaction carries a token: DynamoDB does it once, however often it is sent within ten minutes. A lone write has none, and is sent again
//! under the same condition. No version returns, so a replacement or removal cannot be done twice. An insertion could, if the record was removed
//! meanwhile: it is sent again only where no sending can have been done.
//!
//! Where either does not fit any more after a reply was lost, the version that is there tells whether an earlier sending took its place. Another
//! one tells nothing: an earlier sending may have come before it, or may come yet.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use sealtoken_store::{Change, Outcome, Record, RecordKey, StoreError};

use super::DynamoStore;
use super::fault::Fault;
use super::item::{self, Item};
use super::layout::{self, Place};
use super::plan::{self, Condition, Planned, SHOWN, Step};
use super::read::{self, Part};
use super::retry::Attempts;

/// What came of steps that were sent.
pub(super) enum Answer {
    Done,
    /// A condition did not hold.
    Misfit(Found),
    Failed(Fault),
}

/// What a condition found that did not hold.
pub(super) enum Found {
    /// It is not said of which step it was, or not certain that it is the first.
    Unsaid,
    /// It was the first step's, and there is no item.
    Nothing,
    /// It was the first step's, and this is there.
    Item(Item),
}

impl From<Option<Item>> for Found {
    fn from(item: Option<Item>) -> Self {
        item.map_or(Self::Nothing, Self::Item)
    }
}

impl DynamoStore {
    pub(super) async fn change(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        if batch.is_empty() {
            return Ok(Outcome::Written);
        }
        let mut attempts = Attempts::writing(self.shared.attempts);
        loop {
            let contended = match plan::plan(batch, &self.before(batch).await?)? {
                Planned::Done => return Ok(Outcome::Written),
                Planned::Misfit => match self.judge(batch).await? {
                    Some(conflict) => return Ok(conflict),
                    None => Fault::Contended(FASTER.to_owned()),
                },
                Planned::Steps(steps) => match self.carry_out(&steps, &mut attempts).await? {
                    Answer::Done => return Ok(Outcome::Written),
                    Answer::Failed(fault) => fault,
                    Answer::Misfit(found) => {
                        let settled = self.settle(batch, found, &attempts).await;
                        match settled.map_err(|error| attempts.not_told(error))? {
                            Some(outcome) => return Ok(outcome),
                            None => Fault::Contended(FASTER.to_owned()),
                        }
                    }
                },
            };
            // All of it fits what is there now: it was another writer who was there meanwhile.
            attempts.again(contended).await?;
        }
    }

    /// What there is of the records that a batch replaces or removes: their labels go with them.
    async fn before(&self, batch: &[Change]) -> Result<HashMap<Place, Item>, StoreError> {
        let changed = batch
            .iter()
            .filter(|change| !matches!(change, Change::Insert(_)));
        let keys: Vec<RecordKey> = changed.map(|change| change.key().clone()).collect();
        self.items(&keys, Part::Head, true).await
    }

    /// Sends the steps until it is known what became of them. Where others were at the same items, that is the answer,
    /// but not while it is in doubt whether they were done: other steps would be sent beside these.
    pub(super) async fn carry_out(
        &self,
        steps: &[Step],
        attempts: &mut Attempts,
    ) -> Result<Answer, StoreError> {
        let token = token()?;
        loop {
            match self.send(steps, &token).await? {
                Answer::Failed(Fault::Contended(reason)) if !attempts.is_in_doubt() => {
                    return Ok(Answer::Failed(Fault::Contended(reason)));
                }
                Answer::Failed(fault) => attempts.again(fault).await?,
                answer => return Ok(answer),
            }
            if let ([Step::Put(_, Condition::Absent)], true) = (steps, attempts.is_in_doubt()) {
                return Ok(Answer::Misfit(Found::Unsaid));
            }
        }
    }

    /// What a condition that did not hold comes to: nothing, where all of it fits what is there now.
    async fn settle(
        &self,
        batch: &[Change],
        found: Found,
        attempts: &Attempts,
    ) -> Result<Option<Outcome>, StoreError> {
        if attempts.is_in_doubt() {
            // What was to be gone is, too.
            let gone = matches!((batch, &found), ([Change::Remove { .. }], Found::Nothing));
            if gone || self.is_ours(batch).await? {
                return Ok(Some(Outcome::Written));
            }
            // It may have been done, and another write after it; or it is still on its way, and is done once that is gone.
            return Err(StoreError::unknown("the reply was lost"));
        }
        let item = match found {
            Found::Unsaid => return self.judge(batch).await,
            Found::Nothing => None,
            Found::Item(item) => Some(item),
        };
        if let Some(change) = batch.first()
            && let Some(conflict) = misfit(change, 0, item)
        {
            return Ok(Some(conflict));
        }
        self.judge(batch).await
    }

    /// Whether what the batch puts there is there. No other write has its versions.
    async fn is_ours(&self, batch: &[Change]) -> Result<bool, StoreError> {
        let put = batch.iter().filter_map(|change| match change {
            Change::Insert(record) | Change::Replace { record, .. } => Some(record),
            Change::Remove { .. } => None,
        });
        let put: Vec<&Record> = put.collect();
        let keys: Vec<RecordKey> = put.iter().map(|record| record.key.clone()).collect();
        let there = self.items(&keys, Part::Head, true).await?;
        Ok(put.iter().any(|record| {
            let item = there.get(&layout::record(&record.key));
            item.is_some_and(|item| item::version(item) == Ok(record.version))
        }))
    }

    /// The first change that does not fit what is there.
    async fn judge(&self, batch: &[Change]) -> Result<Option<Outcome>, StoreError> {
        let keys: Vec<RecordKey> = batch.iter().map(|change| change.key().clone()).collect();
        let there = match &keys[..] {
            // The record is what is asked for next.
            [_] => None,
            _ => Some(self.items(&keys, Part::Head, true).await?),
        };
        for (index, change) in batch.iter().enumerate() {
            if let Some(there) = &there
                && fits(change, there.get(&layout::record(change.key())))
            {
                continue;
            }
            let item = self.item(change.key(), Part::Whole, true).await?;
            if let Some(conflict) = misfit(change, index, item) {
                return Ok(Some(conflict));
            }
        }
        Ok(None)
    }

    /// Sends the steps once.
    async fn send(&self, steps: &[Step], token: &str) -> Result<Answer, StoreError> {
        match steps {
            [Step::Put(item, condition)] => {
                let when = condition.expression();
                let request = self.shared.client.put_item();
                let request = request
                    .table_name(&self.shared.table)
                    .set_item(Some(item.clone()))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .return_values_on_condition_check_failure(SHOWN);
                let Err(error) = request.send().await else {
                    return Ok(Answer::Done);
                };
                Ok(match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                        Answer::Misfit(failed.item.clone().into())
                    }
                    _ => Answer::Failed(Fault::of(&error)),
                })
            }
            [Step::Delete(place, condition)] => {
                let when = condition.expression();
                let request = self.shared.client.delete_item();
                let request = request
                    .table_name(&self.shared.table)
                    .set_key(Some(item::key(place.clone())))
                    .set_condition_expression(when.text)
                    .set_expression_attribute_names(when.names)
                    .set_expression_attribute_values(when.values)
                    .return_values_on_condition_check_failure(SHOWN);
                let Err(error) = request.send().await else {
                    return Ok(Answer::Done);
                };
                Ok(match error.as_service_error() {
                    Some(DeleteItemError::ConditionalCheckFailedException(failed)) => {
                        Answer::Misfit(failed.item.clone().into())
                    }
                    _ => Answer::Failed(Fault::of(&error)),
                })
            }
            _ => self.transact(steps, token).await,
        }
    }

    async fn transact(&self, steps: &[Step], token: &str) -> Result<Answer, StoreError> {
        let table = &self.shared.table;
        // A conflict at the first step is the first one there is. For one behind it, all that stands before is looked at again.
        let items = steps.iter().enumerate();
        let items = items.map(|(at, step)| step.clone().in_transaction(table, at == 0));
        let items = items.collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|_| read::unsendable())?;
        let request = self.shared.client.transact_write_items();
        let request = request
            .set_transact_items(Some(items))
            .client_request_token(token);
        let Err(error) = request.send().await else {
            return Ok(Answer::Done);
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        else {
            return Ok(Answer::Failed(Fault::of(&error)));
        };
        Ok(of_cancelled(cancelled.cancellation_reasons()))
    }
}

/// Why a transaction was cancelled. A condition that does not hold outweighs the rest, and what cannot be helped what can.
fn of_cancelled(reasons: &[CancellationReason]) -> Answer {
    let mut worst = None;
    for (index, reason) in reasons.iter().enumerate() {
        match reason.code() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => {
                let found = Found::from(reason.item.clone());
                return Answer::Misfit(if index == 0 { found } else { Found::Unsaid });
            }
            Some(code) => {
                let fault = Fault::of_code(Some(code), 400);
                if worst.is_none() || matches!(fault, Fault::Refused(_)) {
                    worst = Some(fault);
                }
            }
        }
    }
    let unnamed = || Fault::Refused("TransactionCanceledException".to_owned());
    Answer::Failed(worst.unwrap_or_else(unnamed))
}

const FASTER: &str = "other writers were faster each time";

/// Whether a change can be made where this item is.
fn fits(change: &Change, there: Option<&Item>) -> bool {
    match there.map(item::version).transpose() {
        Ok(version) => change.fits(version),
        Err(_) => change.fits_broken(),
    }
}

fn misfit(change: &Change, index: usize, there: Option<Item>) -> Option<Outcome> {
    if fits(change, there.as_ref()) {
        return None;
    }
    let current = there.map(|item| item::readable(item, change.key().clone()));
    Some(Outcome::Conflict { index, current })
}

/// A token that no other transaction has.
fn token() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Randomness)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
