//! The vault's own keyset: it finds the namespaces, and holds the costs of Argon2id.

use serde::{Deserialize, Serialize};

use crate::sealed::{Keyset, Keysets, Rounds, ServiceError, StoredKeyset};
use crate::store::Query;

use super::VaultError;
use super::hashing::Argon2Cost;
use super::names;

/// The id of its record; those of namespaces have 32 bytes.
const ID: &[u8] = b"vault";

/// The maximum number of costs of a vault. A password not found at a newer cost is tried at each
/// older one.
const MAX_COSTS: usize = 8;

/// The settings beside the 32 bytes.
///
/// The costs are kept here, not with each namespace, so that a wrong password costs the same in
/// every namespace, including one that does not exist.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The newest first.
    costs: Vec<Argon2Cost>,
}

/// The vault's keyset, and its costs.
#[derive(Debug)]
pub(super) struct Root {
    keyset: Keyset,
    costs: Vec<Argon2Cost>,
}

impl Root {
    /// Reads the keyset or creates it, and puts `cost` first if it is stronger than the others.
    pub(super) async fn open(keysets: &Keysets, cost: Argon2Cost) -> Result<Self, VaultError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let stored = keysets
                .find_or_create(ID, &write(&[cost])?, Query::all(names::VALUES))
                .await?;
            let mut costs = read(&stored)?;
            let newest = costs.first().copied().unwrap_or_default();
            // Only upwards: otherwise two services with different settings would go on for ever.
            if cost.work() <= newest.work() {
                return Ok(Self {
                    keyset: stored.keyset,
                    costs,
                });
            }
            if costs.len() >= MAX_COSTS {
                return Err(VaultError::Service(ServiceError::InvalidSetting(
                    "the vault has had eight costs of Argon2id already: keep one of them",
                )));
            }
            costs.insert(0, cost);
            if let Some(stored) = keysets.replace(stored, &write(&costs)?).await? {
                return Ok(Self {
                    keyset: stored.keyset,
                    costs,
                });
            }
        }
    }

    /// Reads the keyset again: another process may have raised the cost.
    pub(super) async fn read_again(keysets: &Keysets) -> Result<Self, VaultError> {
        let stored = keysets.find_existing(ID).await?;
        let costs = read(&stored)?;
        Ok(Self {
            keyset: stored.keyset,
            costs,
        })
    }

    /// The costs, at least one, the newest first.
    pub(super) fn costs(&self) -> &[Argon2Cost] {
        &self.costs
    }

    /// The id of a namespace's keyset.
    pub(super) fn namespace_id(&self, name: &str) -> Vec<u8> {
        self.keyset.id(&[b"namespace", name.as_bytes()])
    }

    /// Stand-in keys for a namespace that does not exist: lookups cost the same.
    pub(super) fn stand_in(&self, name: &str) -> Keyset {
        let id = self.namespace_id(name);
        let root = self.keyset.key(names::PAYLOAD);
        let mixed = crate::crypto::mac::of_parts(&root, &[b"phantom", &id]);
        Keyset::new(id, mixed)
    }
}

fn write(costs: &[Argon2Cost]) -> Result<Vec<u8>, VaultError> {
    let costs = costs.to_vec();
    serde_json::to_vec(&Settings { costs }).map_err(|_| VaultError::Service(ServiceError::Tampered))
}

/// The costs of a keyset. One out of bounds is an error.
fn read(stored: &StoredKeyset) -> Result<Vec<Argon2Cost>, VaultError> {
    let settings: Settings = serde_json::from_slice(&stored.settings)
        .map_err(|_| VaultError::Service(ServiceError::Tampered))?;
    if (1..=MAX_COSTS).contains(&settings.costs.len()) {
        Ok(settings.costs)
    } else {
        Err(VaultError::Service(ServiceError::Tampered))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;

    /// The owner of the ring can write any settings: only one to eight costs open.
    #[tokio::test]
    async fn a_keyset_has_one_cost_to_eight() {
        for (costs, opens) in [(0, false), (1, true), (8, true), (9, false)] {
            let ring = KeyRing::new(Key::generate());
            let keysets = Keysets::new(Arc::new(MemoryStore::new()), ring, names::KEYSETS);
            let settings = write(&vec![Argon2Cost::default(); costs]).unwrap();
            let values = Query::all(names::VALUES);
            keysets.find_or_create(ID, &settings, values).await.unwrap();
            let opened = Root::open(&keysets, Argon2Cost::default()).await;
            let expected = if opens {
                Ok(costs)
            } else {
                Err(VaultError::Service(ServiceError::Tampered))
            };
            assert_eq!(opened.map(|root| root.costs.len()), expected);
        }
    }
}
