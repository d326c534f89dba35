//! `jsonwebtoken`: HS256, which signs but does not encrypt.

use std::marker::PhantomData;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};

use crate::contestant::{Claims, ClaimsRef, Contestant, Opened};
use crate::payload::Plain;

pub struct Jwt<D> {
    header: Header,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    data: PhantomData<D>,
}

impl<D> Jwt<D> {
    pub fn new() -> Self {
        let secret: [u8; 32] = rand::random();
        let mut validation = Validation::new(Algorithm::HS256);
        // The other libraries allow no leeway.
        validation.leeway = 0;
        Self {
            header: Header::new(Algorithm::HS256),
            encoding: EncodingKey::from_secret(&secret),
            decoding: DecodingKey::from_secret(&secret),
            validation,
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for Jwt<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        encode(
            &self.header,
            &ClaimsRef::issue(data, lifetime),
            &self.encoding,
        )
        .expect("HS256 signs any claims")
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        // `decode` has checked `exp` against the clock.
        let token = decode::<Claims<D>>(text, &self.decoding, &self.validation).ok()?;
        Some(token.claims.checked())
    }
}
