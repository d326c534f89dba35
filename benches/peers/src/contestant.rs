//! The trait through which every library is measured, and JSON claims for the libraries that
//! define none.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A library that does the same work as the others.
///
/// `seal` draws a new UUID (v4), reads the clock, and makes one text from both, the expiry and
/// the data. `open` authenticates the text, checks its expiry against the clock, and returns the
/// UUID and the data.
pub trait Contestant {
    /// The data to seal, prepared before the measurement, and the type of the opened data.
    type Data: PartialEq + Debug;

    /// Seals the data for `lifetime` seconds from now.
    fn seal(&self, data: &Self::Data, lifetime: u64) -> String;

    /// Opens a text, or refuses it with `None`.
    fn open(&self, text: &str) -> Option<Opened<Self::Data>>;

    /// Opens a text in the timed loop; returns whether it was accepted.
    ///
    /// Contestants that borrow from the decrypted bytes override this: they cannot return the
    /// data, so they read it in place.
    fn open_timed(&self, text: &str) -> bool {
        black_box(self.open(text)).is_some()
    }
}

/// The content of a text.
#[derive(Debug)]
pub struct Opened<D> {
    pub uuid: Uuid,
    pub data: D,
}

/// The system clock, in whole seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is set after 1970")
        .as_secs()
}

/// The claims to seal. They borrow the data, so that sealing copies nothing.
#[derive(Serialize)]
pub struct ClaimsRef<'a, D> {
    jti: Uuid,
    iat: u64,
    exp: u64,
    data: &'a D,
}

impl<'a, D> ClaimsRef<'a, D> {
    pub fn issue(data: &'a D, lifetime: u64) -> Self {
        let iat = now();
        Self {
            jti: Uuid::new_v4(),
            iat,
            exp: iat + lifetime,
            data,
        }
    }
}

/// The claims of an opened text.
#[derive(Deserialize)]
pub struct Claims<D> {
    jti: Uuid,
    // Parsed as any consumer of the claims would, although only `exp` is checked.
    #[allow(dead_code)]
    iat: u64,
    exp: u64,
    data: D,
}

impl<D> Claims<D> {
    /// The data, unless the claims have expired by now.
    pub fn current(self) -> Option<Opened<D>> {
        (now() < self.exp).then(|| self.checked())
    }

    /// The data, for a library that checks `exp` itself.
    pub fn checked(self) -> Opened<D> {
        Opened {
            uuid: self.jti,
            data: self.data,
        }
    }
}

/// The claims for a library whose texts hold the time of issue outside the payload. Repeating it
/// as `iat` would only slow that library down.
#[derive(Serialize)]
pub struct StampedRef<'a, D> {
    jti: Uuid,
    exp: u64,
    data: &'a D,
}

impl<'a, D> StampedRef<'a, D> {
    pub fn issue(data: &'a D, issued_at: u64, lifetime: u64) -> Self {
        Self {
            jti: Uuid::new_v4(),
            exp: issued_at + lifetime,
            data,
        }
    }
}

/// The counterpart of [`StampedRef`].
#[derive(Deserialize)]
pub struct Stamped<D> {
    jti: Uuid,
    exp: u64,
    data: D,
}

impl<D> Stamped<D> {
    /// The data, unless the claims have expired by now.
    pub fn current(self) -> Option<Opened<D>> {
        (now() < self.exp).then_some(Opened {
            uuid: self.jti,
            data: self.data,
        })
    }
}
