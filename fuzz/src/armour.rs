//! The public part of a token and the text of a key: base64url, and the results that public bytes
//! decide.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..=group.len() {
            let six = bits >> (18 - 6 * place) & 0x3f;
            text.push(char::from(ALPHABET[six as usize]));
        }
    }
    text
}

/// The inverse of [`encode`]; `None` for any other text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for place in 0..4 {
            let six = match group.get(place) {
                Some(c) => ALPHABET.iter().position(|letter| letter == c)?,
                None => 0,
            };
            bits = bits << 6 | u32::try_from(six).ok()?;
        }
        let three = bits.to_be_bytes();
        bytes.extend_from_slice(&three[1..group.len()]);
    }
    // Encoding again reveals surplus bits or characters.
    (encode(&bytes) == text).then_some(bytes)
}

/// The bytes of a token's text, or `None` if it is malformed. Needs no key.
pub fn token_bytes(text: &str, max_len: usize) -> Option<Vec<u8>> {
    let bytes = decode(text.strip_prefix("st1_")?)?;
    (text.len() <= max_len && bytes.len() >= 44).then_some(bytes)
}

/// The token's text for these bytes.
pub fn token_text(bytes: &[u8]) -> String {
    format!("st1_{}", encode(bytes))
}

/// A key's text with its checksum.
pub fn key_text(prefix: &str, bytes: &[u8]) -> String {
    let check = check(prefix, bytes);
    format!("{prefix}{}", encode(&[bytes, &check].concat()))
}

/// The bytes of a key's text, or `None` if the text or its checksum is wrong.
pub fn key_bytes(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let mut bytes = decode(text.strip_prefix(prefix)?)?;
    let found = bytes.split_off(bytes.len().checked_sub(4)?);
    (found == check(prefix, &bytes)).then_some(bytes)
}

fn check(prefix: &str, bytes: &[u8]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(prefix)
        .chain_update(bytes)
        .finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_decodes() {
        for (text, bytes) in [
            ("", b"".as_slice()),
            ("Zg", b"f"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("-_8", &[251, 255]),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        for text in ["Z", "Zh", "Zm9", "Zg==", "+/8", "Zm9vZ", "Z g", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
