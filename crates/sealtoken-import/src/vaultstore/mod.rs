//! Stored values of the Go system vaultstore, in both of its formats.

mod error;
mod v1;
pub(crate) mod v2;

use std::fmt;
use std::sync::Arc;

use base64ct::{Base64Url, Encoding as _};
use sealtoken::UnixTime;
use sealtoken::vault::{ForeignValue, VaultToken};
use zeroize::Zeroizing;

pub use self::error::VaultstoreError;

/// Reads the values that the Go system `dracory/vaultstore` stored under one password.
///
/// They are in the column `vault_value`. That system has two formats, and a reader accepts only the
/// one that it was made for.
///
/// | | [`v2`](Vaultstore::v2) | [`v1`](Vaultstore::v1) |
/// |---|---|---|
/// | text | `v2:` and base64url | base64url |
/// | key | Argon2id: 3 passes, 64 MiB, 4 lanes | MD5, SHA-1 and SHA-256 of the password |
/// | cipher | AES-256-GCM | XOR with the key, which repeats after 200 bytes |
/// | a changed value | is refused | may be read as something else |
///
/// The password is the text that was given to the Go system, and may be empty. A reader for the
/// second format keeps it; a reader for the first keeps the key derived from it. Both are wiped
/// when the last clone is dropped.
///
/// ```
/// use sealtoken_import::{Vaultstore, VaultstoreError};
///
/// # fn main() -> Result<(), VaultstoreError> {
/// # let stored = concat!(
/// #     "v2:enTh82wef2kzMKMPVGwo6miz54xiMQ3CC6l9Fcar4YFFUb6ubizAIdwkLQpAN9tbglvTokIInny5h",
/// #     "NYG9_13TQB2OoROfhjF3eA="
/// # );
/// let old = Vaultstore::v2("correct horse battery staple".to_owned());
/// let value = old.read(stored)?;
/// assert_eq!(value.as_slice(), b"postgres://app:hunter2@db/prod");
/// assert_eq!(old.read("v2:AAAA").err(), Some(VaultstoreError::Malformed));
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// A value of the second format proves that someone who knows the password wrote it, but not where.
/// That system binds a value neither to its token nor to its expiry: an attacker with write access
/// to the database can copy the value of one row into another row with the same password.
///
/// A value of the first format proves nothing: see [`Vaultstore::v1`].
#[derive(Clone)]
pub struct Vaultstore(Arc<Format>);

/// The maximum size of a value, in bytes.
const MAX_VALUE: usize = 1 << 20;

enum Format {
    V2(Zeroizing<String>),
    V1(v1::Key),
}

impl Vaultstore {
    /// A reader for values that begin with `v2:`, under this password.
    ///
    /// A value does not name the parameters of Argon2id. This reader uses the defaults of that
    /// system.
    #[must_use]
    pub fn v2(password: impl Into<Zeroizing<String>>) -> Self {
        Self(Arc::new(Format::V2(password.into())))
    }

    /// A reader for values of the first format, which has no prefix, under this password.
    ///
    /// # Security
    ///
    /// This format is not authenticated. [`Forged`](VaultstoreError::Forged) only means that the
    /// plaintext has no structure. A wrong password is detected almost certainly, and damage often,
    /// but a forgery is not. An attacker who knows a value can replace it by another of its length
    /// without the password; one who knows a value of 110 bytes has the key, and can write any
    /// value. So use this reader once, on a database to which nobody else could ever write, and
    /// store the values anew. With any other database, do not choose the reader by the stored text:
    /// a forged value would only have to leave the prefix out.
    ///
    /// This format does not hide much either. All values of a password share one key, which is
    /// quick to compute for an attacker who guesses passwords. Replace the passwords, and the
    /// secrets that were stored with them.
    #[must_use]
    pub fn v1(password: impl Into<Zeroizing<String>>) -> Self {
        Self(Arc::new(Format::V1(v1::Key::of(&password.into()))))
    }

    /// Reads a stored value of at most 1 MiB. It may be any bytes: that system stores text without
    /// checking that it is UTF-8.
    ///
    /// In the second format, each call takes 64 MiB of memory and some tenths of a second, even if
    /// it returns [`Forged`](VaultstoreError::Forged). Limit how many run at once, and keep them
    /// off the threads of an async runtime. [`Vault::import`](sealtoken::vault::Vault::import) does
    /// both.
    ///
    /// # Errors
    ///
    /// [`VaultstoreError`].
    ///
    /// # Security
    ///
    /// The value is wiped when it is dropped. Your copies of it are not.
    pub fn read(&self, stored: &str) -> Result<Zeroizing<Vec<u8>>, VaultstoreError> {
        match &*self.0 {
            Format::V2(password) => v2::Sealed::parse(stored)?.open_with(password),
            Format::V1(key) => v1::read(key, stored),
        }
    }

    /// Prepares a row for [`Vault::import`](sealtoken::vault::Vault::import) from its columns
    /// `vault_token`, `vault_value` (ciphertext) and `expires_at`. The value is decrypted when the
    /// import reaches it.
    ///
    /// The value keeps its token, if that has 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and
    /// `_`. `None` and the last second of the year 9999 mean that it never expires, as they do
    /// there.
    ///
    /// ```
    /// use sealtoken::UnixTime;
    /// use sealtoken::vault::{Vault, VaultError};
    /// use sealtoken_import::Vaultstore;
    ///
    /// # struct Row { vault_token: String, vault_value: String, expires_at: UnixTime }
    /// # async fn example(vault: Vault, rows: Vec<Row>) -> Result<(), VaultError> {
    /// let old = Vaultstore::v2("the old password".to_owned());
    /// let values = rows
    ///     .into_iter()
    ///     .map(|row| old.value(row.vault_token, row.vault_value, Some(row.expires_at)));
    /// let imported = vault.import(values).password("the new password").await?;
    /// println!("{} of {}", imported.iter().flatten().count(), imported.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn value(
        &self,
        token: impl Into<VaultToken>,
        stored: impl Into<String>,
        expires_at: Option<UnixTime>,
    ) -> ForeignValue<VaultstoreError> {
        let (reader, stored) = (self.clone(), stored.into());
        let value = ForeignValue::new(token, move || reader.read(&stored));
        match expires_at.filter(|at| *at < UnixTime::MAX_DATE) {
            Some(at) => value.expires(at),
            None => value,
        }
    }
}

impl fmt::Debug for Vaultstore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vaultstore")
    }
}

/// Decodes base64url with padding, in its canonical spelling. Go's decoder also accepts line
/// endings and unused bits that are set.
fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; (text.len() / 4).saturating_mul(3)]);
    let length = Base64Url::decode(text, &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// The number of characters that encode `bytes` bytes, with padding.
const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}
