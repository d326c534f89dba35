//! PostgreSQL, in builds without it.

use std::sync::Arc;

use sealtoken::store::{Migration, Store};

use crate::failure::Failure;

#[expect(clippy::unused_async, reason = "it is async in builds with it")]
pub(super) async fn open(_: &str, _: bool) -> Result<Arc<dyn Store>, Failure> {
    Err(missing())
}

pub(super) fn schema() -> Result<&'static [Migration], Failure> {
    Err(missing())
}

fn missing() -> Failure {
    Failure::Problem("this build has no PostgreSQL: install it with cargo install sealtoken-cli --features postgres".into())
}
