//! The entry of a password: the data keys of its values.
//!
//! A password is right if its entry is found. Whether a ciphertext opens proves nothing: AES-GCM
//! does not commit to its key.

use zeroize::Zeroizing;

use crate::crypto::mac;
use crate::crypto::secret::Secret;
use crate::sealed::{Draft, ServiceError};
use crate::store::{Record, RecordKey, Version};

use super::VaultError;
use super::names;
use super::namespace::{DataKey, NamespaceKeys};

const FORMAT: u8 = 1;
/// An id and a key.
const ID_AND_KEY: usize = 16 + 32;

/// The maximum number of data keys in an entry: each change of the password adds one. Such an entry
/// has about 200 KB, which every engine accepts.
pub(super) const MAX_KEYS: usize = 4096;

/// Where the entry of a password is, and the key that seals it: both derived from the 64 bytes of
/// Argon2id.
pub(super) struct EntryLocation {
    pub(super) at: RecordKey,
    key: Secret<32>,
}

impl EntryLocation {
    pub(super) fn new(namespace: &NamespaceKeys, hash: &Secret<64>) -> Self {
        let (finds, opens) = hash.expose().split_at(32);
        let keyset = &namespace.keyset;
        let id = mac::of_parts(&keyset.key(names::PASSWORD_ID), &[finds]);
        Self {
            at: RecordKey::new(names::PASSWORDS, *id.expose()),
            key: mac::of_parts(&keyset.key(names::PASSWORD_ENTRY), &[opens]),
        }
    }
}

/// The data keys of a password, the newest first.
#[derive(Debug, Clone)]
pub(super) struct DataKeys {
    keys: Vec<DataKey>,
    /// Whether some are missing, in a damaged or tampered entry.
    is_partial: bool,
}

impl DataKeys {
    /// One new key.
    pub(super) fn fresh() -> Result<Self, VaultError> {
        let mut id = [0; 16];
        crate::crypto::random::system(&mut id).map_err(ServiceError::from)?;
        let key = Secret::from_system().map_err(ServiceError::from)?;
        Ok(vec![DataKey { id, key }].into())
    }

    /// No keys yet.
    pub(super) const fn none(is_partial: bool) -> Self {
        let keys = Vec::new();
        Self { keys, is_partial }
    }

    /// The one key that the namespace has for values without a password.
    pub(super) fn open(namespace: &NamespaceKeys) -> Self {
        vec![namespace.open.clone()].into()
    }

    /// Adds the keys of `older` that are missing here.
    pub(super) fn append(&mut self, older: &Self) -> Result<(), VaultError> {
        for key in &older.keys {
            if !self.has(key.id) {
                self.keys.push(key.clone());
            }
        }
        if self.keys.len() > MAX_KEYS {
            return Err(VaultError::TooManyDataKeys);
        }
        Ok(())
    }

    /// The key that seals new values.
    pub(super) fn newest(&self) -> Result<&DataKey, VaultError> {
        self.keys
            .first()
            .ok_or(VaultError::Service(ServiceError::Tampered))
    }

    /// The key with this id. If it is missing, the password is wrong, unless the key may be in a
    /// damaged or tampered entry.
    pub(super) fn find(&self, id: [u8; 16]) -> Result<&DataKey, VaultError> {
        let key = self.keys.iter().find(|key| key.id == id);
        key.ok_or(if self.is_partial {
            VaultError::Service(ServiceError::Tampered)
        } else {
            VaultError::InvalidPassword
        })
    }

    pub(super) fn has(&self, id: [u8; 16]) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = [u8; 16]> {
        self.keys.iter().map(|key| key.id)
    }
}

impl From<Vec<DataKey>> for DataKeys {
    fn from(keys: Vec<DataKey>) -> Self {
        let is_partial = false;
        Self { keys, is_partial }
    }
}

/// An entry in the store.
pub(super) struct Entry {
    pub(super) keys: DataKeys,
    pub(super) version: Version,
}

/// Seals an entry for its location.
pub(super) fn seal(
    namespace: &NamespaceKeys,
    location: &EntryLocation,
    keys: &DataKeys,
) -> Result<Record, VaultError> {
    let room = keys.keys.len().saturating_mul(ID_AND_KEY).saturating_add(1);
    let mut plaintext = Zeroizing::new(Vec::with_capacity(room));
    plaintext.push(FORMAT);
    for key in &keys.keys {
        plaintext.extend_from_slice(&key.id);
        plaintext.extend_from_slice(key.key.expose());
    }
    let draft = Draft {
        key: location.at.clone(),
        purge_at: None,
        labels: Vec::new(),
        plaintext: &plaintext,
        payload: &[],
    };
    Ok(namespace.keyset.seal_under(&location.key, draft)?)
}

/// Opens the entry found at a location.
pub(super) fn open(
    namespace: &NamespaceKeys,
    location: &EntryLocation,
    record: &Record,
) -> Result<Entry, VaultError> {
    let opened = namespace.keyset.open_under(&location.key, record)?;
    let keys = parse(&opened.plaintext).ok_or(VaultError::Service(ServiceError::Tampered))?;
    Ok(Entry {
        keys,
        version: record.version,
    })
}

/// The data keys in an entry's plaintext; `None` if it is malformed.
pub(super) fn parse(plaintext: &[u8]) -> Option<DataKeys> {
    let (&format, rest) = plaintext.split_first()?;
    let (each, rest) = rest.as_chunks::<ID_AND_KEY>();
    if format != FORMAT || !rest.is_empty() || each.is_empty() || each.len() > MAX_KEYS {
        return None;
    }
    let keys = each.iter().map(|each| {
        let (id, key) = each.split_first_chunk()?;
        Some(DataKey {
            id: *id,
            key: Secret::from_slice(key)?,
        })
    });
    keys.collect::<Option<Vec<_>>>().map(DataKeys::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_list_of_data_keys_is_refused() {
        let good = [&[FORMAT][..], &[7; 2 * ID_AND_KEY]].concat();
        assert_eq!(parse(&good).map(|keys| keys.keys.len()), Some(2));
        assert!(parse(&[]).is_none() && parse(&[FORMAT]).is_none());
        assert!(parse(&good[..good.len() - 1]).is_none());
        assert!(parse(&[&[2][..], &[7; ID_AND_KEY]].concat()).is_none());
        assert!(parse(&[&[FORMAT][..], &vec![7; (MAX_KEYS + 1) * ID_AND_KEY]].concat()).is_none());
    }

    #[test]
    fn keys_are_appended_once() {
        let (mut new, old) = (DataKeys::fresh().unwrap(), DataKeys::fresh().unwrap());
        let newest = new.newest().unwrap().id;
        new.append(&old).unwrap();
        new.append(&old).unwrap();
        assert_eq!(
            new.ids().collect::<Vec<_>>(),
            [newest, old.newest().unwrap().id]
        );
    }

    #[test]
    fn an_entry_is_bounded() {
        let mut keys = DataKeys::fresh().unwrap();
        keys.keys = vec![keys.keys[0].clone(); MAX_KEYS];
        let fresh = DataKeys::fresh().unwrap();
        assert_eq!(keys.append(&fresh), Err(VaultError::TooManyDataKeys));
        keys.keys.truncate(MAX_KEYS - 1);
        assert_eq!(keys.append(&fresh), Ok(()));
    }
}
