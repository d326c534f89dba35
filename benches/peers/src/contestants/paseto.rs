//! The two PASETO libraries, both `v4.local`: XChaCha20 with keyed BLAKE2b.
//!
//! Each documents a low-level route for a finished payload and a convenient one that builds the
//! claims. The low-level route is by far the faster, so it is the contestant. `--extra` measures
//! the other as well.

use std::marker::PhantomData;
use std::time::Duration;

use pasetors::claims::{Claims as PasetoClaims, ClaimsValidationRules};
use pasetors::keys::{Generate, SymmetricKey};
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, V4 as PasetorsV4};
use pasetors::{Local as PasetorsLocal, local};
use rusty_paseto::prelude::{
    CustomClaim, Key, Local, Paseto, PasetoBuilder, PasetoNonce, PasetoParser, PasetoSymmetricKey,
    Payload, TokenIdentifierClaim, V4,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::contestant::{Claims, ClaimsRef, Contestant, Opened};
use crate::payload::Plain;

type Untrusted = UntrustedToken<PasetorsLocal, PasetorsV4>;

/// `pasetors` through `version4::LocalToken`, with the same JSON claims as the others.
pub struct Pasetors<D> {
    key: SymmetricKey<PasetorsV4>,
    data: PhantomData<D>,
}

impl<D> Pasetors<D> {
    pub fn new() -> Self {
        Self {
            key: SymmetricKey::generate().expect("the system has randomness"),
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for Pasetors<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        let json = serde_json::to_vec(&ClaimsRef::issue(data, lifetime)).expect("plain JSON");
        LocalToken::encrypt(&self.key, &json, None, None).expect("a payload that is not empty")
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let untrusted = Untrusted::try_from(text).ok()?;
        let trusted = LocalToken::decrypt(&self.key, &untrusted, None, None).ok()?;
        let claims: Claims<D> = serde_json::from_str(trusted.payload()).ok()?;
        claims.current()
    }
}

/// `pasetors` through its own `Claims`, the first route of its documentation.
pub struct PasetorsWithClaims<D> {
    key: SymmetricKey<PasetorsV4>,
    rules: ClaimsValidationRules,
    data: PhantomData<D>,
}

impl<D> PasetorsWithClaims<D> {
    pub fn new() -> Self {
        Self {
            key: SymmetricKey::generate().expect("the system has randomness"),
            rules: ClaimsValidationRules::new(),
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for PasetorsWithClaims<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        let fill = || {
            let mut claims = PasetoClaims::new_expires_in(&Duration::from_secs(lifetime))?;
            claims.token_identifier(&Uuid::new_v4().to_string())?;
            let data = serde_json::to_value(data).expect("plain JSON");
            claims.add_additional("data", data)?;
            local::encrypt(&self.key, &claims, None, None)
        };
        fill().expect("the claims are valid")
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let untrusted = Untrusted::try_from(text).ok()?;
        let trusted = local::decrypt(&self.key, &untrusted, &self.rules, None, None).ok()?;
        let claims = trusted.payload_claims()?;
        Some(Opened {
            uuid: claims.get_claim("jti")?.as_str()?.parse().ok()?,
            data: D::deserialize(claims.get_claim("data")?).ok()?,
        })
    }
}

fn rusty_key() -> PasetoSymmetricKey<V4, Local> {
    PasetoSymmetricKey::from(Key::try_new_random().expect("the system has randomness"))
}

/// `rusty_paseto` through its core `Paseto` type, with the same JSON claims as the others.
pub struct RustyPaseto<D> {
    key: PasetoSymmetricKey<V4, Local>,
    data: PhantomData<D>,
}

impl<D> RustyPaseto<D> {
    pub fn new() -> Self {
        Self {
            key: rusty_key(),
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for RustyPaseto<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        let json = serde_json::to_string(&ClaimsRef::issue(data, lifetime)).expect("plain JSON");
        let nonce = Key::<32>::try_new_random().expect("the system has randomness");
        Paseto::<V4, Local>::builder()
            .set_payload(Payload::from(json.as_str()))
            .try_encrypt(&self.key, &PasetoNonce::from(&nonce))
            .expect("any payload can be encrypted")
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let json = Paseto::<V4, Local>::try_decrypt(text, &self.key, None, None).ok()?;
        let claims: Claims<D> = serde_json::from_str(&json).ok()?;
        claims.current()
    }
}

/// `rusty_paseto` through its builder and parser, the first route of its documentation.
pub struct RustyPasetoBuilder<D> {
    key: PasetoSymmetricKey<V4, Local>,
    data: PhantomData<D>,
}

impl<D> RustyPasetoBuilder<D> {
    pub fn new() -> Self {
        Self {
            key: rusty_key(),
            data: PhantomData,
        }
    }
}

/// The claims that the parser returns. It checks `exp` itself.
#[derive(Deserialize)]
struct Parsed<D> {
    jti: Uuid,
    data: D,
}

impl<D: Plain> Contestant for RustyPasetoBuilder<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        let uuid = Uuid::new_v4().to_string();
        let mut builder =
            PasetoBuilder::<V4, Local>::default().expires_in(Duration::from_secs(lifetime));
        builder
            .set_claim(TokenIdentifierClaim::from(uuid.as_str()))
            .set_claim(CustomClaim::try_from(("data", data)).expect("not a reserved claim"))
            .build(&self.key)
            .expect("the claims are valid")
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let parsed: Parsed<D> = PasetoParser::<V4, Local>::default()
            .parse_into(text, &self.key)
            .ok()?;
        Some(Opened {
            uuid: parsed.jti,
            data: parsed.data,
        })
    }
}
