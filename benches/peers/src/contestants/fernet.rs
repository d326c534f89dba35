//! `fernet`: AES-128-CBC with HMAC-SHA256, from RustCrypto.

use std::marker::PhantomData;

use ::fernet::Fernet as Key;

use crate::contestant::{Contestant, Opened, Stamped, StampedRef, now};
use crate::payload::Plain;

pub struct Fernet<D> {
    key: Key,
    data: PhantomData<D>,
}

impl<D> Fernet<D> {
    pub fn new() -> Self {
        Self {
            key: Key::new(&Key::generate_key()).expect("a generated key is valid"),
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for Fernet<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        // `encrypt` reads the clock again for its own timestamp; it accepts no other.
        let claims = StampedRef::issue(data, now(), lifetime);
        let json = serde_json::to_vec(&claims).expect("plain JSON");
        self.key.encrypt(&json)
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        // The opener chooses a fernet's lifetime. Here the text itself must hold its expiry, as
        // it does for the others, so `exp` is one of the claims.
        let json = self.key.decrypt(text).ok()?;
        let claims: Stamped<D> = serde_json::from_slice(&json).ok()?;
        claims.current()
    }
}
