//! base64url without padding (RFC 4648 §5), canonical: unused trailing bits are zero.
//!
//! Tokens are public bytes and long, so they take the SIMD engine; keys go through the
//! constant-time decoder of `base64ct` in `keys/`.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::NO_PAD;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type TokenEngine = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type TokenEngine = base64::engine::GeneralPurpose;

/// Built once: the SIMD engine asks the processor what it can do.
static ENGINE: LazyLock<TokenEngine> = LazyLock::new(|| {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let engine = TokenEngine::url_safe(NO_PAD);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let engine = TokenEngine::new(&base64::alphabet::URL_SAFE, NO_PAD);
    engine
});

/// Text that is not the one spelling of any bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotCanonical;

/// The number of characters that `bytes` bytes take.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    // Whole groups of three make four characters; a rest of one or two makes two or three.
    let rest = bytes % 3;
    let whole = (bytes / 3).saturating_mul(4);
    if rest == 0 {
        whole
    } else {
        whole.saturating_add(rest).saturating_add(1)
    }
}

/// The number of bytes that `characters` characters stand for, or `None` where no bytes have that many.
pub(crate) const fn decoded_len(characters: usize) -> Option<usize> {
    let whole = (characters / 4).saturating_mul(3);
    match characters % 4 {
        0 => Some(whole),
        2 => Some(whole.saturating_add(1)),
        3 => Some(whole.saturating_add(2)),
        _ => None,
    }
}

/// Encodes into `out`, which has exactly [`encoded_len`] bytes.
pub(crate) fn encode_into(bytes: &[u8], out: &mut [u8]) {
    let written = ENGINE.encode_slice(bytes, out);
    debug_assert_eq!(written.ok(), Some(encoded_len(bytes.len())));
}

/// Decodes into `out`, which has exactly [`decoded_len`] bytes.
pub(crate) fn decode_into(text: &[u8], out: &mut [u8]) -> Result<(), NotCanonical> {
    match ENGINE.decode_slice(text, out) {
        Ok(written) if written == out.len() => Ok(()),
        _ => Err(NotCanonical),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An encoder so plain that it needs no test of its own.
    fn slow_encode(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits: Vec<bool> = bytes
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
            .collect();
        bits.chunks(6)
            .map(|group| {
                let value = (0..6).fold(0, |sum, at| {
                    sum * 2 + usize::from(group.get(at).copied().unwrap_or(false))
                });
                char::from(ALPHABET[value])
            })
            .collect()
    }

    proptest! {
        #[test]
        fn encoding_agrees_with_a_plain_encoder_and_comes_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            let mut text = vec![0; encoded_len(bytes.len())];
            encode_into(&bytes, &mut text);
            prop_assert_eq!(String::from_utf8_lossy(&text), slow_encode(&bytes));
            let mut back = vec![0; decoded_len(text.len()).unwrap_or(usize::MAX)];
            prop_assert_eq!(decode_into(&text, &mut back), Ok(()));
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn every_accepted_text_is_the_one_spelling(text in "[A-Za-z0-9_=+/ -]{0,90}") {
            let Some(length) = decoded_len(text.len()) else { return Ok(()) };
            let mut bytes = vec![0; length];
            if decode_into(text.as_bytes(), &mut bytes).is_ok() {
                prop_assert_eq!(slow_encode(&bytes), text);
            }
        }
    }

    #[test]
    fn unused_bits_padding_and_the_other_alphabet_are_refused() {
        for text in ["AB", "AAB", "AA==", "+A", "/A", "A A", "AA\n"] {
            let mut bytes = vec![0; decoded_len(text.len()).unwrap_or(0)];
            assert_eq!(
                decode_into(text.as_bytes(), &mut bytes),
                Err(NotCanonical),
                "{text:?}"
            );
        }
    }
}
