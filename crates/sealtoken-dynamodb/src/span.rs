//! Rows of one partition.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use sealtoken_store::StoreError;
use tokio::task::JoinSet;

use super::item::{self, Item};
use super::table::Table;

/// Rows of one partition, in the order of their sort keys.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) partition: Vec<u8>,
    pub(super) rows: Rows,
}

/// Which rows of the partition.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    All,
    /// Those after this sort key.
    After(Vec<u8>),
    /// From one sort key to another, both inclusive. DynamoDB refuses a range that ends before it
    /// begins.
    Between(Vec<u8>, Vec<u8>),
}

impl Table {
    /// The query of a span, to which a limit and a start can be added.
    pub(super) fn query(&self, span: &Span) -> QueryFluentBuilder {
        let (condition, from, until) = match &span.rows {
            Rows::All => ("#p = :p", None, None),
            Rows::After(from) => ("#p = :p AND #s > :s", Some(from), None),
            Rows::Between(from, until) => {
                let condition = "#p = :p AND #s BETWEEN :s AND :u";
                (condition, Some(from), Some(until))
            }
        };
        let mut request = self
            .client
            .query()
            .table_name(&*self.name)
            .consistent_read(self.consistent)
            .key_condition_expression(condition)
            .expression_attribute_names("#p", item::PARTITION)
            .expression_attribute_values(":p", item::bytes(span.partition.clone()));
        if let Some(from) = from {
            request = request
                .expression_attribute_names("#s", item::SORT)
                .expression_attribute_values(":s", item::bytes(from.clone()));
        }
        if let Some(until) = until {
            request = request.expression_attribute_values(":u", item::bytes(until.clone()));
        }
        request
    }

    /// The number of rows in a span.
    pub(super) async fn count_rows(&self, span: &Span) -> Result<u64, StoreError> {
        let mut request = self.query(span).select(Select::Count);
        let mut count: u64 = 0;
        loop {
            let answer = self.ask(|| request.clone().send()).await?;
            let more = u64::try_from(answer.count).map_err(|_| StoreError::Corrupt)?;
            count = count.saturating_add(more);
            match next_key(answer.last_evaluated_key) {
                Some(key) => request = request.set_exclusive_start_key(Some(key)),
                None => return Ok(count),
            }
        }
    }
}

/// The key at which a query continues, if it does.
pub(super) fn next_key(key: Option<HashMap<String, AttributeValue>>) -> Option<Item> {
    key.filter(|key| !key.is_empty())
}

/// A limit as DynamoDB takes it.
pub(super) fn as_limit(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Runs jobs concurrently and returns their results in order. Dropping this stops the jobs.
pub(super) async fn concurrently<T, F>(jobs: impl Iterator<Item = F>) -> Result<Vec<T>, StoreError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let mut running = JoinSet::new();
    for (at, job) in jobs.enumerate() {
        running.spawn(async move { (at, job.await) });
    }
    let mut done = Vec::with_capacity(running.len());
    while let Some(ended) = running.join_next().await {
        let (at, result) = ended
            .map_err(|error| StoreError::unavailable("a task was stopped").with_source(error))?;
        done.push((at, result?));
    }
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
