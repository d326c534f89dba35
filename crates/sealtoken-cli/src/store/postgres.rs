//! PostgreSQL, in builds with its feature.

use std::sync::Arc;

use sealtoken::store::Store;
use sealtoken_postgres::PostgresStore;

use crate::failure::Failure;

pub(super) async fn open(url: &str, migrate: bool) -> Result<Arc<dyn Store>, Failure> {
    // A command needs one connection at a time.
    let options = PostgresStore::options(url).connections(1);
    Ok(Arc::new(options.migrate(migrate).open().await?))
}

#[expect(clippy::unnecessary_wraps, reason = "it fails in builds without it")]
pub(super) fn schema() -> Result<&'static [&'static str], Failure> {
    Ok(PostgresStore::migrations())
}
