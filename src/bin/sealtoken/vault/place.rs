//! Where the vault is, and how it is opened.

use std::sync::Arc;

use sealtoken::store::Store;
use sealtoken::vault::{Vault, VaultOptions};
use sealtoken::{KeyRing, ManualClock};

use crate::failure::Failure;
use crate::store::Address;
use crate::{commands, input};

use super::args::{Place, Scope};

/// A vault that can be opened, as far as the options tell.
pub(super) struct Prepared {
    keys: KeyRing,
    address: Address,
    migrate: bool,
    clock: Option<ManualClock>,
    namespace: Option<String>,
}

impl Place {
    pub(super) fn prepare(&self) -> Result<Prepared, Failure> {
        Ok(Prepared {
            keys: input::keys(self.keys.key_file.as_deref())?,
            address: Address::choose(self.store.as_deref())?,
            migrate: !self.no_migrate,
            clock: commands::clock(self.at.at),
            namespace: None,
        })
    }
}

impl Scope {
    pub(super) fn prepare(&self) -> Result<Prepared, Failure> {
        let mut prepared = self.place.prepare()?;
        prepared.namespace = Some(self.namespace.clone());
        Ok(prepared)
    }
}

impl Prepared {
    pub(super) async fn open(self) -> Result<Vault, Failure> {
        let store = self.address.open(self.migrate).await?;
        self.vault(store, Vault::options()).await
    }

    /// Opens it for a change of this token's value: as many earlier ones are kept as are to be, or else as there are.
    pub(super) async fn open_keeping(
        self,
        versions: Option<u32>,
        token: &str,
    ) -> Result<Vault, Failure> {
        let store = self.address.open(self.migrate).await?;
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
        if let Some(clock) = &self.clock {
            options = options.clock(clock.clone());
        }
        let vault = options.open(store, &self.keys).await?;
        Ok(match &self.namespace {
            Some(name) => vault.namespace(name)?,
            None => vault,
        })
    }
}
