//! Names of cargo entries: plain text, or text that knows the type of its entry.

use std::fmt;
use std::marker::PhantomData;

/// The name of a cargo entry together with the type of its value, declared once.
///
/// ```
/// use sealtoken::{Cargo, CargoKey};
///
/// const USER_ID: CargoKey<u64> = CargoKey::new("user_id");
///
/// # fn main() -> Result<(), sealtoken::CargoError> {
/// let mut cargo = Cargo::new();
/// cargo.insert(USER_ID, 123)?;
/// assert_eq!(cargo.require(USER_ID)?, 123);
/// assert_eq!(cargo.require::<u64>("user_id")?, 123);
/// # Ok(())
/// # }
/// ```
pub struct CargoKey<T> {
    name: &'static str,
    value: PhantomData<fn(T) -> T>,
}

impl<T> CargoKey<T> {
    /// The entry `name`, whose value is a `T`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }
}

impl<T> Clone for CargoKey<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CargoKey<T> {}

impl<T> AsRef<str> for CargoKey<T> {
    fn as_ref(&self) -> &str {
        self.name
    }
}

impl<T> fmt::Debug for CargoKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CargoKey({:?})", self.name)
    }
}

/// The name of a cargo entry that holds a `T`: text names any type, a [`CargoKey<T>`] its own only.
pub trait CargoName<T>: AsRef<str> {}

impl<T> CargoName<T> for &str {}
impl<T> CargoName<T> for &String {}
impl<T> CargoName<T> for String {}
impl<T> CargoName<T> for CargoKey<T> {}
impl<T> CargoName<T> for &CargoKey<T> {}
