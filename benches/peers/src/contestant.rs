//! The one trait that every library is measured through, and the claims that the
//! libraries without claims of their own carry as JSON.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A library at equal duty.
///
/// `seal` draws a new uuid (v4), reads the clock, and makes one text that holds both,
/// the expiry, and the data. `open` verifies that the text is authentic and, against
/// the clock, not expired; then it yields the uuid and the data.
pub trait Contestant {
    /// What is sealed, ready before the clock starts, and what comes back.
    type Data: PartialEq + Debug;

    /// Seals the data for `lifetime` seconds from now.
    fn seal(&self, data: &Self::Data, lifetime: u64) -> String;

    /// Opens a text; `None` means refused.
    fn open(&self, text: &str) -> Option<Opened<Self::Data>>;

    /// What the timed loop runs; says whether the text was accepted.
    ///
    /// The contestants that borrow their data from the decrypted bytes override this:
    /// they cannot hand the data out, so they look at it where it stands.
    fn open_timed(&self, text: &str) -> bool {
        black_box(self.open(text)).is_some()
    }
}

/// What a text held.
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

/// The claims as JSON, borrowing the data: no copy is made to seal it.
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

/// The claims that came out of a text.
#[derive(Deserialize)]
pub struct Claims<D> {
    jti: Uuid,
    // Read as every consumer of the claims would, although only `exp` decides.
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

    /// The data, for a library that has checked `exp` itself.
    pub fn checked(self) -> Opened<D> {
        Opened {
            uuid: self.jti,
            data: self.data,
        }
    }
}

/// The claims for a library whose texts bear their time of issue outside the payload:
/// repeating it as `iat` would only make that library slower.
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
