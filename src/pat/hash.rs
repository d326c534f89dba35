//! The hash of a secret: as a PHC string, and in a sealed record.

mod phc;
mod scrypt;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64ct::{Base64Unpadded, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::mac::Keyed;
use crate::crypto::secret::{self, Secret};

use super::{PatError, Reason};

pub(super) use self::scrypt::Scrypt;

/// The hash of a secret, in the form of a PHC string.
///
/// Ours is `$hmac-sha256$kid=…$…`: HMAC-SHA256 over the token's text, under a key that belongs to
/// one store and that `kid` names. Nobody can test secrets against it without that key, and 256
/// random bits need no slow hash. The other form is `$scrypt$ln=…,r=…,p=…$…$…`, of tokens that
/// `@access-tokens/core` issued: it is verified, but never made.
///
/// Neither `Debug` nor an error shows it: whoever has an scrypt hash can test guesses offline.
///
/// ```
/// use sealtoken::pat::{PatError, Reason, SecretHash};
///
/// let empty: Result<SecretHash, _> = "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$".parse();
/// assert_eq!(empty.err(), Some(PatError::Hash(Reason::InvalidPhc)));
/// ```
#[derive(Clone)]
pub struct SecretHash(Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Keyed(KeyedHash),
    Scrypt(Scrypt),
    /// Imported as it was, but it cannot be verified.
    Unusable(Box<str>, Reason),
}

/// A MAC, and the name of the keyset's key.
#[derive(Clone)]
pub(super) struct KeyedHash {
    key_id: KeyId,
    mac: [u8; 32],
}

/// The name of a keyset's key.
type KeyId = [u8; 6];

/// The name of the algorithm in a PHC string.
const ALGORITHM: &str = "hmac-sha256";

/// Makes and checks keyed hashes.
pub(super) struct Hasher {
    key: Keyed,
    key_id: KeyId,
}

impl Hasher {
    pub(super) fn new(key: &Secret<32>) -> Self {
        let key = Keyed::new(key);
        let name = key.of_parts(&[b"the key's name"]);
        Self {
            key_id: name.first_chunk().copied().unwrap_or_default(),
            key,
        }
    }

    /// The hash of a token's text.
    pub(super) fn hash(&self, text: &[u8]) -> SecretHash {
        SecretHash(Kind::Keyed(KeyedHash {
            key_id: self.key_id,
            mac: self.mac(text),
        }))
    }

    pub(super) fn mac(&self, text: &[u8]) -> [u8; 32] {
        self.key.of(text)
    }

    /// Whether it is the hash of the text with this MAC. A hash under another key is an error.
    pub(super) fn matches(&self, hash: &KeyedHash, mac: &[u8; 32]) -> Result<bool, Reason> {
        let matches = secret::equal(&hash.mac, mac);
        if hash.key_id == self.key_id {
            Ok(matches)
        } else {
            Err(Reason::InvalidParameters)
        }
    }

    /// Checks that tokens of this store can be verified with it.
    pub(super) fn check(&self, hash: &SecretHash) -> Result<(), PatError> {
        match hash.kind() {
            Kind::Keyed(keyed) if keyed.key_id != self.key_id => {
                Err(PatError::Hash(Reason::InvalidParameters))
            }
            Kind::Unusable(_, reason) => Err(PatError::Hash(*reason)),
            Kind::Keyed(_) | Kind::Scrypt(_) => Ok(()),
        }
    }
}

impl SecretHash {
    pub(super) fn kind(&self) -> &Kind {
        &self.0
    }

    /// A hash from another system, usable or not.
    pub(super) fn stored(text: &str) -> Self {
        Self(read(text).unwrap_or_else(|reason| Kind::Unusable(text.into(), reason)))
    }
}

impl FromStr for SecretHash {
    type Err = PatError;

    /// Parses a hash that a token can be verified with; others are [`PatError::Hash`].
    fn from_str(text: &str) -> Result<Self, PatError> {
        read(text).map(Self).map_err(PatError::Hash)
    }
}

fn read(text: &str) -> Result<Kind, Reason> {
    let phc = phc::Phc::parse(text)?;
    match phc.algorithm {
        ALGORITHM => keyed(&phc).map(Kind::Keyed),
        "scrypt" => Scrypt::read(&phc).map(Kind::Scrypt),
        _ => Err(Reason::UnsupportedAlgorithm),
    }
}

fn keyed(phc: &phc::Phc<'_>) -> Result<KeyedHash, Reason> {
    let [mac] = phc.fields.as_slice() else {
        return Err(Reason::InvalidPhc);
    };
    let mac = phc::bytes(mac)?;
    let mac = mac.try_into().map_err(|_| Reason::InvalidPhc)?;
    let [("kid", key_id)] = phc.parameters.as_slice() else {
        return Err(Reason::InvalidParameters);
    };
    let mut bytes = KeyId::default();
    let written = Base64Unpadded::decode(key_id, &mut bytes).map(<[u8]>::len);
    if written == Ok(size_of::<KeyId>()) {
        let key_id = bytes;
        Ok(KeyedHash { key_id, mac })
    } else {
        Err(Reason::InvalidParameters)
    }
}

/// A hash in a sealed record: ours as bytes, so that verifying a token parses nothing; others as
/// the imported text.
#[derive(Serialize, Deserialize)]
enum Stored<'a> {
    Keyed(KeyId, [u8; 32]),
    Text(Cow<'a, str>),
}

pub(super) fn serialize<S: Serializer>(hash: &SecretHash, to: S) -> Result<S::Ok, S::Error> {
    let stored = match &hash.0 {
        Kind::Keyed(KeyedHash { key_id, mac }) => Stored::Keyed(*key_id, *mac),
        Kind::Scrypt(_) | Kind::Unusable(..) => Stored::Text(hash.to_string().into()),
    };
    stored.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretHash, D::Error> {
    Ok(match Stored::deserialize(from)? {
        Stored::Keyed(key_id, mac) => SecretHash(Kind::Keyed(KeyedHash { key_id, mac })),
        Stored::Text(text) => SecretHash::stored(&text),
    })
}

impl fmt::Display for SecretHash {
    /// The PHC string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Keyed(KeyedHash { key_id, mac }) => {
                let key_id = Base64Unpadded::encode_string(key_id);
                let mac = Base64Unpadded::encode_string(mac);
                write!(f, "${ALGORITHM}$kid={key_id}${mac}")
            }
            Kind::Scrypt(scrypt) => scrypt.fmt(f),
            Kind::Unusable(text, _) => f.write_str(text),
        }
    }
}

/// Compares the texts in constant time.
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        secret::equal(self.to_string().as_bytes(), other.to_string().as_bytes())
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_hash_round_trips_and_matches_its_text_alone() {
        let hasher = Hasher::new(&Secret::from([5; 32]));
        let other = Hasher::new(&Secret::from([6; 32]));
        let text = hasher.hash(b"pat_text").to_string();
        let hash: SecretHash = text.parse().unwrap();
        assert_eq!(hash.to_string(), text);
        assert_eq!(format!("{hash:?}"), "SecretHash");
        let Kind::Keyed(keyed) = hash.kind() else {
            panic!("{text}")
        };
        assert_eq!(hasher.matches(keyed, &hasher.mac(b"pat_text")), Ok(true));
        assert_eq!(hasher.matches(keyed, &hasher.mac(b"pat_texu")), Ok(false));
        // Every bit counts, of the MAC and of the stored one.
        for bit in 0..256 {
            let mut mac = hasher.mac(b"pat_text");
            mac[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(hasher.matches(keyed, &mac), Ok(false), "{bit}");
            let KeyedHash { key_id, .. } = *keyed;
            let stored = KeyedHash { key_id, mac };
            let matches = hasher.matches(&stored, &hasher.mac(b"pat_text"));
            assert_eq!(matches, Ok(false), "{bit}");
        }
        let elsewhere = other.matches(keyed, &other.mac(b"pat_text"));
        assert_eq!(elsewhere, Err(Reason::InvalidParameters));
        assert_eq!(hasher.check(&hash), Ok(()));
        assert!(other.check(&hash).is_err());
    }

    #[test]
    fn one_spelling_of_a_keyed_hash_is_read() {
        let good = Hasher::new(&Secret::from([5; 32])).hash(b"t").to_string();
        let (head, mac) = good.rsplit_once('$').unwrap();
        let (_, kid) = head.rsplit_once('=').unwrap();
        let refused = |text: &str| read(text).err();
        for (text, reason) in [
            (format!("{head}$"), Reason::InvalidPhc),
            (format!("{head}${}", &mac[..42]), Reason::InvalidPhc),
            (format!("{good}A"), Reason::InvalidPhc),
            (format!("{good}="), Reason::InvalidPhc),
            (format!("{good}$AAAA"), Reason::InvalidPhc),
            (head.to_string(), Reason::InvalidPhc),
            (good.replace("kid", "key"), Reason::InvalidParameters),
            (good.replace("$kid", "$v=1$kid"), Reason::InvalidParameters),
            (good.replace("$kid=", "$kid=A"), Reason::InvalidParameters),
            (good.replace(kid, &kid[..4]), Reason::InvalidParameters),
            (good.replace("hmac", "hmax"), Reason::UnsupportedAlgorithm),
        ] {
            assert_eq!(refused(&text), Some(reason), "{text}");
            assert_eq!(SecretHash::stored(&text).to_string(), text);
        }
        let last = mac.chars().last().unwrap();
        let odd = char::from(u8::try_from(last).unwrap() + 1);
        assert_eq!(
            refused(&format!("{head}${}{odd}", &mac[..42])),
            Some(Reason::InvalidPhc)
        );
    }
}
