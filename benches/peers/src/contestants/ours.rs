//! `sealtoken`, the library of this repository.

use std::cell::RefCell;
use std::hint::black_box;
use std::marker::PhantomData;

use sealtoken::{Backend, Cargo, Codec, Key, KeyRing, Lifetime, Token, TypedToken};
use serde::Deserialize;

use crate::contestant::{Contestant, Opened};
use crate::payload::Payload;

fn codec(backend: Backend) -> Codec {
    KeyRing::new(Key::generate())
        .codec("peers")
        .expect("a valid purpose")
        // The most that a browser accepts. The basket leaves little room for a cookie's name.
        .with_max_len(Codec::DEFAULT_MAX_OPENED)
        .with_backend(backend)
}

/// A struct, sealed by reference and opened into an owned value.
pub struct Typed<D> {
    codec: Codec,
    data: PhantomData<D>,
}

impl<D> Typed<D> {
    pub fn new(backend: Backend) -> Self {
        Self {
            codec: codec(backend),
            data: PhantomData,
        }
    }
}

impl<D: Payload> Contestant for Typed<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        self.codec
            .seal_value(data, Lifetime::seconds(lifetime))
            .expect("plain JSON")
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let token: TypedToken<D> = self.codec.open_value(text).ok()?;
        Some(Opened {
            uuid: token.uuid(),
            data: token.into_value(),
        })
    }
}

/// A struct that borrows from the decrypted bytes, through `open_with`.
pub struct Borrowed<D>(Typed<D>);

impl<D> Borrowed<D> {
    pub fn new(backend: Backend) -> Self {
        Self(Typed::new(backend))
    }
}

impl<D: Payload> Contestant for Borrowed<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        self.0.seal(data, lifetime)
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let opened = self.0.codec.open_with(text, |opened| {
            let borrowed = opened.cargo::<D::Borrowed<'_>>()?;
            Ok(Opened {
                uuid: opened.uuid(),
                data: D::from_borrowed(&borrowed),
            })
        });
        opened.ok()
    }

    fn open_timed(&self, text: &str) -> bool {
        let opened = self.0.codec.open_with(text, |opened| {
            let borrowed = opened.cargo::<D::Borrowed<'_>>()?;
            black_box((opened.uuid(), &borrowed));
            Ok(())
        });
        opened.is_ok()
    }
}

/// A map: the library's own `Cargo`.
pub struct Map {
    codec: Codec,
    /// The lane's map, between two sealings. A new token takes it by value, while the peers take
    /// a reference. Reusing it saves a copy that the peers do not make.
    spare: RefCell<Option<Cargo>>,
}

impl Map {
    pub fn new(backend: Backend) -> Self {
        Self {
            codec: codec(backend),
            spare: RefCell::new(None),
        }
    }
}

impl Contestant for Map {
    type Data = Cargo;

    fn seal(&self, data: &Cargo, lifetime: u64) -> String {
        let cargo = self.spare.take().unwrap_or_else(|| data.clone());
        let mut token = Token::from(cargo);
        let text = self
            .codec
            .seal(&mut token, Lifetime::seconds(lifetime))
            .expect("plain JSON");
        self.spare.replace(Some(token.into_cargo()));
        text
    }

    fn open(&self, text: &str) -> Option<Opened<Cargo>> {
        let token = self.codec.open(text).ok()?;
        Some(Opened {
            uuid: token.uuid(),
            data: token.into_cargo(),
        })
    }
}

/// The same data as a cargo.
pub fn as_cargo<T: Payload>(data: &T) -> Cargo {
    let json = serde_json::to_string(data).expect("the payloads are plain JSON");
    Cargo::deserialize(&mut serde_json::Deserializer::from_str(&json)).expect("a map")
}
