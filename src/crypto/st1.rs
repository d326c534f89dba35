//! The st1 envelope, exactly as in `docs/format.md`:
//! `"st1_" ‖ base64url(kid[4] ‖ nonce[24] ‖ ciphertext ‖ tag[16])`. The plaintext is bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use super::base64url;
use super::scratch::Scratch;
pub(crate) use super::xaes::TAG;
use super::xaes::{Backend, Oversize, XNonce, Xaes};

/// The version, which fixes all algorithms.
pub(crate) const PREFIX: &str = "st1_";
/// Replaces the prefix in the associated data if there are several contexts.
const COMPOSED: &str = "st1+";
pub(crate) const KID: usize = 4;
/// The bytes before the ciphertext.
pub(crate) const HEADER: usize = KID + size_of::<XNonce>();

/// Why a text was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The text is not an st1 token.
    Malformed,
    /// Authentication failed: another key, another context, or a changed token.
    Forged,
}

/// What a token is bound to besides its purpose, as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound<'a> {
    /// One context as it is; empty if there is none.
    To(&'a [u8]),
    /// Several contexts, each prefixed with its length.
    ToSeveral(&'a [u8]),
}

impl<'a> Bound<'a> {
    const fn head(self) -> &'static str {
        match self {
            Self::To(_) => PREFIX,
            Self::ToSeveral(_) => COMPOSED,
        }
    }

    pub(crate) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::To(bytes) | Self::ToSeveral(bytes) => bytes,
        }
    }
}

/// The length of a token around `plaintext` bytes.
pub(crate) const fn sealed_len(plaintext: usize) -> usize {
    let bytes = plaintext.saturating_add(HEADER + TAG);
    base64url::encoded_len(bytes).saturating_add(PREFIX.len())
}

/// The shortest token: without plaintext.
const SHORTEST: usize = sealed_len(0);

/// Passes on the associated data: prefix, key id and context.
///
/// The parts of fixed length come first, so a single context needs no length. Several contexts have
/// another prefix.
#[inline]
fn with_associated<R>(kid: [u8; KID], bound: Bound<'_>, use_it: impl FnOnce(&[u8]) -> R) -> R {
    let mut fixed = [0; PREFIX.len() + KID];
    let (head, id) = fixed.split_at_mut(PREFIX.len());
    head.copy_from_slice(bound.head().as_bytes());
    id.copy_from_slice(&kid);
    let context = bound.bytes();
    if context.is_empty() {
        return use_it(&fixed);
    }
    // A context of ordinary length needs no allocation.
    let mut room = [0; 256];
    let (head, tail) = room.split_at_mut(fixed.len());
    match tail.get_mut(..context.len()) {
        Some(place) => {
            head.copy_from_slice(&fixed);
            place.copy_from_slice(context);
            let length = fixed.len().saturating_add(context.len());
            use_it(room.get(..length).unwrap_or_default())
        }
        None => use_it(&[fixed.as_slice(), context].concat()),
    }
}

/// Seals the plaintext in `scratch`, which begins after [`HEADER`] bytes of room.
///
/// `None` if the text would end in `-` or `_`, which mail and chat programs leave out of links. The
/// plaintext is then restored, to be sealed with another nonce.
#[inline]
pub(crate) fn seal(
    scratch: &mut Scratch,
    backend: Backend,
    kid: [u8; KID],
    cipher: &Xaes,
    nonce: &XNonce,
    bound: Bound<'_>,
) -> Result<Option<String>, Oversize> {
    let Some((header, message)) = scratch.as_mut_slice().split_first_chunk_mut::<HEADER>() else {
        debug_assert!(false, "the caller leaves room for the header");
        return Err(Oversize);
    };
    let (head, tail) = header.split_at_mut(KID);
    head.copy_from_slice(&kid);
    tail.copy_from_slice(nonce.as_flattened());
    let sealed = with_associated(kid, bound, |associated| {
        let tag = cipher.seal(backend, nonce, associated, message)?;
        if ends_in_punctuation(HEADER.saturating_add(message.len()), &tag) {
            // In counter mode, encrypting again decrypts. The second tag is not used.
            cipher.seal(backend, nonce, associated, message)?;
            return Ok(None);
        }
        Ok(Some(tag))
    })?;
    let Some(tag) = sealed else {
        return Ok(None);
    };
    scratch.extend(&tag);
    if !scratch.is_whole() {
        return Err(Oversize);
    }
    encode(scratch.as_slice()).map(Some)
}

/// Whether the text of a token ends in `-` or `_`: its last six bits are 62 or 63. If one or two
/// bytes remain after groups of three, the last character ends in zero bits, and is neither.
fn ends_in_punctuation(before: usize, tag: &[u8; TAG]) -> bool {
    let [.., last] = tag;
    before.saturating_add(TAG).is_multiple_of(3) && last & 0x3f >= 62
}

/// Prefix and base64url, in one allocation of the exact size.
fn encode(bytes: &[u8]) -> Result<String, Oversize> {
    let length = base64url::encoded_len(bytes.len()).saturating_add(PREFIX.len());
    let mut text = String::new();
    text.try_reserve_exact(length).map_err(|_| Oversize)?;
    text.push_str(PREFIX);
    base64url::encode_onto(bytes, &mut text);
    Ok(text)
}

/// The parts of a token that can be read without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicParts {
    pub(crate) kid: [u8; KID],
    pub(crate) nonce: XNonce,
    pub(crate) plaintext_len: usize,
}

/// Identifies one sealed or opened state of a token. It is made from the random nonce of the text,
/// or counted for a foreign token, which has none; the default belongs to neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StateId(u64);

impl StateId {
    const OPENED: u64 = 1;

    /// The state of a foreign token: a number that no other foreign token has. A UUID would not do,
    /// since two tokens may bring the same one.
    pub(crate) fn foreign() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The state of a token that was sealed with this nonce.
    pub(crate) fn sealed(nonce: &XNonce) -> Self {
        let (words, _) = nonce.as_flattened().as_chunks();
        let mixed = words
            .iter()
            .fold(0, |mixed, word| mixed ^ u64::from_le_bytes(*word));
        Self(mixed & !Self::OPENED)
    }

    /// The state of a token that was opened from a text with this nonce. It differs from the sealed
    /// state, because entries may have expired in between.
    pub(crate) fn opened(nonce: &XNonce) -> Self {
        Self(Self::sealed(nonce).0 | Self::OPENED)
    }
}

/// Decodes the text into `scratch`, with every check on public bytes.
pub(crate) fn decode(
    text: &str,
    max_len: usize,
    scratch: &mut Scratch,
) -> Result<PublicParts, Refused> {
    let text = text.as_bytes();
    if text.len() > max_len || text.len() < SHORTEST {
        return Err(Refused::Malformed);
    }
    let body = text
        .strip_prefix(PREFIX.as_bytes())
        .ok_or(Refused::Malformed)?;
    let length = base64url::decoded_len(body.len()).ok_or(Refused::Malformed)?;
    scratch.fill_up(0, length);
    base64url::decode_into(body, scratch.as_mut_slice()).map_err(|_| Refused::Malformed)?;
    let (kid, rest) = scratch
        .as_slice()
        .split_first_chunk()
        .ok_or(Refused::Malformed)?;
    let (nonce, _) = split_nonce(rest).ok_or(Refused::Malformed)?;
    let plaintext_len = length.checked_sub(HEADER + TAG).ok_or(Refused::Malformed)?;
    Ok(PublicParts {
        kid: *kid,
        nonce,
        plaintext_len,
    })
}

fn split_nonce(bytes: &[u8]) -> Option<(XNonce, &[u8])> {
    let (derives, rest) = bytes.split_first_chunk()?;
    let (nonce, rest) = rest.split_first_chunk()?;
    Some(([*derives, *nonce], rest))
}

/// Opens the bytes that [`decode`] left in `scratch`, and returns the plaintext inside.
pub(crate) fn open<'s>(
    scratch: &'s mut Scratch,
    outside: &PublicParts,
    backend: Backend,
    cipher: &Xaes,
    bound: Bound<'_>,
) -> Result<&'s mut [u8], Refused> {
    let (_, sealed) = scratch
        .as_mut_slice()
        .split_first_chunk_mut::<HEADER>()
        .ok_or(Refused::Malformed)?;
    let (message, tag) = sealed
        .split_last_chunk_mut::<TAG>()
        .ok_or(Refused::Malformed)?;
    with_associated(outside.kid, bound, |associated| {
        cipher.open(backend, &outside.nonce, associated, message, tag)
    })
    .map_err(|_| Refused::Forged)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::secret::Secret;
    use super::*;

    #[test]
    fn the_length_of_a_token_follows_from_the_length_inside() {
        assert_eq!(SHORTEST, 63);
        let key = Xaes::new(&Secret::from([1; 32]));
        for length in 0..100 {
            let mut scratch = Scratch::take(usize::MAX);
            scratch.fill_up(b'x', HEADER + length);
            let mut texts = (0..=255).filter_map(|byte| {
                let nonce = [[byte; 12]; 2];
                seal(
                    &mut scratch,
                    Backend::default(),
                    *b"abcd",
                    &key,
                    &nonce,
                    Bound::To(b""),
                )
                .unwrap()
            });
            assert_eq!(
                texts.next().map(|text| text.len()),
                Some(sealed_len(length))
            );
        }
    }

    #[test]
    fn each_nonce_is_a_state_of_its_own_and_opening_is_another_than_sealing() {
        let mut states = std::collections::HashSet::from([0]);
        for byte in 1..=255 {
            for at in 0..24 {
                let mut nonce = XNonce::default();
                nonce.as_flattened_mut()[at] = byte;
                states.insert(StateId::opened(&nonce).0);
                states.insert(StateId::sealed(&nonce).0);
                assert_ne!(StateId::opened(&nonce), StateId::sealed(&nonce));
            }
        }
        // The three words of a nonce are folded into one, of which the lowest bit is taken.
        assert!(states.len() > 3_800, "{}", states.len());
    }

    #[test]
    fn a_token_whose_tag_finds_no_room_is_an_error() {
        let key = Xaes::new(&Secret::from([1; 32]));
        let sealed = |room: usize| {
            let mut scratch = Scratch::take(HEADER + 7 + room);
            scratch.fill_up(b'x', HEADER + 7);
            let nonce = [[7; 12]; 2];
            let bound = Bound::To(b"");
            let backend = Backend::default();
            let sealed = seal(&mut scratch, backend, *b"abcd", &key, &nonce, bound);
            sealed.map(|text| text.map(|text| text.len()))
        };
        for room in [0, 1, TAG - 1] {
            assert_eq!(sealed(room), Err(Oversize), "{room}");
        }
        assert_eq!(sealed(TAG), Ok(Some(sealed_len(7))));
    }

    #[test]
    fn a_text_that_would_end_in_punctuation_is_not_made_and_the_plaintext_stays() {
        let key = Xaes::new(&Secret::from([1; 32]));
        let plaintext = b"plain";
        let mut refused = 0;
        for second in 0..=255 {
            let mut scratch = Scratch::take(usize::MAX);
            scratch.extend(&[0; HEADER]);
            scratch.extend(&plaintext[..1]);
            let nonce = [[7; 12], [second; 12]];
            let sealed = seal(
                &mut scratch,
                Backend::default(),
                *b"abcd",
                &key,
                &nonce,
                Bound::To(b"c"),
            );
            if let Some(text) = sealed.unwrap() {
                assert!(!text.ends_with(['-', '_']));
            } else {
                refused += 1;
                assert_eq!(&scratch.as_slice()[HEADER..], &plaintext[..1]);
            }
        }
        assert!((1..64).contains(&refused), "{refused} of 256");
    }

    #[test]
    fn long_contexts_are_bound_as_whole_as_short_ones() {
        for length in [0, 1, 247, 248, 249, 5000] {
            let context = vec![b'c'; length];
            let whole = with_associated(*b"kidd", Bound::To(&context), <[u8]>::to_vec);
            assert_eq!(whole, [b"st1_kidd".as_slice(), &context].concat());
            let whole = with_associated(*b"kidd", Bound::ToSeveral(&context), <[u8]>::to_vec);
            assert_eq!(whole, [b"st1+kidd".as_slice(), &context].concat());
        }
    }

    /// One context as it is, several prefixed with their lengths.
    fn context_of(vector: &Value) -> Vec<u8> {
        let bytes = |context: &Value| hex::decode(context.as_str().unwrap()).unwrap();
        match &vector["context"] {
            Value::Array(several) => several
                .iter()
                .map(bytes)
                .flat_map(|part| [&(part.len() as u64).to_be_bytes(), &*part].concat())
                .collect(),
            one => bytes(one),
        }
    }

    #[test]
    fn the_published_plaintexts_and_nonces_give_the_published_tokens_and_back() {
        let file = include_str!("../../tests/vectors/st1.json");
        let file: Value = serde_json::from_str(file).unwrap();
        let positive = file["positive"].as_array().unwrap();
        assert_eq!(positive.len(), 10);
        for vector in positive {
            let text = |name: &str| vector[name].as_str().unwrap();
            let bytes = |name: &str| hex::decode(text(name)).unwrap();
            let cipher = Xaes::new(&Secret::from_slice(&bytes("purpose_key")).unwrap());
            let nonce = bytes("nonce");
            let nonce = [
                nonce[..12].try_into().unwrap(),
                nonce[12..].try_into().unwrap(),
            ];
            let kid = bytes("kid").try_into().unwrap();

            let mut scratch = Scratch::take(usize::MAX);
            scratch.extend(&[0; HEADER]);
            scratch.extend(text("plaintext").as_bytes());
            let backend = Backend::default();
            let context = context_of(vector);
            let bound = match &vector["context"] {
                Value::Array(_) => Bound::ToSeveral(&context),
                _ => Bound::To(&context),
            };
            let sealed = seal(&mut scratch, backend, kid, &cipher, &nonce, bound).unwrap();
            assert_eq!(sealed.as_deref(), Some(text("token")), "{}", text("name"));

            let mut scratch = Scratch::take(usize::MAX);
            let outside = decode(text("token"), 4096, &mut scratch).unwrap();
            assert_eq!(
                (outside.kid, outside.plaintext_len),
                (kid, text("plaintext").len())
            );
            let opened = open(&mut scratch, &outside, backend, &cipher, bound).unwrap();
            assert_eq!(opened, text("plaintext").as_bytes());
        }
    }
}
