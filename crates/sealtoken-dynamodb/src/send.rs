//! Sending the steps of a write, and what each answer means.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use sealtoken_store::StoreError;

use super::condition::with_condition;
use super::fault::{Fault, Kind, unsendable};
use super::item::{self, Item};
use super::plan::Step;
use super::table::Table;

/// If a condition does not hold, DynamoDB returns the whole item.
const WHOLE: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// The outcome of steps that were sent.
pub(super) enum Answer {
    Done,
    /// A condition did not hold.
    Mismatch(Existing),
    Failed(Fault),
}

/// What exists under the key whose condition did not hold.
pub(super) enum Existing {
    /// It is not known which step failed, or not certain that it is the first that does.
    Unknown,
    /// The first step failed, and there is no item.
    Nothing,
    /// The first step failed, and this item exists.
    Item(Item),
}

impl From<Option<Item>> for Existing {
    fn from(item: Option<Item>) -> Self {
        item.map_or(Self::Nothing, Self::Item)
    }
}

impl Table {
    /// Sends steps once.
    pub(super) async fn send(&self, steps: &[Step], token: &str) -> Result<Answer, StoreError> {
        match steps {
            [Step::Put(item, condition)] => {
                let request = self.client.put_item().table_name(&*self.name);
                let request = request.set_item(Some(item.clone()));
                let request = with_condition!(request, condition, Some(WHOLE));
                let Err(error) = request.send().await else {
                    return Ok(Answer::Done);
                };
                Ok(match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                        Answer::Mismatch(failed.item.clone().into())
                    }
                    _ => Answer::Failed(Fault::of(error)),
                })
            }
            [Step::Delete(key, condition)] => {
                let request = self.client.delete_item().table_name(&*self.name);
                let request = request.set_key(Some(item::key(key.clone())));
                let request = with_condition!(request, condition, Some(WHOLE));
                let Err(error) = request.send().await else {
                    return Ok(Answer::Done);
                };
                Ok(match error.as_service_error() {
                    Some(DeleteItemError::ConditionalCheckFailedException(failed)) => {
                        Answer::Mismatch(failed.item.clone().into())
                    }
                    _ => Answer::Failed(Fault::of(error)),
                })
            }
            _ => self.transact(steps, token).await,
        }
    }

    async fn transact(&self, steps: &[Step], token: &str) -> Result<Answer, StoreError> {
        // If the first step fails, it is the first conflict. If a later one does, those before it
        // are checked again, so its item is not needed.
        let items = steps.iter().enumerate();
        let items = items.map(|(at, step)| operation(step.clone(), &self.name, at == 0));
        let items = items.collect::<Result<Vec<_>, _>>().map_err(unsendable)?;
        let request = self.client.transact_write_items();
        let request = request
            .set_transact_items(Some(items))
            .client_request_token(token);
        let Err(error) = request.send().await else {
            return Ok(Answer::Done);
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        else {
            return Ok(Answer::Failed(Fault::of(error)));
        };
        Ok(of_cancelled(cancelled.cancellation_reasons()))
    }
}

/// A step as an operation of a transaction. With `returns`, it returns the item if its condition
/// does not hold.
fn operation(step: Step, table: &str, returns: bool) -> Result<TransactWriteItem, BuildError> {
    let returned = returns.then_some(WHOLE);
    let operation = TransactWriteItem::builder();
    Ok(match step {
        Step::Put(item, condition) => {
            let put = Put::builder().table_name(table).set_item(Some(item));
            operation.put(with_condition!(put, condition, returned).build()?)
        }
        Step::Delete(key, condition) => {
            let delete = Delete::builder().table_name(table);
            let delete = delete.set_key(Some(item::key(key)));
            operation.delete(with_condition!(delete, condition, returned).build()?)
        }
        Step::Check(key, condition) => {
            let check = ConditionCheck::builder().table_name(table);
            let check = check.set_key(Some(item::key(key)));
            operation.condition_check(with_condition!(check, condition, returned).build()?)
        }
    }
    .build())
}

/// The outcome of a cancelled transaction. A condition that did not hold outweighs the other
/// reasons, and a refusal outweighs what can be retried.
fn of_cancelled(reasons: &[CancellationReason]) -> Answer {
    let mut worst = None;
    for (index, reason) in reasons.iter().enumerate() {
        match reason.code() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => {
                let existing = Existing::from(reason.item.clone());
                return Answer::Mismatch(if index == 0 {
                    existing
                } else {
                    Existing::Unknown
                });
            }
            Some(code) => {
                let fault = Fault::of_code(Some(code), 400);
                if worst.is_none() || fault.kind == Kind::Refused {
                    worst = Some(fault);
                }
            }
        }
    }
    let unnamed = || Fault::new(Kind::Refused, "TransactionCanceledException");
    Answer::Failed(worst.unwrap_or_else(unnamed))
}
