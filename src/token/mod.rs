//! What a token is, what it carries, and the codec that seals and opens it.

mod cargo;
mod codec;
mod content;
mod error;
mod foreign;
mod json;
mod shown;
mod state;
mod times;
mod zone;

pub use cargo::{
    Cargo, CargoError, CargoIter, CargoKey, CargoName, Merge, Number, Object, Text, Value,
};
pub use codec::{Codec, Context, Opened, TokenHeader};
pub use content::{Content, Typed};
pub use error::{OpenError, SealError};
pub use foreign::ForeignToken;
pub use shown::JsonFormat;
pub use state::{Token, TypedToken};
pub use times::Lifetime;
pub use zone::Zone;
