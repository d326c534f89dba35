#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]
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
#[cfg(feature = "store")]
pub mod store;
mod token;
#[cfg(feature = "vault")]
pub mod vault;

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

/// The examples of the documents beside the code, compiled and run.
#[cfg(doctest)]
#[cfg_attr(all(feature = "pat", feature = "vault"), doc = include_str!("../README.md"))]
#[doc = include_str!("../docs/dynamodb.md")]
#[doc = include_str!("../docs/from-primordyx.md")]
#[doc = include_str!("../docs/from-access-tokens.md")]
#[doc = include_str!("../docs/from-vaultstore.md")]
#[cfg_attr(feature = "dynamodb", doc = include_str!("../docs/dynamodb.md"))]
#[cfg_attr(feature = "pat", doc = include_str!("../docs/pat.md"))]
#[cfg_attr(feature = "vault", doc = include_str!("../docs/vault.md"))]
mod documents {}
