//! base64url without padding (RFC 4648 §5), canonical: unused trailing bits are zero.
//!
//! Tokens are public and long, so they use SIMD. (The SIMD engine of `base64` 0.23 takes more
//! instructions for sealing and opening: 8 % at 63 bytes, and 5 % at 340 bytes and 2.9 KiB.) Keys
//! go through the constant-time decoder of `base64ct` in `keys/`.

use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};

/// The text is not canonical base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotCanonical;

/// The number of characters that encode `bytes` bytes.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    // Three bytes make four characters; a remainder of one or two makes two or three.
    let rest = bytes % 3;
    let whole = (bytes / 3).saturating_mul(4);
    if rest == 0 {
        whole
    } else {
        whole.saturating_add(rest).saturating_add(1)
    }
}

/// The number of bytes in `characters` characters, or `None` if no number of bytes encodes to that
/// many.
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
    let written = URL_SAFE_NO_PAD.encode(bytes, out.as_out()).len();
    debug_assert_eq!(written, encoded_len(bytes.len()));
}

/// Appends the text of `bytes`.
pub(crate) fn encode_onto(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Decodes into `out`, which has exactly [`decoded_len`] bytes.
pub(crate) fn decode_into(text: &[u8], out: &mut [u8]) -> Result<(), NotCanonical> {
    // The decoder needs exactly the space that the length implies.
    if decoded_len(text.len()) != Some(out.len()) {
        return Err(NotCanonical);
    }
    match URL_SAFE_NO_PAD.decode(text, out.as_out()) {
        Ok(_) => Ok(()),
        Err(_) => Err(NotCanonical),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as REFERENCE;

    proptest! {
        #[test]
        fn encoding_agrees_with_another_encoder_and_comes_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            let mut text = vec![0; encoded_len(bytes.len())];
            encode_into(&bytes, &mut text);
            let mut appended = String::from("st1_");
            encode_onto(&bytes, &mut appended);
            prop_assert_eq!(&appended[4..], &REFERENCE.encode(&bytes));
            prop_assert_eq!(String::from_utf8_lossy(&text), REFERENCE.encode(&bytes));
            let mut back = vec![0; decoded_len(text.len()).unwrap_or(usize::MAX)];
            prop_assert_eq!(decode_into(&text, &mut back), Ok(()));
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn a_text_is_accepted_where_the_other_decoder_accepts_it(
            text in "[A-Za-z0-9_=+/ -]{0,90}",
        ) {
            let mut bytes = vec![0; decoded_len(text.len()).unwrap_or(0)];
            let judged = REFERENCE.decode(&text).ok();
            let decoded = decode_into(text.as_bytes(), &mut bytes).ok().map(|()| bytes);
            prop_assert_eq!(decoded, judged);
        }
    }

    #[test]
    fn every_length_and_every_last_character_is_judged_as_by_the_other_decoder() {
        for length in 0..120 {
            let text = "_".repeat(length);
            for last in 0..=127_u8 {
                let mut text = text.clone().into_bytes();
                text.extend(char::from(last).to_string().bytes());
                let mut bytes = vec![0; decoded_len(text.len()).unwrap_or(0)];
                let decoded = decode_into(&text, &mut bytes).ok().map(|()| bytes);
                assert_eq!(decoded, REFERENCE.decode(&text).ok(), "{length} {last}");
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
