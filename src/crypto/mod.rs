//! Ciphers, hashes, randomness and clocks: bytes in, bytes out. Nothing here knows JSON, storage or
//! policy.

#[cfg(any(feature = "pat", feature = "vault"))]
#[cfg_attr(not(feature = "pat"), allow(dead_code))]
pub(crate) mod base62;
pub(crate) mod base64url;
pub(crate) mod clock;
pub(crate) mod kdf;
#[cfg(any(feature = "pat", feature = "vault"))]
#[cfg_attr(not(all(feature = "pat", feature = "vault")), allow(dead_code))]
pub(crate) mod mac;
pub(crate) mod random;
pub(crate) mod scratch;
pub(crate) mod secret;
pub(crate) mod st1;
#[cfg(test)]
#[cfg_attr(not(feature = "pat"), allow(dead_code))]
pub(crate) mod work;
pub(crate) mod xaes;
