//! HMAC-SHA256 (RFC 2104): for equality lookups, and for values that only a key holder can make.

use hmac::digest::FixedOutput as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::secret::Secret;

/// A prepared key: the steps that are the same for every MAC are done once. It is wiped when
/// dropped, and lives on the heap so that moving the owner leaves no copy behind.
#[derive(Clone)]
pub(crate) struct Keyed(Box<Hmac<Sha256>>);

impl Keyed {
    pub(crate) fn new(key: &Secret<32>) -> Self {
        // RFC 2104 pads a short key with zeros. Done here, so the constructor cannot fail.
        let mut block = Secret::<64>::zeroed();
        let (head, _) = block.expose_mut().split_at_mut(32);
        head.copy_from_slice(key.expose());
        Self(Box::new(Hmac::new(block.expose().into())))
    }

    /// The MAC of a text.
    pub(crate) fn of(&self, text: &[u8]) -> [u8; 32] {
        #[cfg(test)]
        super::work::count(super::work::Work::Mac);
        let mac = Hmac::clone(&self.0).chain_update(text);
        mac.finalize().into_bytes().into()
    }

    /// The MAC of the parts, each prefixed with its length, so no two lists of parts coincide.
    pub(crate) fn of_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.over(parts).finalize().into_bytes().into()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        #[cfg(test)]
        super::work::count(super::work::Work::Mac);
        let mut mac = Hmac::clone(&self.0);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// The MAC of the parts under a key that is used once. The result may be a key itself.
pub(crate) fn of_parts(key: &Secret<32>, parts: &[&[u8]]) -> Secret<32> {
    let mut secret = Secret::zeroed();
    let mac = Keyed::new(key).over(parts);
    mac.finalize_into(secret.expose_mut().into());
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hmac_of_rfc_2104_over_the_parts_with_their_lengths() {
        // Computed by Python's hmac module.
        let mac = of_parts(&Secret::from([7; 32]), &[b"a", b"bc"]);
        let expected = "430e46797a396e1f14f7243eb7cf5ecf52e33e21022b9fd7fd03663cbea8b9c6";
        assert_eq!(hex::encode(mac.expose()), expected);
        assert!(mac != of_parts(&Secret::from([7; 32]), &[b"ab", b"c"]));
        assert!(mac != of_parts(&Secret::from([8; 32]), &[b"a", b"bc"]));
    }
}
