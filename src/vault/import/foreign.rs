//! Values of other systems, and why one was not imported.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::crypto::clock::Expiry;
use crate::events::drop_quietly;
use crate::sealed::NewExpiry;
use crate::vault::VaultError;
use crate::vault::secret::SecretBytes;
use crate::vault::target::{TokenSource, VaultToken};

/// A value that another system stored, for [`Vault::import`](crate::vault::Vault::import).
///
/// It consists of the token, which it keeps, and the code that reads it, which may fail with an
/// error of your own.
///
/// ```
/// use sealtoken::vault::ForeignValue;
///
/// # fn decrypt(_: &[u8]) -> Result<Vec<u8>, std::io::Error> { Ok(Vec::new()) }
/// # let (token, stored) = ("a-token-of-that-system".to_owned(), Vec::new());
/// let value = ForeignValue::new(token, move || decrypt(&stored));
/// ```
#[must_use = "this describes a value; `Vault::import` imports it"]
pub struct ForeignValue<E> {
    token: VaultToken,
    expiry: Expiry,
    reader: Mutex<Reader<E>>,
}

/// Reads a value. The lock is never contended: it makes the type `Sync`.
type Reader<E> = Box<dyn FnOnce() -> Result<SecretBytes, E> + Send>;

/// Why one value was not imported.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{ForeignValue, ImportError, Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// let values = [ForeignValue::new("a-token-of-that-system", || Err::<&str, _>("damaged"))];
/// for result in vault.import(values).await? {
///     assert_eq!(result.err(), Some(ImportError::Read("damaged")));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError<E> {
    /// It could not be read.
    Read(E),
    /// The code that reads it panicked.
    ReaderPanicked,
    /// It could not be stored.
    Vault(VaultError),
}

impl<E> ForeignValue<E> {
    /// A value under its own token: 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// `read` returns the plaintext. It runs on a thread where it may block, so it can derive a key
    /// from a password. It is not called if the token or the expiry is invalid. If it panics, only
    /// that value fails.
    pub fn new<V: Into<SecretBytes>>(
        token: impl Into<VaultToken>,
        read: impl FnOnce() -> Result<V, E> + Send + 'static,
    ) -> Self {
        Self {
            token: token.into(),
            expiry: Expiry::Never,
            reader: Mutex::new(Box::new(move || read().map(Into::into))),
        }
    }

    /// When it expires. Default: never. A moment in the past is kept: the value is imported as
    /// expired.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expiry = expiry.into();
        self
    }

    pub(super) fn source(&self) -> TokenSource {
        TokenSource::Chosen(self.token.clone())
    }

    pub(super) fn expiry(&self) -> NewExpiry {
        match self.expiry {
            Expiry::At(at) => NewExpiry::Imported(at),
            expiry => expiry.into(),
        }
    }

    /// The function that reads the value, on a thread where it may block.
    pub(super) fn into_reader(self) -> impl FnOnce() -> Result<SecretBytes, ImportError<E>> + Send
    where
        E: 'static,
    {
        let reader = self.reader.into_inner();
        let reader = reader.unwrap_or_else(PoisonError::into_inner);
        || match catch_unwind(AssertUnwindSafe(reader)) {
            Ok(read) => read.map_err(ImportError::Read),
            Err(payload) => {
                drop_quietly(payload);
                Err(ImportError::ReaderPanicked)
            }
        }
    }
}

impl<E> ImportError<E> {
    /// The stable name: `unreadable`, whatever the error of your reader is; `reader_panicked`; or
    /// the code of the vault's error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "unreadable",
            Self::ReaderPanicked => "reader_panicked",
            Self::Vault(error) => error.code(),
        }
    }
}

impl<E> fmt::Debug for ForeignValue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignValue")
    }
}

impl<E: fmt::Display> fmt::Display for ImportError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::ReaderPanicked => f.write_str("the code that reads this value panicked"),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl<E: Error> Error for ImportError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => error.source(),
            Self::ReaderPanicked => None,
            Self::Vault(error) => error.source(),
        }
    }
}
