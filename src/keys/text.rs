//! The text form of keys, as in `docs/format.md`: a prefix, and base64url of bytes with a check.
//! `ring.rs` reads the text of a ring.

use std::ops::RangeInclusive;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::crypto::{base64url, secret};

use super::error::KeyError;

const CHECK: usize = 4;

fn check(prefix: &str, bytes: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::new()
        .chain_update(prefix)
        .chain_update(bytes)
        .finalize();
    let [a, b, c, d, ..] = digest.0;
    [a, b, c, d]
}

/// `prefix ‖ base64url(bytes ‖ check)`.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    // Each buffer has its final size: growing would leave a copy behind.
    let mut checked = Zeroizing::new(Vec::with_capacity(bytes.len().saturating_add(CHECK)));
    checked.extend_from_slice(bytes);
    checked.extend_from_slice(&check(prefix, bytes));
    let body = Zeroizing::new(Base64UrlUnpadded::encode_string(&checked));
    let mut text = String::with_capacity(prefix.len().saturating_add(body.len()));
    text.push_str(prefix);
    text.push_str(&body);
    Zeroizing::new(text)
}

/// The bytes of a text from [`encode`]; `lengths` limits their number. Decoding takes the same time
/// for every key of a length.
pub(super) fn decode(
    prefix: &str,
    lengths: RangeInclusive<usize>,
    text: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let body = text.strip_prefix(prefix).ok_or(KeyError::Prefix)?;
    let characters = |bytes: &usize| base64url::encoded_len(bytes.saturating_add(CHECK));
    if body.len() < characters(lengths.start()) || body.len() > characters(lengths.end()) {
        return Err(KeyError::Length);
    }
    let mut bytes = Zeroizing::new(vec![0; body.len()]);
    let length = Base64UrlUnpadded::decode(body, &mut bytes)
        .map_err(|_| KeyError::NotCanonical)?
        .len();
    bytes.truncate(length);
    let (content, found) = bytes.split_last_chunk::<CHECK>().ok_or(KeyError::Length)?;
    if !secret::equal(found, &check(prefix, content)) {
        return Err(KeyError::Check);
    }
    let length = content.len();
    bytes.truncate(length);
    Ok(bytes)
}
