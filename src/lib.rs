#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))] // each item shows its feature
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::unnecessary_wraps)
)]

// The services derive. Without them serde's traits are enough, and nothing builds its macros.
#[cfg(not(any(test, feature = "pat", feature = "vault")))]
extern crate serde_core as serde;

mod crypto;
// Both services together use all of `events`, `limits` and `sealed`.
#[cfg(any(feature = "pat", feature = "vault"))]
#[cfg_attr(
    not(all(feature = "pat", feature = "vault")),
    allow(dead_code, unused_imports)
)]
pub mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod keys;
#[cfg(any(feature = "pat", feature = "vault"))]
#[cfg_attr(
    not(all(feature = "pat", feature = "vault")),
    allow(dead_code, unused_imports)
)]
pub mod limits;
#[cfg(feature = "pat")]
pub mod pat;
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

pub use crypto::clock::{Clock, Expiry, ExpiryError, ManualClock, ParseTimeError, UnixTime};
pub use crypto::random::reseed;
pub use crypto::xaes::Backend;
pub use keys::{Key, KeyError, KeyId, KeyRing, PurposeKey, Ring, RingKey, Role};
#[cfg(any(feature = "pat", feature = "vault"))]
pub use sealed::{
    Bulk, ListStream, Listed, Listing, Page, PublicError, Rewrapped, ServiceError, State, Tally,
};
pub use token::{
    Cargo, CargoError, CargoIter, CargoKey, CargoName, Codec, Content, Context, ForeignToken,
    JsonFormat, Lifetime, Merge, Number, Object, OpenError, Opened, SealError, Text, Token,
    TokenHeader, Typed, TypedToken, Value, Zone,
};
