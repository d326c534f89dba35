//! Keys, key rings, and their text form.

mod error;
mod id;
mod key;
mod purpose;
mod ring;
mod text;

pub use error::KeyError;
pub use id::KeyId;
pub use key::Key;
pub(crate) use purpose::Purpose;
pub use purpose::PurposeKey;
pub(crate) use ring::{CodecKeys, Source};
pub use ring::{KeyRing, Ring, RingKey, Role};
