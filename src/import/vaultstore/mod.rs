//! Stored values of the Go system vaultstore, in both of its formats.

mod v1;
pub(crate) mod v2;

use std::fmt;

use base64ct::{Base64Url, Encoding as _};
use zeroize::Zeroizing;

use super::error::ImportError;

/// Reads the values that the Go system `dracory/vaultstore` stored under one password.
///
/// What it reads is what stands in the column `vault_value`. That system has two formats, and a reader takes
/// one of them: the one that it is named for.
///
/// | | [`v2`](Vaultstore::v2) | [`v1`](Vaultstore::v1) |
/// |---|---|---|
/// | text | `v2:` and base64url | base64url |
/// | key | Argon2id of the password and a salt: 3 passes, 64 MiB, 4 lanes | MD5, SHA-1 and SHA-256 of the password |
/// | cipher | AES-256-GCM | exclusive or with the key, which repeats after 200 bytes |
/// | a changed value | is refused | may be read as something else |
///
/// The password is the text that the Go system was given, as it is. An empty one is a password, too. A reader for the
/// second format keeps it, one for the first keeps the key that it makes; both are wiped when the reader is dropped.
///
/// ```
/// use sealtoken::import::{ImportError, Vaultstore};
///
/// # fn main() -> Result<(), ImportError> {
/// # let stored = concat!(
/// #     "v2:enTh82wef2kzMKMPVGwo6miz54xiMQ3CC6l9Fcar4YFFUb6ubizAIdwkLQpAN9tbglvTokIInny5hNYG9_13TQB2OoRO",
/// #     "fhjF3eA="
/// # );
/// let old = Vaultstore::v2("correct horse battery staple".to_owned());
/// let value = old.read(stored)?;
/// assert_eq!(value.as_slice(), b"postgres://app:hunter2@db/prod");
/// assert_eq!(old.read("v2:AAAA").err(), Some(ImportError::Malformed));
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// A value of the second format proves that someone who knows the password wrote it. It does not prove where: that
/// system binds a value neither to its token nor to its end, so whoever writes to the database can put the value of
/// one row into another row of the same password.
///
/// A value of the first format proves nothing: see [`Vaultstore::v1`].
#[derive(Clone)]
pub struct Vaultstore(Format);

#[derive(Clone)]
enum Format {
    V2(Zeroizing<String>),
    V1(v1::Key),
}

impl Vaultstore {
    /// The most bytes that a value may have: 1 MiB. That system has no limit.
    pub const MAX_VALUE: usize = 1 << 20;

    /// The reader for values that begin with `v2:`, under this password.
    ///
    /// The parameters of Argon2id are not in a value. This reader knows the defaults of that system, and no others.
    #[must_use]
    pub fn v2(password: impl Into<Zeroizing<String>>) -> Self {
        Self(Format::V2(password.into()))
    }

    /// The reader for values of the first format, which have no prefix, under this password.
    ///
    /// # Security
    ///
    /// This format is not authenticated. [`Forged`](ImportError::Forged) means that what comes out has no structure. A
    /// wrong password gives that all but surely, and damage often. A forgery does not: who knows a value can put another
    /// of its length there without the password; and who knows one of 110 bytes has the key, and can write any value.
    /// So use this reader on a database to which nobody else could ever write, once, and store anew what comes out.
    /// With any other database, do not let the stored text decide which reader takes it: a forged value would only
    /// have to leave the prefix out.
    ///
    /// Nor does the format hide much. All values of a password have the same key, and it is quick to compute for
    /// whoever guesses passwords. Replace the passwords and the secrets that were stored so.
    #[must_use]
    pub fn v1(password: impl Into<Zeroizing<String>>) -> Self {
        Self(Format::V1(v1::Key::of(&password.into())))
    }

    /// Reads a stored value. Any bytes can come out: that system stores text, but does not ask whether it is UTF-8.
    ///
    /// In the second format each call takes 64 MiB of memory and some tenths of a second, also where it ends in
    /// [`Forged`](ImportError::Forged). Bound how many run at a time, and keep them off the threads of an async runtime.
    ///
    /// # Errors
    ///
    /// - [`Malformed`](ImportError::Malformed): the text is not in this reader's format, or too long.
    /// - [`Forged`](ImportError::Forged): the value was changed, or stored under another password. In the first format, as
    ///   far as that shows.
    /// - [`KeyDerivation`](ImportError::KeyDerivation): Argon2id did not run.
    ///
    /// # Security
    ///
    /// What comes out is wiped when it is dropped. What you copy out of it is not.
    pub fn read(&self, stored: &str) -> Result<Zeroizing<Vec<u8>>, ImportError> {
        match &self.0 {
            Format::V2(password) => v2::Sealed::parse(stored)?.open_with(password),
            Format::V1(key) => v1::read(key, stored),
        }
    }
}

impl fmt::Debug for Vaultstore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vaultstore")
    }
}

/// base64url with padding, in its one spelling. Go's decoder also takes line endings and unused bits that are set.
fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; (text.len() / 4).saturating_mul(3)]);
    let length = Base64Url::decode(text, &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// The number of characters that `bytes` bytes take, padding and all.
const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}
