//! A way past the cipher for `fuzz/`, under `cfg(fuzzing)` only.
//!
//! A fuzzer never guesses a tag. So any plaintext is sealed here under a fixed key, and then opened
//! through the public API. That key must seal nothing else.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;

use crate::crypto::clock::{ManualClock, UnixTime};
use crate::crypto::kdf;
use crate::crypto::scratch::Scratch;
use crate::crypto::secret::Secret;
use crate::crypto::st1;
use crate::crypto::xaes::{Backend, XNonce, Xaes};
use crate::keys::{Key, KeyRing};
use crate::token::{Codec, OpenError, Token, TypedToken};

const ROOT: [u8; 32] = *b"the fuzzer's key: no secret, ok?";
const PURPOSE: &str = "fuzz";

/// The purpose key. It is derived here, so that a ring needs no way to give it out.
static CIPHER: LazyLock<Xaes> = LazyLock::new(|| {
    let info = [b"sealtoken v1 purpose\0", PURPOSE.as_bytes()];
    Xaes::new(&kdf::derive(&Secret::from(ROOT), &info))
});

static CODEC: LazyLock<Option<Codec>> = LazyLock::new(|| {
    let ring = KeyRing::new(Key::from_bytes(ROOT));
    let codec = ring.codec(PURPOSE).ok()?;
    Some(codec.with_max_len(usize::MAX))
});

/// A codec of the fixed key whose clock shows `now`. It opens tokens of any length.
///
/// Never `None`: the purpose is valid.
#[must_use]
pub fn codec(now: i64) -> Option<Codec> {
    let clock = ManualClock::at(UnixTime::from_secs(now));
    CODEC.clone().map(|codec| codec.with_clock(clock))
}

/// Seals these bytes as they are.
#[must_use]
pub fn seal_payload(plaintext: &[u8]) -> String {
    let kid = Key::from_bytes(ROOT).id().to_bytes();
    let mut scratch = Scratch::take(usize::MAX);
    scratch.extend(&[0; st1::HEADER]);
    scratch.extend(plaintext);
    // Only 64 GiB are too long. Some nonces give a text that ends in punctuation.
    let (backend, unbound) = (Backend::default(), st1::Bound::To(b""));
    let mut texts = (0..=u8::MAX).filter_map(|byte| {
        let nonce: XNonce = [[byte; 12]; 2];
        st1::seal(&mut scratch, backend, kid, &CIPHER, &nonce, unbound).ok()?
    });
    texts.next().unwrap_or_default()
}

/// What [`Codec::open`] says of a token around these bytes, at the second `now`.
///
/// # Errors
///
/// [`OpenError`], as [`Codec::open`] has it.
pub fn open_payload(plaintext: &[u8], now: i64) -> Result<Token, OpenError> {
    let codec = codec(now).ok_or(OpenError::UnknownKey)?;
    codec.open(&seal_payload(plaintext))
}

/// What [`Codec::open_value`] says of a token around these bytes, at the second `now`.
///
/// # Errors
///
/// [`OpenError`], as [`Codec::open_value`] has it.
pub fn open_payload_as<T: DeserializeOwned>(
    plaintext: &[u8],
    now: i64,
) -> Result<TypedToken<T>, OpenError> {
    let codec = codec(now).ok_or(OpenError::UnknownKey)?;
    codec.open_value(&seal_payload(plaintext))
}

/// The parts of a sealed record's body: nonce, ciphertext, tag and payload.
#[cfg(feature = "vault")]
pub type Parts = ([u8; 24], Vec<u8>, [u8; 16], Vec<u8>);

/// Takes a sealed record's body apart; `None` if it is not one.
#[cfg(feature = "vault")]
#[must_use]
pub fn split_record(body: &[u8]) -> Option<Parts> {
    let parts = crate::sealed::split(body)?;
    let mut nonce = [0; 24];
    nonce.copy_from_slice(parts.nonce.as_flattened());
    let ciphertext = parts.ciphertext.to_vec();
    Some((nonce, ciphertext, parts.tag, parts.payload.to_vec()))
}

/// The ids of the data keys in a password entry's plaintext; `None` if it is not one.
#[cfg(feature = "vault")]
#[must_use]
pub fn parse_password_entry(plaintext: &[u8]) -> Option<Vec<[u8; 16]>> {
    crate::vault::fuzzing::entry_ids(plaintext)
}

/// Opens a value's record around these bytes as the vault does, and writes its metadata again.
#[cfg(feature = "vault")]
#[must_use]
pub fn open_value_record(plaintext: &[u8], data_key: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    crate::vault::fuzzing::open_row(&Secret::from(ROOT), plaintext, data_key, payload)
}

/// Takes a personal access token's text apart, with the prefixes `pat_`, `pat_live_` and `tok-`:
/// its id, and the secret if it is a token of access-tokens.
///
/// # Errors
///
/// [`Reason`](crate::pat::Reason), as `verify` has it.
#[cfg(feature = "pat")]
pub fn parse_pat(text: &str) -> Result<(crate::pat::PatId, Option<Vec<u8>>), crate::pat::Reason> {
    crate::pat::fuzzing::parse(text)
}

/// The text of a token of this id, as it is issued.
#[cfg(feature = "pat")]
#[must_use]
pub fn draw_pat(id: crate::pat::PatId) -> Option<String> {
    crate::pat::fuzzing::draw(id)
}

/// Opens a token's record around these bytes, and writes it again.
#[cfg(feature = "pat")]
#[must_use]
pub fn reseal_pat_record(plaintext: &[u8], keep_expired: i64) -> Option<Vec<u8>> {
    crate::pat::fuzzing::reseal(&Secret::from(ROOT), plaintext, keep_expired)
}
