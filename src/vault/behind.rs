//! Moving entries of passwords up to the vault's cost, behind the request that found them. No
//! request waits for it.

use std::sync::Arc;

use crate::sealed::{Work, commit};
use crate::store::{Change, RecordKey, Store, StoreError};

use super::Vault;

/// Writes the entries that move up.
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
    /// Finishes the writes that earlier requests left behind: call it at the end of a program.
    ///
    /// A password that was used at a weaker [cost](super::Argon2Cost) moves up behind the request
    /// that used it. If that is cut off or fails, its next use tries again. This ends after five
    /// seconds, even if the store does not answer.
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
