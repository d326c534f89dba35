//! Where the vault is, and how it is opened.

use std::sync::Arc;

use sealtoken::store::Store;
use sealtoken::vault::{Vault, VaultOptions};

use crate::failure::Failure;
use crate::store::{Place, place};

use super::args::Scope;

/// A vault that can be opened, as far as the options tell.
pub(super) struct Prepared {
    place: place::Prepared,
    namespace: Option<String>,
}

impl Prepared {
    /// A vault of which no namespace is meant.
    pub(super) fn whole(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            place: place.prepare()?,
            namespace: None,
        })
    }
}

impl Scope {
    pub(super) fn prepare(&self) -> Result<Prepared, Failure> {
        Ok(Prepared {
            place: self.place.prepare()?,
            namespace: Some(self.namespace.clone()),
        })
    }
}

/// Does what takes a password, and then what that leaves to be written behind it: the program ends
/// with its command, and the password would never move to the newest cost.
pub(super) async fn flushed<T>(vault: &Vault, work: impl Future<Output = T>) -> T {
    let done = work.await;
    vault.flush().await;
    done
}

impl Prepared {
    pub(super) async fn open(self) -> Result<Vault, Failure> {
        self.open_with(Vault::options()).await
    }

    pub(super) async fn open_with(self, options: VaultOptions) -> Result<Vault, Failure> {
        let store = self.place.open().await?;
        self.vault(store, options).await
    }

    /// Opens it for a change of this token's value: as many earlier ones are kept as are to be, or else as there are.
    pub(super) async fn open_keeping(
        self,
        versions: Option<u32>,
        token: &str,
    ) -> Result<Vault, Failure> {
        let store = self.place.open().await?;
        let keep = if let Some(versions) = versions {
            versions
        } else {
            let vault = self.vault(Arc::clone(&store), Vault::options()).await?;
            // Where there is none, the change itself says so.
            let info = vault.info(token).await;
            let kept = info.map_or(0, |info| info.earlier_versions);
            u32::try_from(kept).unwrap_or(u32::MAX)
        };
        self.vault(store, Vault::options().keep_versions(keep))
            .await
    }

    async fn vault(
        &self,
        store: Arc<dyn Store>,
        mut options: VaultOptions,
    ) -> Result<Vault, Failure> {
        if let Some(clock) = &self.place.clock {
            options = options.clock(clock.clone());
        }
        let vault = options.open(store, &self.place.keys).await?;
        Ok(match &self.namespace {
            Some(name) => vault.namespace(name)?,
            None => vault,
        })
    }
}
