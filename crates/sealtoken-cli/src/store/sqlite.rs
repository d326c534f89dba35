//! SQLite, in builds with its feature.

use std::path::Path;
use std::sync::Arc;

use sealtoken::store::Store;
use sealtoken_sqlite::SqliteStore;

use crate::failure::Failure;

pub(super) async fn open(file: &Path, migrate: bool) -> Result<Arc<dyn Store>, Failure> {
    // A command has one read at a time.
    let options = SqliteStore::options(file)
        .readers(1)
        .create(migrate)
        .migrate(migrate);
    Ok(Arc::new(options.open().await?))
}

#[expect(clippy::unnecessary_wraps, reason = "it fails in builds without it")]
pub(super) fn schema() -> Result<&'static [&'static str], Failure> {
    Ok(SqliteStore::migrations())
}
