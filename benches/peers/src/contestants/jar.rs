//! `cookie`: the private jar, AES-256-GCM under a random 12-byte nonce.

use std::marker::PhantomData;

use cookie::{Cookie, CookieJar, Key};

use crate::contestant::{Claims, ClaimsRef, Contestant, Opened};
use crate::payload::Plain;

const NAME: &str = "session";

/// How a text is opened.
#[derive(Clone, Copy)]
pub enum Route {
    /// As in the documentation and in web frameworks: add the received cookie to a jar, then get
    /// it from the private jar.
    Jar,
    /// `PrivateJar::decrypt` on the cookie itself, which avoids the jar's set and one clone.
    Decrypt,
}

pub struct PrivateCookie<D> {
    key: Key,
    route: Route,
    data: PhantomData<D>,
}

impl<D> PrivateCookie<D> {
    pub fn new(route: Route) -> Self {
        Self {
            key: Key::generate(),
            route,
            data: PhantomData,
        }
    }
}

impl<D: Plain> Contestant for PrivateCookie<D> {
    type Data = D;

    fn seal(&self, data: &D, lifetime: u64) -> String {
        let json = serde_json::to_string(&ClaimsRef::issue(data, lifetime)).expect("plain JSON");
        let mut jar = CookieJar::new();
        jar.private_mut(&self.key).add(Cookie::new(NAME, json));
        // The jar keeps the sealed cookie. Writing a header copies it as well.
        jar.get(NAME).expect("just added").value().to_owned()
    }

    fn open(&self, text: &str) -> Option<Opened<D>> {
        let mut jar = CookieJar::new();
        let received = Cookie::new(NAME, text.to_owned());
        let opened = match self.route {
            Route::Jar => {
                jar.add_original(received);
                jar.private(&self.key).get(NAME)?
            }
            Route::Decrypt => jar.private(&self.key).decrypt(received)?,
        };
        let claims: Claims<D> = serde_json::from_str(opened.value()).ok()?;
        claims.current()
    }
}
