//! Where the vault is, and how it is opened.

use sealtoken::vault::Vault;
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
        let mut options = Vault::options();
        if let Some(clock) = self.clock {
            options = options.clock(clock);
        }
        let vault = options.open(store, &self.keys).await?;
        Ok(match self.namespace {
            Some(name) => vault.namespace(&name)?,
            None => vault,
        })
    }
}
