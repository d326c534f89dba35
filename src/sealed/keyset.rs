//! A keyset: 32 random bytes, and the keys that hang on them.

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
use super::error::SealedError;
use super::order;

/// What a key of a keyset is for. Each name is listed in `docs/sealed-records.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Bodies of records.
    Record,
    /// Ids of records.
    Id,
    /// Values of labels by which records are found by equality.
    Label,
    /// Values of labels that keep the order of times.
    Order,
    /// Payloads that no password protects.
    Payload,
    /// Names of things in logs.
    Fingerprint,
    /// Where the entry of a password is.
    PasswordId,
    /// What the entry of a password is sealed with, together with the password.
    PasswordEntry,
    /// The salt of passwords.
    PasswordSalt,
    /// What personal access tokens are checked with.
    Pat,
}

impl Use {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Record => b"record",
            Self::Id => b"id",
            Self::Label => b"label",
            Self::Order => b"order",
            Self::Payload => b"payload",
            Self::Fingerprint => b"fingerprint",
            Self::PasswordId => b"password id",
            Self::PasswordEntry => b"password entry",
            Self::PasswordSalt => b"password salt",
            Self::Pat => b"pat",
        }
    }
}

/// The id of a keyset's record: it goes into all that the keyset seals.
pub(crate) type Scope = Vec<u8>;

/// The keys of one scope.
pub(crate) struct Keyset {
    scope: Scope,
    root: Secret<32>,
    /// Those that every operation uses are derived once.
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
            record: Xaes::new(&derive(Use::Record)),
            id: Keyed::new(&derive(Use::Id)),
            label: Keyed::new(&derive(Use::Label)),
            order: derive(Use::Order),
            fingerprint: Keyed::new(&derive(Use::Fingerprint)),
            scope,
            root,
        }
    }

    /// A key of this keyset.
    pub(crate) fn key(&self, purpose: Use) -> Secret<32> {
        derived(&self.root, purpose)
    }

    /// The id under which something with a secret name is kept.
    pub(crate) fn id(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.id.of_parts(parts).to_vec()
    }

    /// A label value for equality: half a MAC.
    pub(crate) fn label(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mac = self.label.of_parts(parts);
        let (half, _) = mac.split_at(16);
        half.to_vec()
    }

    /// A label value that keeps the order of times.
    pub(crate) fn order(&self, at: UnixTime) -> [u8; 16] {
        order::encode(&self.order, at)
    }

    /// The name of a thing in logs: it tells nothing, and is the same each time.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 8] {
        let mac = self.fingerprint.of_parts(parts);
        mac.first_chunk().copied().unwrap_or_default()
    }

    /// Seals a record.
    pub(crate) fn seal(&self, draft: Draft<'_>) -> Result<Record, SealedError> {
        body::seal(&self.record, &self.scope, draft)
    }

    /// Opens a record.
    pub(crate) fn open<'r>(&self, record: &'r Record) -> Result<Opened<'r>, SealedError> {
        body::open(&self.record, &self.scope, record)
    }

    /// Seals a record under a key that does not hang on this keyset alone.
    pub(crate) fn seal_under(
        &self,
        key: &Secret<32>,
        draft: Draft<'_>,
    ) -> Result<Record, SealedError> {
        body::seal(&Xaes::new(key), &self.scope, draft)
    }

    /// Opens what [`seal_under`](Self::seal_under) sealed.
    pub(crate) fn open_under<'r>(
        &self,
        key: &Secret<32>,
        record: &'r Record,
    ) -> Result<Opened<'r>, SealedError> {
        body::open(&Xaes::new(key), &self.scope, record)
    }

    /// Encrypts a payload: `nonce[24] ‖ ciphertext ‖ tag[16]`, bound to this scope and to `place`.
    pub(crate) fn seal_payload(
        &self,
        key: &Secret<32>,
        place: &[&[u8]],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealedError> {
        let mut nonce = XNonce::default();
        random::system(nonce.as_flattened_mut())?;
        let mut payload = Vec::with_capacity(plaintext.len().saturating_add(PAYLOAD_OVERHEAD));
        payload.extend_from_slice(nonce.as_flattened());
        payload.extend_from_slice(plaintext);
        let message = payload.get_mut(size_of::<XNonce>()..).unwrap_or_default();
        let tag = Xaes::new(key)
            .seal(Backend::default(), &nonce, &self.associated(place), message)
            .map_err(|_| SealedError::Tampered)?;
        payload.extend_from_slice(&tag);
        Ok(payload)
    }

    /// Decrypts a payload.
    pub(crate) fn open_payload(
        &self,
        key: &Secret<32>,
        place: &[&[u8]],
        payload: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealedError> {
        let parts = || {
            let (derives, rest) = payload.split_first_chunk()?;
            let (nonce, rest) = rest.split_first_chunk()?;
            let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
            Some(([*derives, *nonce], ciphertext, tag))
        };
        let (nonce, ciphertext, tag) = parts().ok_or(SealedError::Tampered)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        Xaes::new(key)
            .open(
                Backend::default(),
                &nonce,
                &self.associated(place),
                &mut plaintext,
                tag,
            )
            .map_err(|_| SealedError::Tampered)?;
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

/// What a payload is longer than its plaintext.
pub(crate) const PAYLOAD_OVERHEAD: usize = size_of::<XNonce>() + TAG;

fn derived(root: &Secret<32>, purpose: Use) -> Secret<32> {
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

    /// It moves from record to record as it is: what it belongs to is said by its place alone.
    #[test]
    fn a_payload_opens_in_its_own_place_alone() {
        let keyset = Keyset::new(b"scope".to_vec(), Secret::from([1; 32]));
        let other = Keyset::new(b"scopf".to_vec(), Secret::from([1; 32]));
        let key = keyset.key(Use::Payload);
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
