//! Moves entries of passwords up to the vault's cost, in the background. No request waits for it.

use std::sync::Arc;

use crate::sealed::{BackgroundWork, ServiceError, commit};
use crate::store::{Change, RecordKey, Store};

use super::Vault;

/// Writes the entries that move up.
pub(super) struct MovingUp(pub(super) Arc<dyn Store>);

impl BackgroundWork for MovingUp {
    /// Where the entry moves to.
    type Key = RecordKey;
    type Note = Vec<Change>;
    /// An entry has up to 200 KB.
    const MAX_PENDING: usize = 64;

    fn merge(earlier: &mut Vec<Change>, later: Vec<Change>) {
        *earlier = later;
    }

    fn can_be_dropped(_: &Vec<Change>) -> bool {
        true
    }

    async fn write(&self, _: &RecordKey, batch: &Vec<Change>) -> Result<(), ServiceError> {
        // A lost reply is looked up, since moving up again would cost another Argon2id.
        Ok(commit(&*self.0, batch).await.map(drop)?)
    }
}

impl Vault {
    /// Finishes the background writes of earlier requests: call it at the end of a program.
    ///
    /// A password that was used at a weaker [cost](super::Argon2Cost) moves up in the background
    /// after the request that used it. If that is cut off or fails, its next use tries again. This
    /// ends after five seconds, even if the store does not answer.
    ///
    /// ```
    /// # use sealtoken::vault::Vault;
    /// # async fn example(vault: Vault) {
    /// // The server has answered its last request.
    /// vault.flush().await;
    /// # }
    /// ```
    pub async fn flush(&self) {
        self.shared.background.flush().await;
    }
}
