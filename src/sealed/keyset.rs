//! A keyset: 32 random bytes and the keys derived from them, which seal all records of a scope.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::clock::UnixTime;
use crate::crypto::kdf;
use crate::crypto::mac::Keyed;
use crate::crypto::random;
use crate::crypto::secret::Secret;
use crate::crypto::xaes::{Backend, TAG, XNonce, Xaes};
use crate::store::Record;

use super::body::{self, Draft, Opened};
use super::error::ServiceError;
use super::order;

/// The use of a derived key, by its name in `docs/sealed-records.md`. Each service declares its own
/// uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUse(&'static str);

impl KeyUse {
    /// Bodies of records.
    const RECORD: Self = Self::new("record");
    /// Ids of records.
    const ID: Self = Self::new("id");
    /// Label values for lookups by equality.
    const LABEL: Self = Self::new("label");
    /// Label values that keep the order of times.
    const ORDER: Self = Self::new("order");
    /// Names in logs.
    const FINGERPRINT: Self = Self::new("fingerprint");

    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    const fn name(self) -> &'static [u8] {
        self.0.as_bytes()
    }
}

/// The id of a keyset's record. Everything that the keyset seals is bound to it.
pub(crate) type Scope = Vec<u8>;

/// The keys of one scope.
pub(crate) struct Keyset {
    scope: Scope,
    root: Secret<32>,
    /// The keys that every operation uses are derived once.
    record: Xaes,
    id: Keyed,
    label: Keyed,
    order: Secret<32>,
    fingerprint: Keyed,
}

impl Keyset {
    pub(crate) fn new(scope: Scope, root: Secret<32>) -> Self {
        let derive = |purpose| derived(&root, purpose);
        Self {
            record: Xaes::new(&derive(KeyUse::RECORD)),
            id: Keyed::new(&derive(KeyUse::ID)),
            label: Keyed::new(&derive(KeyUse::LABEL)),
            order: derive(KeyUse::ORDER),
            fingerprint: Keyed::new(&derive(KeyUse::FINGERPRINT)),
            scope,
            root,
        }
    }

    /// Derives the key for a use.
    pub(crate) fn key(&self, purpose: KeyUse) -> Secret<32> {
        derived(&self.root, purpose)
    }

    /// The record id of something whose name is secret.
    pub(crate) fn id(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.id.of_parts(parts).to_vec()
    }

    /// A label value for lookups by equality: half a MAC.
    pub(crate) fn label(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mac = self.label.of_parts(parts);
        let (half, _) = mac.split_at(16);
        half.to_vec()
    }

    /// A label value that keeps the order of times.
    pub(crate) fn order(&self, at: UnixTime) -> [u8; 16] {
        order::encode(&self.order, at)
    }

    /// A name for logs: always the same for the same thing, and reveals nothing about it.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 8] {
        let mac = self.fingerprint.of_parts(parts);
        mac.first_chunk().copied().unwrap_or_default()
    }

    /// Seals a record.
    pub(crate) fn seal(&self, draft: Draft<'_>) -> Result<Record, ServiceError> {
        body::seal(&self.record, &self.scope, draft)
    }

    /// Opens a record.
    pub(crate) fn open<'r>(&self, record: &'r Record) -> Result<Opened<'r>, ServiceError> {
        body::open(&self.record, &self.scope, record)
    }

    /// Seals a record under a key that derives from more than this keyset.
    pub(crate) fn seal_under(
        &self,
        key: &Secret<32>,
        draft: Draft<'_>,
    ) -> Result<Record, ServiceError> {
        body::seal(&Xaes::new(key), &self.scope, draft)
    }

    /// Opens a record that [`seal_under`](Self::seal_under) sealed.
    pub(crate) fn open_under<'r>(
        &self,
        key: &Secret<32>,
        record: &'r Record,
    ) -> Result<Opened<'r>, ServiceError> {
        body::open(&Xaes::new(key), &self.scope, record)
    }

    /// Encrypts a payload: `nonce[24] ‖ ciphertext ‖ tag[16]`, bound to this scope and to `place`.
    pub(crate) fn seal_payload(
        &self,
        key: &Secret<32>,
        place: &[&[u8]],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ServiceError> {
        let mut nonce = XNonce::default();
        random::system(nonce.as_flattened_mut())?;
        let mut payload = Vec::with_capacity(plaintext.len().saturating_add(PAYLOAD_OVERHEAD));
        payload.extend_from_slice(nonce.as_flattened());
        payload.extend_from_slice(plaintext);
        let message = payload.get_mut(size_of::<XNonce>()..).unwrap_or_default();
        let tag = Xaes::new(key)
            .seal(Backend::default(), &nonce, &self.associated(place), message)
            .map_err(|_| ServiceError::Tampered)?;
        payload.extend_from_slice(&tag);
        Ok(payload)
    }

    /// Decrypts a payload.
    pub(crate) fn open_payload(
        &self,
        key: &Secret<32>,
        place: &[&[u8]],
        payload: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let parts = || {
            let (derives, rest) = payload.split_first_chunk()?;
            let (nonce, rest) = rest.split_first_chunk()?;
            let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
            Some(([*derives, *nonce], ciphertext, tag))
        };
        let (nonce, ciphertext, tag) = parts().ok_or(ServiceError::Tampered)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        Xaes::new(key)
            .open(
                Backend::default(),
                &nonce,
                &self.associated(place),
                &mut plaintext,
                tag,
            )
            .map_err(|_| ServiceError::Tampered)?;
        Ok(plaintext)
    }

    fn associated(&self, place: &[&[u8]]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = vec![b"sealtoken payload v1", &self.scope];
        parts.extend_from_slice(place);
        body::join(&parts)
    }

    /// The id of the keyset's record.
    pub(crate) fn scope(&self) -> &[u8] {
        &self.scope
    }

    pub(super) fn root(&self) -> &Secret<32> {
        &self.root
    }
}

/// Bytes that sealing adds to a payload.
pub(crate) const PAYLOAD_OVERHEAD: usize = size_of::<XNonce>() + TAG;

fn derived(root: &Secret<32>, purpose: KeyUse) -> Secret<32> {
    kdf::derive(root, &[b"sealtoken v1 keyset", b"\0", purpose.name()])
}

impl fmt::Debug for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyset")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payloads move between records unchanged, so their place alone ties them to what they belong
    /// to.
    #[test]
    fn a_payload_opens_only_in_its_own_place() {
        let keyset = Keyset::new(b"scope".to_vec(), Secret::from([1; 32]));
        let other = Keyset::new(b"scopf".to_vec(), Secret::from([1; 32]));
        let key = keyset.key(KeyUse::new("payload"));
        let place: [&[u8]; 2] = [b"token", &[0, 7]];
        let payload = keyset.seal_payload(&key, &place, b"value").unwrap();
        let opened = |keyset: &Keyset, place: &[&[u8]]| keyset.open_payload(&key, place, &payload);
        assert_eq!(**opened(&keyset, &place).unwrap(), *b"value");
        let others: [&[&[u8]]; 6] = [
            &[b"tokem", &[0, 7]],
            &[b"token", &[0, 8]],
            &[b"token\0", &[7]],
            &[b"token"],
            &[&[0, 7], b"token"],
            &[],
        ];
        for place in others {
            assert!(opened(&keyset, place).is_err(), "{place:?}");
        }
        assert!(opened(&other, &place).is_err());
    }
}
