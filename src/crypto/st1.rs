//! The st1 envelope, exactly as `docs/format.md` has it:
//! `"st1_" ‖ base64url(kid[4] ‖ nonce[24] ‖ ciphertext ‖ tag[16])`. What is inside is bytes.

use super::base64url;
use super::scratch::Scratch;
use super::xaes::{Backend, Oversize, TAG, XNonce, Xaes};

/// The version, which is the whole suite.
pub(crate) const PREFIX: &[u8; 4] = b"st1_";
pub(crate) const KID: usize = 4;
/// What stands before the ciphertext.
pub(crate) const HEADER: usize = KID + size_of::<XNonce>();

/// Not an st1 token, or none that this key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The text is not an st1 token.
    Malformed,
    /// The key, the context or a bit of the token is another.
    Forged,
}

/// The length of a token around `plaintext` bytes.
pub(crate) const fn sealed_len(plaintext: usize) -> usize {
    let bytes = plaintext.saturating_add(HEADER + TAG);
    base64url::encoded_len(bytes).saturating_add(PREFIX.len())
}

/// The shortest token: one around nothing.
const SHORTEST: usize = sealed_len(0);

/// What the cipher authenticates beside the plaintext: prefix, key id and context.
///
/// Fixed lengths come first, so the context needs no length of its own. Short contexts, and none, stay
/// on the stack.
struct Associated {
    short: [u8; Self::SHORT],
    long: Vec<u8>,
    length: usize,
}

impl Associated {
    const SHORT: usize = 128;

    fn new(kid: [u8; KID], context: &[u8]) -> Self {
        let mut this = Self {
            short: [0; Self::SHORT],
            long: Vec::new(),
            length: 0,
        };
        for part in [PREFIX.as_slice(), &kid, context] {
            let end = this.length.saturating_add(part.len());
            if let Some(place) = this.short.get_mut(this.length..end) {
                place.copy_from_slice(part);
            } else {
                this.long = [PREFIX.as_slice(), &kid, context].concat();
            }
            this.length = end;
        }
        this
    }

    fn as_slice(&self) -> &[u8] {
        self.short.get(..self.length).unwrap_or(&self.long)
    }
}

/// Seals what stands in `scratch` behind [`HEADER`] bytes of room.
pub(crate) fn seal(
    scratch: &mut Scratch,
    backend: Backend,
    kid: [u8; KID],
    cipher: &Xaes,
    nonce: &XNonce,
    context: &[u8],
) -> Result<String, Oversize> {
    let Some((header, message)) = scratch.as_mut_slice().split_first_chunk_mut::<HEADER>() else {
        debug_assert!(false, "the caller leaves room for the header");
        return Err(Oversize);
    };
    let (head, tail) = header.split_at_mut(KID);
    head.copy_from_slice(&kid);
    tail.copy_from_slice(nonce.as_flattened());
    let associated = Associated::new(kid, context);
    let tag = cipher.seal(backend, nonce, associated.as_slice(), message)?;
    scratch.extend(&tag);
    Ok(armour(scratch.as_slice()))
}

/// Prefix and base64url, in one allocation of the exact size.
fn armour(bytes: &[u8]) -> String {
    let mut text = vec![0; base64url::encoded_len(bytes.len()).saturating_add(PREFIX.len())];
    if let Some((prefix, body)) = text.split_first_chunk_mut() {
        *prefix = *PREFIX;
        base64url::encode_into(bytes, body);
    }
    // The alphabet is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// What can be read of a token without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) kid: [u8; KID],
    pub(crate) plaintext_len: usize,
}

/// Decodes the text into `scratch`, every check on public bytes included.
pub(crate) fn decode(
    text: &str,
    max_len: usize,
    scratch: &mut Scratch,
) -> Result<Outside, Refused> {
    let text = text.as_bytes();
    if text.len() > max_len || text.len() < SHORTEST {
        return Err(Refused::Malformed);
    }
    let body = text.strip_prefix(PREFIX).ok_or(Refused::Malformed)?;
    let length = base64url::decoded_len(body.len()).ok_or(Refused::Malformed)?;
    scratch.fill_up(0, length);
    base64url::decode_into(body, scratch.as_mut_slice()).map_err(|_| Refused::Malformed)?;
    let kid = scratch.as_slice().first_chunk().ok_or(Refused::Malformed)?;
    let plaintext_len = length.checked_sub(HEADER + TAG).ok_or(Refused::Malformed)?;
    Ok(Outside {
        kid: *kid,
        plaintext_len,
    })
}

/// Opens what [`decode`] left in `scratch`, and returns the plaintext in it.
pub(crate) fn open<'s>(
    scratch: &'s mut Scratch,
    backend: Backend,
    cipher: &Xaes,
    context: &[u8],
) -> Result<&'s mut [u8], Refused> {
    let (kid, rest) = scratch
        .as_mut_slice()
        .split_first_chunk_mut::<KID>()
        .ok_or(Refused::Malformed)?;
    let (derives, rest) = rest.split_first_chunk_mut().ok_or(Refused::Malformed)?;
    let (nonce, rest) = rest.split_first_chunk_mut().ok_or(Refused::Malformed)?;
    let nonce = [*derives, *nonce];
    let (message, tag) = rest
        .split_last_chunk_mut::<TAG>()
        .ok_or(Refused::Malformed)?;
    let associated = Associated::new(*kid, context);
    cipher
        .open(backend, &nonce, associated.as_slice(), message, tag)
        .map_err(|_| Refused::Forged)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_token_follows_from_the_length_inside() {
        assert_eq!(SHORTEST, 63);
        let key = Xaes::new(&super::super::secret::Secret::from([1; 32]));
        for length in 0..100 {
            let mut scratch = Scratch::take(usize::MAX);
            scratch.fill_up(b'x', HEADER + length);
            let text = seal(
                &mut scratch,
                Backend::default(),
                *b"abcd",
                &key,
                &[[7; 12]; 2],
                b"",
            );
            assert_eq!(text.map(|text| text.len()), Ok(sealed_len(length)));
        }
    }

    #[test]
    fn long_contexts_are_bound_as_whole_as_short_ones() {
        for length in [0, 1, 119, 120, 121, 500] {
            let context = vec![b'c'; length];
            let whole = Associated::new(*b"kidd", &context);
            assert_eq!(
                whole.as_slice(),
                [b"st1_kidd".as_slice(), &context].concat()
            );
        }
    }
}
