//! SQLite.

use std::path::Path;
use std::sync::Arc;

use sealtoken::store::{Migration, Store};
use sealtoken_sqlite::{SqliteOptions, SqliteStore};

use crate::failure::Failure;

pub(super) async fn open(file: &Path, migrate: bool) -> Result<Arc<dyn Store>, Failure> {
    // One command reads one thing at a time.
    let options = SqliteOptions::new(file)
        .readers(1)
        .create(migrate)
        .migrate(migrate);
    Ok(Arc::new(options.open().await?))
}

pub(super) fn schema() -> &'static [Migration] {
    SqliteStore::migrations()
}
