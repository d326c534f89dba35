//! Names of collections and labels. A database holds them in plain text.

use std::borrow::Cow;
use std::fmt;

use super::error::RecordError;

/// The maximum length of a name, in bytes.
const LONGEST: usize = 32;

/// 1 to 32 characters of `a-z`, `0-9` and `_`.
const fn is_name(mut text: &[u8]) -> bool {
    if text.is_empty() || text.len() > LONGEST {
        return false;
    }
    while let [first, rest @ ..] = text {
        if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        text = rest;
    }
    true
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            ///
            /// [`RecordError::Name`] unless it is 1 to 32 characters of `a-z`, `0-9` and `_`.
            pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, RecordError> {
                let name = name.into();
                if is_name(name.as_bytes()) { Ok(Self(name)) } else { Err(RecordError::Name) }
            }

            /// A name that is a constant of the program. In a `const` item, the compiler checks it.
            ///
            /// # Panics
            ///
            /// If the name is invalid: see [`new`](Self::new).
            #[must_use]
            pub const fn from_static(name: &'static str) -> Self {
                assert!(is_name(name.as_bytes()), "1 to 32 characters of a-z, 0-9 and _");
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
    /// A kind of records, such as `vault` or `pat`. The database holds it in plain text.
    ///
    /// ```
    /// use sealtoken_store::Collection;
    ///
    /// assert!(Collection::new("vault").is_ok());
    /// assert!(Collection::new("no spaces").is_err());
    /// ```
    Collection
}

name! {
    /// The name of a [`Label`](super::Label). The database holds it in plain text.
    LabelName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_32_small_letters_digits_and_underscores() {
        let longest = "a".repeat(LONGEST);
        for name in ["a", "z", "0", "9", "_", longest.as_str()] {
            assert!(LabelName::new(name.to_owned()).is_ok(), "{name}");
        }
        let longer = "a".repeat(LONGEST + 1);
        for name in [
            "", "A", "aZ", "a b", "a-", "`", "{", "/", ":", "\u{e9}", &longer,
        ] {
            let refused = Collection::new(name.to_owned());
            assert_eq!(refused, Err(RecordError::Name), "{name}");
        }
    }
}
