//! The typed map that a token carries.

mod error;
mod expiry;
mod iter;
mod key;
mod map;
mod own;
mod read;
mod reading;
mod serde;
mod value;
mod writing;

pub use error::CargoError;
pub use iter::CargoIter;
pub use key::{CargoKey, CargoName};
pub use map::{Cargo, Merge};
pub use value::{Number, Object, Text, Value};

pub(crate) use own::Own;
pub(crate) use reading::with_expiries;
pub(crate) use value::Expiries;
pub(crate) use writing::has_only;
