//! Layer 2: what a token is, what it carries, and the codec that seals and opens it.

mod age;
mod cargo;
mod codec;
mod error;
mod json;
mod lifetime;
mod state;
mod times;
mod view;

pub use cargo::{Cargo, CargoError, CargoKey, CargoName, Merge, Number, Object, Text, Value};
pub use codec::{Codec, Context, ContextError, Opened, Outline};
pub use error::{OpenError, SealError};
pub use lifetime::{Lifetime, LifetimeError, Seconds};
pub use state::Token;
pub use view::View;
#[cfg(feature = "import")]
pub(crate) use {
    json::entries,
    state::{Sealed, random_uuid},
    times::Times,
};

/// Iterators that methods of this crate return.
pub mod iter {
    pub use super::cargo::Iter;
}
