//! What moves up to the vault's cost behind the request that found it. Nothing waits for it.

use std::sync::Arc;

use crate::sealed::{Work, commit};
use crate::store::{Change, RecordKey, Store, StoreError};

use super::Vault;

/// How the entries of passwords are moved up.
pub(super) struct MovingUp(pub(super) Arc<dyn Store>);

impl Work for MovingUp {
    /// Where the entry moves to.
    type Key = RecordKey;
    type Note = Vec<Change>;
    /// An entry has up to 200 KB.
    const MOST: usize = 64;

    fn merge(earlier: &mut Vec<Change>, later: Vec<Change>) {
        *earlier = later;
    }

    fn gives_way(_: &Vec<Change>) -> bool {
        true
    }

    async fn write(&self, _: &RecordKey, batch: &Vec<Change>) -> Result<(), StoreError> {
        commit(&*self.0, batch).await.map(drop)
    }
}

impl Vault {
    /// Writes what earlier requests have left to be written behind them: for the end of a program, and for tests.
    ///
    /// A password that was used at a weaker [cost](super::Argon2Cost) moves up to the vault's behind the
    /// request that used it. Where that is cut off, or the store refuses it, the next use does it. This ends after five seconds, also where
    /// the store does not answer.
    ///
    /// ```
    /// # use sealtoken::vault::Vault;
    /// # async fn example(vault: Vault) {
    /// // The server has answered its last request.
    /// vault.flush().await;
    /// # }
    /// ```
    pub async fn flush(&self) {
        self.shared.behind.flush().await;
    }
}
