//! DynamoDB, in builds without it.

use std::sync::Arc;

use sealtoken::store::Store;

use crate::args::Template;
use crate::failure::Failure;

#[expect(clippy::unused_async, reason = "it is async in builds with it")]
pub(super) async fn open(_: &str) -> Result<Arc<dyn Store>, Failure> {
    Err(missing())
}

#[expect(clippy::unused_async, reason = "it is async in builds with it")]
pub(super) async fn create(_: &str) -> Result<(), Failure> {
    Err(missing())
}

pub(super) fn template(_: Template, _: &str) -> Result<String, Failure> {
    Err(missing())
}

fn missing() -> Failure {
    Failure::Problem("this build has no DynamoDB: install it with cargo install sealtoken-cli --features dynamodb".into())
}
