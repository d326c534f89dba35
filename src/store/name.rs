//! The names that stand in a database as they are.

use std::borrow::Cow;
use std::fmt;

use super::error::RecordError;

/// The most bytes of a name.
const LONGEST: usize = 32;

/// 1 to 32 characters of `a-z`, `0-9` and `_`.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(fits)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Checks the name.
            ///
            /// # Errors
            ///
            /// [`RecordError::Name`] unless it is 1 to 32 characters of `a-z`, `0-9` and `_`.
            pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, RecordError> {
                let name = name.into();
                if is_name(&name) { Ok(Self(name)) } else { Err(RecordError::Name) }
            }

            /// A name of the library's own, which fits.
            pub(crate) const fn known(name: &'static str) -> Self {
                Self(Cow::Borrowed(name))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// What kind of record it is: `vault`, `pat` and so on. It stands in the database in clear.
    ///
    /// ```
    /// use sealtoken::store::Collection;
    ///
    /// assert!(Collection::new("vault").is_ok());
    /// assert!(Collection::new("no spaces").is_err());
    /// ```
    Collection
}

name! {
    /// The name of a [`Label`](super::Label). It stands in the database in clear.
    LabelName
}
