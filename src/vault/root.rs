//! The vault's own keyset: it finds the namespaces, and holds the costs of Argon2id.

use serde::{Deserialize, Serialize};

use crate::sealed::{Keyset, Keysets, Stored, Use};
use crate::store::Query;

use super::VaultError;
use super::hashing::Argon2Cost;
use super::names;

/// The id of its record; those of namespaces are 32 bytes.
const ID: &[u8] = b"vault";

/// The most costs that are kept: each is tried for a password that is not found under a newer one.
const MOST: usize = 8;

/// How often the settings are read again when others change them.
const ATTEMPTS: u32 = 16;

/// What stands beside the 32 bytes.
///
/// The costs stand here and not with each namespace, so that a wrong password costs the same in every namespace, and in one that there is none of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The newest first.
    costs: Vec<Argon2Cost>,
}

/// The vault's keyset, and what was read with it.
#[derive(Debug)]
pub(super) struct Root {
    keyset: Keyset,
    costs: Vec<Argon2Cost>,
}

impl Root {
    /// Reads it, or makes it; and puts `cost` first where it is stronger than what is there.
    pub(super) async fn open(keysets: &Keysets, cost: Argon2Cost) -> Result<Self, VaultError> {
        for _ in 0..ATTEMPTS {
            let stored = keysets
                .find_or_create(ID, &write(&[cost])?, Query::all(names::VALUES))
                .await?;
            let mut costs = read(&stored)?;
            let newest = costs.first().copied().unwrap_or_default();
            // Only upwards: two services with different settings would put their own first for ever.
            if cost.work() <= newest.work() {
                return Ok(Self {
                    keyset: stored.keyset,
                    costs,
                });
            }
            if costs.len() >= MOST {
                return Err(VaultError::InvalidSetting(
                    "the vault has had eight costs of Argon2id already",
                ));
            }
            costs.insert(0, cost);
            if let Some(stored) = keysets.replace(stored, &write(&costs)?).await? {
                return Ok(Self {
                    keyset: stored.keyset,
                    costs,
                });
            }
        }
        Err(crate::sealed::contended().into())
    }

    /// Reads it again: another process may have raised the cost.
    pub(super) async fn read_again(keysets: &Keysets) -> Result<Self, VaultError> {
        let stored = keysets.find_again(ID).await?;
        let costs = read(&stored)?;
        Ok(Self {
            keyset: stored.keyset,
            costs,
        })
    }

    /// The newest first; there is at least one.
    pub(super) fn costs(&self) -> &[Argon2Cost] {
        &self.costs
    }

    /// The id of a namespace's keyset.
    pub(super) fn namespace_id(&self, name: &str) -> Vec<u8> {
        self.keyset.id(&[b"namespace", name.as_bytes()])
    }

    /// The keys of a namespace that there is none of. Looking for something in it costs what it costs in one that there is.
    pub(super) fn phantom(&self, name: &str) -> Keyset {
        let id = self.namespace_id(name);
        let root = self.keyset.key(Use::Payload);
        let mixed = crate::crypto::mac::of_parts(&root, &[b"phantom", &id]);
        Keyset::new(id, mixed)
    }
}

fn write(costs: &[Argon2Cost]) -> Result<Vec<u8>, VaultError> {
    let costs = costs.to_vec();
    serde_json::to_vec(&Settings { costs }).map_err(|_| VaultError::Tampered)
}

/// The costs of a keyset: one out of bounds is not read.
fn read(stored: &Stored) -> Result<Vec<Argon2Cost>, VaultError> {
    let settings: Settings =
        serde_json::from_slice(&stored.settings).map_err(|_| VaultError::Tampered)?;
    if (1..=MOST).contains(&settings.costs.len()) {
        Ok(settings.costs)
    } else {
        Err(VaultError::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;

    /// Who has the ring can write any settings: a keyset of eight costs opens, and one of none or of nine does not.
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
                Err(VaultError::Tampered)
            };
            assert_eq!(opened.map(|root| root.costs.len()), expected);
        }
    }
}
