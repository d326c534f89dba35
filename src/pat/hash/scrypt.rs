//! scrypt (RFC 7914), to verify hashes of another system. Its parameters are checked before any
//! work.

use std::fmt;
use std::ops::RangeInclusive;

use base64ct::{Base64Unpadded, Encoding as _};
use scrypt::Params;

use crate::crypto::secret;

use super::Reason;
use super::phc::{self, Phc};

const LOG_N: RangeInclusive<u32> = 10..=17;
const R_AND_P: RangeInclusive<u32> = 1..=16;
const SALT: RangeInclusive<usize> = 8..=64;
const HASH: RangeInclusive<usize> = 16..=64;
/// The maximum work: N·r·p.
const MAX_WORK: u64 = 1 << 20;
/// The maximum memory in bytes: 128·N·r.
const MAX_MEMORY: u64 = 64 << 20;

/// A hash, and how it was made.
#[derive(Clone)]
pub(in crate::pat) struct Scrypt {
    log_n: u32,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Scrypt {
    pub(super) fn read(phc: &Phc<'_>) -> Result<Self, Reason> {
        // A missing salt or hash has this reason in the other system, too.
        let [salt, hash] = phc.fields.as_slice() else {
            return Err(Reason::InvalidParameters);
        };
        let (salt, hash) = (phc::bytes(salt)?, phc::bytes(hash)?);
        // An empty hash matches every secret, and a short one too many.
        if !SALT.contains(&salt.len()) || !HASH.contains(&hash.len()) {
            return Err(Reason::InvalidPhc);
        }
        let (mut log_n, mut r, mut p) = (None, None, None);
        for (name, value) in &phc.parameters {
            let parameter = match *name {
                "ln" => &mut log_n,
                "r" => &mut r,
                "p" => &mut p,
                _ => return Err(Reason::InvalidParameters),
            };
            if parameter.replace(number(value)?).is_some() {
                return Err(Reason::InvalidParameters);
            }
        }
        let (Some(log_n), Some(r), Some(p)) = (log_n, r, p) else {
            return Err(Reason::InvalidParameters);
        };
        if !is_bounded(log_n, r, p) {
            return Err(Reason::InvalidParameters);
        }
        Ok(Self {
            log_n,
            r,
            p,
            salt,
            hash,
        })
    }

    /// Whether a secret of this length can match.
    pub(in crate::pat) fn is_as_long_as(&self, secret: &[u8]) -> bool {
        self.hash.len() == secret.len()
    }

    /// Whether it is the hash of this secret. Takes time and memory as the parameters say: never
    /// call it on an async thread.
    pub(in crate::pat) fn matches(&self, secret: &[u8]) -> bool {
        let log_n = u8::try_from(self.log_n).unwrap_or(u8::MAX);
        let mut hash = vec![0; self.hash.len()];
        Params::new(log_n, self.r, self.p)
            .is_ok_and(|params| scrypt::scrypt(secret, &self.salt, &params, &mut hash).is_ok())
            && secret::equal(&hash, &self.hash)
    }
}

fn is_bounded(log_n: u32, r: u32, p: u32) -> bool {
    if !LOG_N.contains(&log_n) || !R_AND_P.contains(&r) || !R_AND_P.contains(&p) {
        return false;
    }
    let blocks = u64::from(r) << log_n;
    // RFC 7914, section 2: N is less than 2^(128·r/8).
    let defined = log_n < r.saturating_mul(16);
    let work = blocks.saturating_mul(u64::from(p));
    let memory = blocks.saturating_mul(128);
    defined && work <= MAX_WORK && memory <= MAX_MEMORY
}

/// Parses a number in its canonical form.
fn number(text: &str) -> Result<u32, Reason> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    text.parse()
        .ok()
        .filter(|_| digits && !padded)
        .ok_or(Reason::InvalidParameters)
}

impl fmt::Display for Scrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log_n, r, p, .. } = self;
        let salt = Base64Unpadded::encode_string(&self.salt);
        let hash = Base64Unpadded::encode_string(&self.hash);
        write!(f, "$scrypt$ln={log_n},r={r},p={p}${salt}${hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scrypt, Reason> {
        Scrypt::read(&Phc::parse(text)?)
    }

    #[test]
    fn it_is_the_scrypt_of_rfc_7914() {
        // Section 12: "pleaseletmein", "SodiumChloride", N 16384, r 8, p 1, 64 bytes.
        let text = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+\
                    qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";
        let scrypt = read(text).unwrap();
        assert_eq!(scrypt.to_string(), text);
        assert!(!scrypt.is_as_long_as(b"pleaseletmein"));
        assert!(scrypt.matches(b"pleaseletmein"));
        assert!(!scrypt.matches(b"pleaseletmeim"));
    }

    #[test]
    fn every_byte_of_a_hash_counts() {
        let params = Params::new(10, 1, 1).unwrap();
        let mut hashed = Scrypt {
            log_n: 10,
            r: 1,
            p: 1,
            salt: vec![7; 16],
            hash: vec![0; 64],
        };
        scrypt::scrypt(b"secret", &hashed.salt, &params, &mut hashed.hash).unwrap();
        assert!(hashed.matches(b"secret"));
        for byte in 0..64 {
            hashed.hash[byte] ^= 1 << (byte % 8);
            assert!(!hashed.matches(b"secret"), "{byte}");
            hashed.hash[byte] ^= 1 << (byte % 8);
        }
    }

    #[test]
    fn parameters_have_bounds_before_any_work() {
        let (salt, hash) = ("AAAAAAAAAAAAAAAAAAAAAA", "A".repeat(43));
        let with = |params: &str| read(&format!("$scrypt${params}${salt}${hash}")).err();
        for good in [
            "ln=10,r=1,p=1",
            "ln=14,r=8,p=1",
            "p=1,ln=15,r=8",
            "ln=16,r=8,p=2",
            "ln=17,r=4,p=2",
            "ln=14,r=4,p=16",
            "ln=12,r=16,p=16",
        ] {
            assert_eq!(with(good), None, "{good}");
        }
        for bad in [
            "ln=9,r=8,p=1",
            "ln=18,r=1,p=1",
            "ln=17,r=8,p=1",
            "ln=16,r=8,p=3",
            "ln=16,r=1,p=1",
            "ln=46,r=8,p=1",
            "ln=-1,r=8,p=1",
            "ln=014,r=8,p=1",
            "ln=14.0,r=8,p=1",
            "ln=+14,r=8,p=1",
            "ln=14,r=0,p=1",
            "ln=14,r=8,p=0",
            "ln=14,r=17,p=1",
            "ln=10,r=1,p=17",
            "ln=4294967310,r=8,p=1",
            "ln=14,r=8",
            "ln=14,r=8,p=1,p=1",
            "ln=14,r=8,p=1,x=1",
            "n=16384,r=8,p=1",
            "v=1$ln=14,r=8,p=1",
        ] {
            assert_eq!(with(bad), Some(Reason::InvalidParameters), "{bad}");
        }
    }

    #[test]
    fn an_empty_short_or_long_hash_or_salt_is_refused() {
        let part = |bytes: usize| Base64Unpadded::encode_string(&vec![7; bytes]);
        let with = |salt: usize, hash: usize| {
            let text = format!("$scrypt$ln=14,r=8,p=1${}${}", part(salt), part(hash));
            read(&text).err()
        };
        for (salt, hash) in [(8, 16), (16, 32), (64, 64)] {
            assert_eq!(with(salt, hash), None);
        }
        for (salt, hash) in [
            (16, 0),
            (16, 1),
            (16, 15),
            (16, 65),
            (0, 32),
            (7, 32),
            (65, 32),
        ] {
            assert_eq!(with(salt, hash), Some(Reason::InvalidPhc), "{salt} {hash}");
        }
    }
}
