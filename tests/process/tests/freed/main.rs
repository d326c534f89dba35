//! Freed memory contains no key and no plaintext.
//!
//! Each test runs some operations while an allocator copies all freed memory, then searches the
//! copy. The test keeps alive or wipes the secrets that its caller would own: [`Wiped`] is the type
//! of a careful caller.

mod by_serde;
mod cargo;

#[cfg(feature = "import")]
mod import;
#[cfg(feature = "import")]
mod import_vaultstore;
mod keys;
#[cfg(any(feature = "pat", feature = "vault"))]
mod keysets;
#[cfg(feature = "pat")]
mod pats;
mod refused;
mod secrets;
#[cfg(target_os = "linux")]
mod stack;
mod tokens;
#[cfg(feature = "vault")]
mod vault;

use sealtoken::{Codec, Key, KeyRing};
use sealtoken_process_tests::freed::Recording;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

#[global_allocator]
static RECORDING: Recording = Recording;

/// Text that is wiped when dropped.
#[derive(Serialize, Deserialize, Clone, PartialEq)]
#[serde(transparent)]
struct Wiped(String);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A caller's own cargo.
#[derive(Serialize, Deserialize)]
struct Session {
    user: u64,
    secret: Wiped,
    more: Vec<Wiped>,
}

impl Session {
    fn new(secrets: &[&str]) -> Self {
        let mut more: Vec<_> = secrets
            .iter()
            .map(|text| Wiped((*text).to_owned()))
            .collect();
        let secret = more.pop().expect("at least one");
        Self {
            user: 42,
            secret,
            more,
        }
    }
}

/// A codec under the fixed key that accepts long tokens.
fn codec(purpose: &str) -> Codec {
    let ring = KeyRing::new(Key::from_bytes(secrets::ROOT));
    ring.codec(purpose)
        .expect("a purpose")
        .with_max_len(1 << 20)
}
