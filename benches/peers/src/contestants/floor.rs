//! The floor: the fastest known parts, combined without a library.
//!
//! It has no key ring, no purposes, no versions, and a random nonce of only 96 bits. It is not a
//! design to copy; it shows the cost of the work itself.
//!
//! Text: base64url of `nonce 12 | AES-256-GCM of (uuid 16, issued 8, expiry 8, JSON) | tag 16`.

use std::cell::RefCell;
use std::hint::black_box;
use std::marker::PhantomData;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64_simd::URL_SAFE_NO_PAD;
use rand::Rng;
use serde::Serialize;
use uuid::{Builder, Uuid};

use crate::contestant::{Contestant, Opened, now};
use crate::payload::{Payload, Plain};

const NONCE: usize = 12;
const TAG: usize = 16;
const HEADER: usize = 16 + 8 + 8;

thread_local! {
    /// Reused by every call, so that the result is the only allocation.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(8 * 1024));
}

struct Cipher {
    key: LessSafeKey,
}

impl Cipher {
    fn new() -> Self {
        let bytes: [u8; 32] = rand::random();
        let key = UnboundKey::new(&AES_256_GCM, &bytes).expect("32 bytes");
        Self {
            key: LessSafeKey::new(key),
        }
    }

    fn seal<D: Serialize>(&self, data: &D, lifetime: u64) -> String {
        SCRATCH.with_borrow_mut(|scratch| {
            // One draw for the nonce and the uuid.
            let mut random = [0; NONCE + 16];
            rand::rng().fill_bytes(&mut random);
            let (nonce, uuid) = random.split_first_chunk::<NONCE>().expect("12 of 28");
            let uuid = Builder::from_random_bytes(uuid.try_into().expect("16 of 28")).into_uuid();
            let issued_at = now();

            scratch.clear();
            scratch.extend_from_slice(nonce);
            scratch.extend_from_slice(uuid.as_bytes());
            scratch.extend_from_slice(&issued_at.to_le_bytes());
            scratch.extend_from_slice(&(issued_at + lifetime).to_le_bytes());
            serde_json::to_writer(&mut *scratch, data).expect("plain JSON");

            let nonce = Nonce::assume_unique_for_key(*nonce);
            let tag = self
                .key
                .seal_in_place_separate_tag(nonce, Aad::empty(), &mut scratch[NONCE..])
                .expect("short enough");
            scratch.extend_from_slice(tag.as_ref());
            URL_SAFE_NO_PAD.encode_to_string(&*scratch)
        })
    }

    /// Passes the UUID and the data's JSON to `read`, in the scratch memory.
    fn open<R>(&self, text: &str, read: impl FnOnce(Uuid, &[u8]) -> Option<R>) -> Option<R> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            URL_SAFE_NO_PAD.decode_append(text, scratch).ok()?;
            let (nonce, sealed) = scratch.split_first_chunk_mut::<NONCE>()?;
            if sealed.len() < HEADER + TAG {
                return None;
            }
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let plain = self.key.open_in_place(nonce, Aad::empty(), sealed).ok()?;
            let (uuid, rest) = plain.split_first_chunk::<16>()?;
            let (_issued_at, rest) = rest.split_first_chunk::<8>()?;
            let (expiry, json) = rest.split_first_chunk::<8>()?;
            if now() >= u64::from_le_bytes(*expiry) {
                return None;
            }
            read(Uuid::from_bytes(*uuid), json)
        })
    }
}

/// The floor with owned data.
pub struct Floor<D> {
    cipher: Cipher,
    data: PhantomData<D>,
}

impl<D> Floor<D> {
    pub fn new() -> Self {
        Self {
            cipher: Cipher::new(),
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for Floor<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        self.cipher.seal(data, lifetime)
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        self.cipher.open(text, |uuid, json| {
            let data = serde_json::from_slice(json).ok()?;
            Some(Opened { uuid, data })
        })
    }
}

/// The floor with data that is read in place.
pub struct FloorBorrowed<D>(Floor<D>);

impl<D> FloorBorrowed<D> {
    pub fn new() -> Self {
        Self(Floor::new())
    }
}

impl<D: Payload> Contestant for FloorBorrowed<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        self.0.seal(data, lifetime)
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        self.0.cipher.open(text, |uuid, json| {
            let borrowed: D::Borrowed<'_> = serde_json::from_slice(json).ok()?;
            let data = D::from_borrowed(&borrowed);
            Some(Opened { uuid, data })
        })
    }

    fn open_timed(&self, text: &str) -> bool {
        let opened = self.0.cipher.open(text, |uuid, json| {
            let borrowed: D::Borrowed<'_> = serde_json::from_slice(json).ok()?;
            black_box((&uuid, &borrowed));
            Some(())
        });
        opened.is_some()
    }
}
