//! The second format: Argon2id and AES-256-GCM.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize as _, Zeroizing};

use super::{MAX_VALUE, VaultstoreError, base64, base64_len};

const PREFIX: &str = "v2:";
const SALT: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
const OVERHEAD: usize = SALT + NONCE + TAG;

/// The maximum length of a stored value, in characters.
const MAX_LEN: usize = PREFIX.len() + base64_len(MAX_VALUE + OVERHEAD);

/// KiB of memory, passes and lanes of Argon2id.
const COST: (u32, u32, u32) = (64 * 1024, 3, 4);

/// On the heap, so that moving it leaves no copy behind.
type Key = Box<Zeroizing<[u8; 32]>>;

/// A stored value, taken apart.
pub(crate) struct Sealed {
    salt: [u8; SALT],
    nonce: [u8; NONCE],
    message: Zeroizing<Vec<u8>>,
    tag: [u8; TAG],
}

impl Sealed {
    /// Checks the limits first, then the base64. Argon2id comes later.
    pub(crate) fn parse(stored: &str) -> Result<Self, VaultstoreError> {
        Self::parts(stored).ok_or(VaultstoreError::Malformed)
    }

    fn parts(stored: &str) -> Option<Self> {
        let text = stored.strip_prefix(PREFIX)?;
        if stored.len() > MAX_LEN {
            return None;
        }
        let bytes = base64(text.as_bytes())?;
        let (salt, rest) = bytes.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (message, tag) = rest.split_last_chunk()?;
        Some(Self {
            salt: *salt,
            nonce: *nonce,
            message: Zeroizing::new(message.to_vec()),
            tag: *tag,
        })
    }

    pub(super) fn open_with(self, password: &str) -> Result<Zeroizing<Vec<u8>>, VaultstoreError> {
        let key = derive(password, &self.salt).ok_or(VaultstoreError::KeyDerivation)?;
        self.open(&key)
    }

    /// Opens the value with a key from Argon2id. That system has no associated data.
    pub(crate) fn open(self, key: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, VaultstoreError> {
        let mut message = self.message;
        Aes256Gcm::new(key.into())
            .decrypt_inout_detached(
                &Nonce::from(self.nonce),
                &[],
                message.as_mut_slice().into(),
                &Tag::from(self.tag),
            )
            .map_err(|_| VaultstoreError::Forged)?;
        Ok(message)
    }
}

/// Derives the key from a password. `None` if memory is missing, or the password has more than 4
/// GiB.
fn derive(password: &str, salt: &[u8; SALT]) -> Option<Key> {
    let (memory, passes, lanes) = COST;
    let mut key = Key::default();
    let params = Params::new(memory, passes, lanes, Some(key.len())).ok()?;
    // A failed allocation is an error here and does not abort the process.
    let mut blocks = Blocks(Vec::new());
    blocks.0.try_reserve_exact(params.block_count()).ok()?;
    blocks.0.resize(params.block_count(), Block::new());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            &mut **key,
            blocks.0.as_mut_slice(),
        )
        .ok()?;
    Some(key)
}

/// The memory of Argon2id, wiped when dropped. `Zeroizing` would also wipe the vector's capacity,
/// byte by byte.
struct Blocks(Vec<Block>);

impl Drop for Blocks {
    fn drop(&mut self) {
        for block in &mut self.0 {
            block.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64Url, Encoding as _};

    use super::*;

    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const VALUE: &[u8] = b"a value of thirty-one bytes \xff\0.";

    const KEY: [u8; 32] = [7; 32];

    /// Salt, nonce, ciphertext and tag.
    fn sealed(value: &[u8]) -> Vec<u8> {
        let (salt, nonce, mut message) = ([1; SALT], [2; NONCE], value.to_vec());
        let tag = Aes256Gcm::new(&KEY.into())
            .encrypt_inout_detached(&Nonce::from(nonce), &[], message.as_mut_slice().into())
            .unwrap();
        [&salt[..], &nonce, &message, &tag].concat()
    }

    fn text(bytes: &[u8]) -> String {
        PREFIX.to_owned() + &Base64Url::encode_string(bytes)
    }

    fn open(stored: &str) -> Result<Vec<u8>, VaultstoreError> {
        Sealed::parse(stored)?
            .open(&KEY)
            .map(|value| value.to_vec())
    }

    #[test]
    fn what_the_key_sealed_opens_up_to_the_limit_and_no_longer() {
        for length in [0, 1, 2, 3, 31] {
            let value = VALUE.get(..length).unwrap();
            assert_eq!(open(&text(&sealed(value))).as_deref(), Ok(value));
        }
        let longest = vec![b'x'; MAX_VALUE];
        let stored = text(&sealed(&longest));
        assert_eq!(stored.len(), MAX_LEN);
        assert!(open(&stored).is_ok_and(|value| value == longest));
        let longer = vec![b'x'; MAX_VALUE + 1];
        assert_eq!(
            open(&text(&sealed(&longer))),
            Err(VaultstoreError::Malformed)
        );
    }

    #[test]
    fn whatever_is_changed_is_refused_but_the_salt_alone_is_for_the_password_to_find() {
        let good = sealed(VALUE);
        for place in 0..good.len() {
            let mut changed = good.clone();
            changed[place] ^= 1 << (place % 8);
            let outcome = open(&text(&changed));
            if place < SALT {
                assert!(outcome.is_ok(), "it makes the key, which is given here");
            } else {
                assert_eq!(outcome, Err(VaultstoreError::Forged), "{place}");
            }
        }
    }

    #[test]
    fn whatever_is_cut_off_or_put_on_is_refused() {
        let good = sealed(VALUE);
        for length in 0..good.len() {
            let refusal = if length < OVERHEAD {
                VaultstoreError::Malformed
            } else {
                VaultstoreError::Forged
            };
            assert_eq!(open(&text(&good[..length])), Err(refusal), "{length}");
        }
        let more = [&good[..], b"x"].concat();
        assert_eq!(open(&text(&more)), Err(VaultstoreError::Forged));
        let stored = text(&good);
        for end in 0..stored.len() {
            assert!(open(&stored[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_value_has_one_spelling() {
        for length in [29, 30, 31] {
            let stored = text(&sealed(&VALUE[..length]));
            assert!(open(&stored).is_ok());
            let mut others = vec![
                stored.replace("v2:", "V2:"),
                stored.replace("v2:", "v1:"),
                stored.replace("v2:", ""),
                stored.replace("v2:", "v2:v2:"),
                stored.replace('=', ""),
                stored.clone() + "=",
                stored.clone() + "====",
                stored.replacen('A', "+", 1),
                stored.replacen('A', "/", 1),
            ];
            others.retain(|other| *other != stored);
            assert!(others.len() > 6);
            for (at, _) in stored.char_indices().chain([(stored.len(), ' ')]) {
                for space in [" ", "\n", "\r", "\r\n", "\t", "\0", "é"] {
                    let mut other = stored.clone();
                    other.insert_str(at, space);
                    others.push(other);
                }
            }
            // The last character before the padding has unused bits.
            if let Some(padding) = stored.find('=') {
                let bits = stored.len() - padding;
                let last = stored.chars().nth(padding - 1).unwrap();
                let place = ALPHABET.find(last).unwrap();
                for unused in 1..1 << (2 * bits) {
                    let other = &ALPHABET[place + unused..=place + unused];
                    let mut changed = stored.clone();
                    changed.replace_range(padding - 1..padding, other);
                    others.push(changed);
                }
            }
            for other in others {
                assert_eq!(open(&other), Err(VaultstoreError::Malformed), "{other:?}");
            }
        }
    }

    #[test]
    fn argon2id_has_the_parameters_of_that_system() {
        // From `argon2-cffi`, a binding of the reference implementation.
        let key = derive("pässword 😀", &[1; SALT]).unwrap();
        let expected = "13c545f945941f4e261353b2fde52556f28ad8b06e8f3646f8b04b7cbfcfd5b2";
        assert_eq!(base16ct::lower::encode_string(&**key), expected);
    }
}
