#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))] // each item shows its feature
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::unnecessary_wraps)
)]

mod crypto;
#[cfg(any(feature = "pat", feature = "vault"))]
pub mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(feature = "import")]
pub mod import;
mod keys;
#[cfg(any(feature = "pat", feature = "vault"))]
pub mod limits;
#[cfg(feature = "pat")]
pub mod pat;
// Each service uses a part of it.
#[cfg(any(feature = "pat", feature = "vault"))]
#[cfg_attr(
    not(all(feature = "pat", feature = "vault")),
    allow(dead_code, unused_imports)
)]
mod sealed;
mod token;
#[cfg(feature = "vault")]
pub mod vault;

#[cfg(feature = "store")]
#[doc(inline)]
pub use sealtoken_store as store;

pub use crypto::clock::{Clock, ManualClock, SystemClock, UnixTime};
pub use crypto::random::reseed;
pub use crypto::xaes::Backend;
pub use keys::{Key, KeyError, KeyId, KeyRing, PurposeKey, PurposeRing, Ring, RingKey, Role};
pub use token::iter;
pub use token::{
    Cargo, CargoError, CargoKey, CargoName, Codec, Context, ContextError, Lifetime, LifetimeError,
    Merge, Number, Object, OpenError, Opened, Outline, SealError, Seconds, Text, Token, Value,
    View,
};
