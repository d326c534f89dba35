//! The records of a vault, as the operations reach them.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::events::{Observed, Operation};
use crate::sealed::{Keyset, Keysets};
use crate::store::{RecordKey, Store};

use super::hashing::Argon2Cost;
use super::namespace::{self, NamespaceCache, NamespaceKeys};
use super::root::Root;
use super::row::Row;
use super::target::{Location, Target};
use super::{Vault, VaultError};

/// The store and the keysets in it. Operations reach them only through a [`Namespace`].
pub(super) struct Records {
    store: Arc<dyn Store>,
    keysets: Keysets,
    root: ArcSwap<Root>,
    cache: NamespaceCache,
}

/// The records of a namespace and its keys, for an operation that is reported: without an
/// [`Observed`], nothing reaches them.
pub(super) struct Namespace<'a> {
    pub(super) vault: &'a Vault,
    pub(super) observed: &'a Observed<'a>,
    keys: Arc<NamespaceKeys>,
}

impl Records {
    pub(super) fn new(store: Arc<dyn Store>, keysets: Keysets, root: Root) -> Self {
        Self {
            store,
            keysets,
            root: ArcSwap::from_pointee(root),
            cache: NamespaceCache::default(),
        }
    }

    fn cache(&self, name: &Arc<str>, keyset: Keyset) -> Arc<NamespaceKeys> {
        let keys = Arc::new(NamespaceKeys::new(keyset));
        self.cache.put(name, &keys);
        keys
    }
}

impl Vault {
    /// Begins an operation. Its records are reached through the returned value.
    pub(super) fn observe(&self, operation: Operation) -> Observed<'_> {
        self.shared.observer.observe(operation, Some(&self.name))
    }

    /// The keysets of all namespaces.
    pub(super) fn keysets(&self, _: &Observed<'_>) -> &Keysets {
        &self.shared.records.keysets
    }

    /// The namespace for lookups. A missing one gets stand-in keys that find nothing.
    pub(super) async fn for_reading<'a>(
        &'a self,
        observed: &'a Observed<'_>,
    ) -> Result<Namespace<'a>, VaultError> {
        let records = &self.shared.records;
        let keys = if let Some(keys) = records.cache.get(&self.name) {
            keys
        } else {
            let root = records.root.load_full();
            let id = root.namespace_id(&self.name);
            match records.keysets.find(&id).await? {
                Some(stored) => records.cache(&self.name, stored.keyset),
                None => Arc::new(NamespaceKeys::stand_in(root.stand_in(&self.name))),
            }
        };
        Ok(Namespace {
            vault: self,
            observed,
            keys,
        })
    }

    /// The namespace, which is created if it does not exist.
    pub(super) async fn for_writing<'a>(
        &'a self,
        observed: &'a Observed<'_>,
    ) -> Result<Namespace<'a>, VaultError> {
        let records = &self.shared.records;
        let keys = if let Some(keys) = records.cache.get(&self.name) {
            keys
        } else {
            let id = records.root.load_full().namespace_id(&self.name);
            let values = namespace::values(&id);
            let stored = records.keysets.find_or_create(&id, &[], values).await?;
            records.cache(&self.name, stored.keyset)
        };
        Ok(Namespace {
            vault: self,
            observed,
            keys,
        })
    }

    /// The namespace, and where the record of a target is. Names the token in the event.
    pub(super) async fn locate<'a>(
        &'a self,
        observed: &'a Observed<'_>,
        target: &Target,
    ) -> Result<(Namespace<'a>, Location), VaultError> {
        let namespace = self.for_reading(observed).await?;
        let location = target.locate(&namespace);
        namespace.name_token(&location.key);
        Ok((namespace, location))
    }
}

impl<'a> Namespace<'a> {
    pub(super) fn store(&self) -> &'a dyn Store {
        &*self.vault.shared.records.store
    }

    /// Names the token of the operation in its event.
    pub(super) fn name_token(&self, key: &RecordKey) {
        self.observed.token(|| self.fingerprint(&key.id));
    }

    /// The row of a value, even if that is expired or soft-deleted.
    pub(super) async fn row(&self, location: &Location) -> Result<Row, VaultError> {
        let found = self.store().get(&location.key).await?;
        Row::open(self, location.accept(self, found)?)
    }

    /// The costs known to this process, the newest first.
    pub(super) fn costs(&self) -> Vec<Argon2Cost> {
        self.vault.shared.records.root.load().costs().to_vec()
    }

    /// Reads the costs again, the newest first: another process may have raised them.
    pub(super) async fn refresh_costs(&self) -> Result<Vec<Argon2Cost>, VaultError> {
        let records = &self.vault.shared.records;
        let root = Root::read_again(&records.keysets).await?;
        let costs = root.costs().to_vec();
        records.root.store(Arc::new(root));
        Ok(costs)
    }
}

impl Deref for Namespace<'_> {
    type Target = NamespaceKeys;

    fn deref(&self) -> &NamespaceKeys {
        &self.keys
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
