//! Layer 1: keys, the ring that holds them, and their text form.

mod error;
mod key;
mod purpose;
mod ring;
mod text;

pub use error::KeyError;
pub use key::{Key, KeyId};
pub(crate) use purpose::Purpose;
pub use purpose::PurposeKey;
pub(crate) use ring::{CodecKeys, Source};
pub use ring::{KeyRing, PurposeRing, Ring, RingKey, Role};
