//! Best effort, behind the request that found it. Nothing waits for it.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::sealed::commit;
use crate::store::{Change, Store};

use super::Vault;

/// Writes that nobody waits for: one at a time.
pub(super) struct Behind {
    turn: Arc<Semaphore>,
}

impl Default for Behind {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Behind {
    /// Writes a batch, unless one is under way or there is no runtime: the next use brings it again.
    pub(super) fn write(&self, store: &Arc<dyn Store>, batch: Vec<Change>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            return;
        };
        let store = Arc::clone(store);
        runtime.spawn(async move {
            let _ = commit(&*store, &batch).await;
            drop(turn);
        });
    }
}

impl Vault {
    /// Waits until a write behind earlier requests has ended: for the end of a program, and for tests.
    ///
    /// A password that was used at a weaker [cost](super::Argon2Cost) moves up to the vault's behind the
    /// request that used it. Where that is cut off, the next use does it. This takes as long as
    /// the store takes to answer.
    ///
    /// ```
    /// # use sealtoken::vault::Vault;
    /// # async fn example(vault: Vault) {
    /// // The server has answered its last request.
    /// vault.flush().await;
    /// # }
    /// ```
    pub async fn flush(&self) {
        // It is never closed.
        let _ = self.shared.behind.turn.acquire().await;
    }
}
