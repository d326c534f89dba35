//! Keeps secrets behind a token and, if you want, a password.
//!
//! ```
//! use sealtoken::store::MemoryStore;
//! use sealtoken::vault::{Vault, VaultError};
//! use sealtoken::{Key, KeyRing, Lifetime};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeyRing::new(Key::generate());
//! let vault = Vault::open(MemoryStore::new(), &keys).await?;
//!
//! let create = vault.create("db-password").password("correct horse");
//! let token = create.expires(Lifetime::days(1)).await?;
//! let secret = vault.read(&token).password("correct horse").await?;
//! assert_eq!(secret.expose(), b"db-password");
//!
//! let wrong = vault.read(&token).password("battery staple").await;
//! assert_eq!(wrong.err(), Some(VaultError::InvalidPassword));
//! # Ok(())
//! # }
//! ```
//!
//! A value with a password needs the ring, the token *and* the password; one without needs the ring
//! and the token. The store never sees a token, a value, a label, a namespace or a time in clear.
//! It does see sizes, which labels are equal, and the order of times: see `SECURITY.md`.
//!
//! Operations are builders that are awaited. If you drop the future of one on a single value, it is
//! done completely or not at all. One on many values may be done for some of them: repeat it.

mod access;
mod create;
mod create_many;
mod entry;
mod error;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hashing;
mod history;
mod import;
mod info;
mod life;
mod list;
mod move_up;
mod names;
mod namespace;
pub mod operation;
mod options;
mod prune;
mod purge;
mod read;
mod read_many;
mod records;
mod rekey;
mod rewrap;
mod root;
mod row;
mod secret;
pub mod subject;
mod target;
#[cfg(test)]
mod tests;
mod unlock;
mod update;
mod upsert;

use std::fmt;
use std::sync::Arc;

use crate::crypto::clock::UnixTime;
use crate::events::Observer;
use crate::keys::KeyRing;
use crate::limits::AttemptGuard;
use crate::sealed::{BackgroundWriter, Keysets};
use crate::store::Store;

use self::hashing::Hasher;
use self::move_up::MovingUp;
use self::options::Settings;
use self::records::Records;
use self::root::Root;

pub use self::create::Create;
pub use self::error::VaultError;
pub use self::hashing::Argon2Cost;
pub use self::history::RollBack;
pub use self::import::{ForeignValue, Import, ImportError};
pub use self::info::{ValueInfo, VersionInfo};
pub use self::life::Renew;
pub use self::list::ListedValues;
pub use self::options::VaultOptions;
pub use self::read::Read;
pub use self::read_many::ReadMany;
pub use self::secret::{Password, SecretBytes};
pub use self::target::{Target, ValueId, VaultToken};
pub use self::unlock::Unlocked;
pub use self::update::Update;

/// Secrets behind tokens and passwords, in one namespace of a store. Clones share everything.
///
/// See the [module](self) for an example.
#[derive(Clone)]
pub struct Vault {
    shared: Arc<Shared>,
    name: Arc<str>,
}

struct Shared {
    records: Records,
    background: BackgroundWriter<MovingUp>,
    guard: AttemptGuard,
    hasher: Hasher,
    observer: Observer,
    settings: Settings,
}

impl Vault {
    /// The namespace of a vault that was just opened.
    pub const DEFAULT_NAMESPACE: &'static str = "default";

    /// Opens the vault in this store, or creates one, with the defaults of [`VaultOptions`].
    ///
    /// # Errors
    ///
    /// [`VaultError::Service`]: the store failed, the ring lacks the key that sealed the vault, or
    /// the store has values but no keyset.
    pub async fn open(store: impl Store, keys: &KeyRing) -> Result<Self, VaultError> {
        Self::options().open(store, keys).await
    }

    /// Settings to change before the vault is opened.
    pub fn options() -> VaultOptions {
        VaultOptions::new()
    }

    async fn with_settings(
        store: Arc<dyn Store>,
        keys: &KeyRing,
        settings: Settings,
    ) -> Result<Self, VaultError> {
        let hasher = Hasher::new(settings.service.pool()?);
        let keysets = Keysets::new(Arc::clone(&store), keys.clone(), names::KEYSETS);
        let root = Root::open(&keysets, settings.cost).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                background: BackgroundWriter::new(MovingUp(Arc::clone(&store))),
                guard: settings.service.guard(),
                hasher,
                observer: settings.service.observer(),
                records: Records::new(store, keysets, root),
                settings,
            }),
            name: Self::DEFAULT_NAMESPACE.into(),
        })
    }

    /// The same vault with another namespace: one for each user or tenant, say.
    ///
    /// Each namespace has its own keys. A value in one is not found in another, and changing a
    /// password in one changes it in no other. A namespace is created by the first operation that
    /// creates or imports values.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// let ada = vault.namespace("ada")?;
    /// let token = ada.create("db-password").await?;
    /// assert!(ada.exists(&token).await? && !vault.exists(&token).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::InvalidNamespace`] unless the name has 1 to 255 bytes.
    pub fn namespace(&self, name: &str) -> Result<Self, VaultError> {
        if !(1..=255).contains(&name.len()) {
            return Err(VaultError::InvalidNamespace);
        }
        Ok(Self {
            shared: Arc::clone(&self.shared),
            name: name.into(),
        })
    }

    /// The name of the namespace.
    #[must_use]
    pub fn namespace_name(&self) -> &str {
        &self.name
    }

    fn now(&self) -> UnixTime {
        self.shared.settings.service.clock.now()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("store", &self.shared.records)
            .field("namespace", &self.name)
            .finish_non_exhaustive()
    }
}
