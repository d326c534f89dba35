//! A table, and the client that reaches it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use sealtoken_store::StoreError;

use super::fault::Fault;
use super::retry::Attempts;

/// A table, and how requests to it are sent. Clones share the client.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: Arc<str>,
    /// Whether reads see all changes that were acknowledged before.
    pub(super) consistent: bool,
    /// How often a request is sent.
    pub(super) attempts: u32,
}

impl Table {
    /// Sends a request that changes nothing until it is answered, a bounded number of times.
    pub(super) async fn ask<T, E, F>(&self, request: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let mut attempts = Attempts::reading(self.attempts);
        loop {
            match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.again(Fault::of(error)).await?,
            }
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("consistent_reads", &self.consistent)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
