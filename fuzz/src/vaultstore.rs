//! Makes stored values of the Go system in both formats, and judges what an importer reads.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};

use crate::armour;

/// A password, and the digests that the first format derives from it, as computed by
/// `tests/vectors/make_vaultstore.py`.
pub const PASSWORD: &str = "nobody stores with this";
const STRETCHED: &[&str] = &[
    "1d7080133fdcb04c01ff129450fc553f103042f5",
    "d4abb05a5d5587bb749dc3c2bb987c586a27d587b67638d68c7eeaf9aea3893b",
    "fcb88c89621b9ec4a3b30c1b2a2a22e931d371f7e540c3906c0c75bb76af4484",
    "d71d65c383c427e4760a5c30dc1f13e2",
];

const MIB: usize = 1 << 20;

/// base64url with padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = armour::encode(bytes);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The inverse of [`encode`]; `None` for any other text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = armour::decode(text.trim_end_matches('='))?;
    (encode(&bytes) == text).then_some(bytes)
}

// ---- the second format -----------------------------------------------------------------------

/// Seals a value under a key that stands for Argon2id's output. Salt and nonce are constant.
pub fn seal(key: [u8; 32], value: &[u8]) -> Vec<u8> {
    let (salt, nonce) = ([4; 16], [6; 12]);
    let mut message = value.to_vec();
    let tag = Aes256Gcm::new(&key.into())
        .encrypt_inout_detached(&Nonce::from(nonce), &[], message.as_mut_slice().into())
        .expect("a short message");
    [&salt[..], &nonce, &message, &tag].concat()
}

/// The stored text of the output of [`seal`].
pub fn second(sealed: &[u8]) -> String {
    format!("v2:{}", encode(sealed))
}

/// Whether a text has the second format, as far as that shows without a password.
pub fn is_second(text: &str) -> bool {
    let bytes = text.strip_prefix("v2:").and_then(decode);
    bytes.is_some_and(|bytes| (44..=MIB + 44).contains(&bytes.len()))
}

// ---- the first format ------------------------------------------------------------------------

fn hide(bytes: &[u8]) -> Vec<u8> {
    let key = STRETCHED.concat();
    let pairs = bytes.iter().zip(key.bytes().cycle());
    pairs.map(|(byte, digit)| byte ^ digit).collect()
}

/// The stored text for these bytes, usually the base64 of a block.
pub fn around(inner: &[u8]) -> String {
    encode(&hide(inner))
}

/// Pads bytes with letters to the next length of a block, or of a block's base64.
pub fn filled(begin: &[u8], as_text: bool) -> Vec<u8> {
    let lengths = blocks().map(|length| if as_text { in_base64(length) } else { length });
    let length = lengths.into_iter().find(|length| *length >= begin.len());
    let mut block = begin.to_vec();
    block.resize(length.unwrap_or(begin.len()), b'x');
    block
}

fn blocks() -> [usize; 15] {
    std::array::from_fn(|doubled| 128 << doubled)
}

fn in_base64(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// The value of a text in the first format under [`PASSWORD`], or the code of its refusal.
pub fn judge(text: &str) -> Result<Vec<u8>, &'static str> {
    let bytes = decode(text).ok_or("malformed")?;
    if !blocks().map(in_base64).contains(&bytes.len()) {
        return Err("malformed");
    }
    let inner = String::from_utf8(hide(&bytes)).map_err(|_| "forged")?;
    decode(&inner)
        .and_then(|block| value(&block))
        .ok_or("forged")
}

fn value(block: &[u8]) -> Option<Vec<u8>> {
    let block = str::from_utf8(block).ok()?;
    let (length, rest) = block.split_once('_')?;
    // A number that prints as the same text again has the form in which Go prints it.
    let number: u32 = length.parse().ok()?;
    let text = rest.get(..usize::try_from(number).ok()?)?;
    let filling = &rest[text.len()..];
    let sound = number.to_string() == length && filling.chars().all(|c| c.is_ascii_alphanumeric());
    decode(text).filter(|value| sound && value.len() <= MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_reads_values_made_here() {
        let block = filled(b"8_fn5_Pz8_", false);
        let text = around(encode(&block).as_bytes());
        assert_eq!(judge(&text), Ok(b"~~\x7f???".to_vec()));
        assert_eq!(judge(&text[1..]), Err("malformed"));
        assert_eq!(judge(&around(&filled(b"", true))), Err("forged"));
        assert_eq!(decode("QQ=="), Some(b"A".to_vec()));
        for wrong in ["QQ", "QQ=", "QQ===", "QR==", "Q===", "====", "QQ=Q", "QQ+/"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert!(is_second(&second(&seal([1; 32], b""))) && !is_second("v2:AAAA"));
    }
}
