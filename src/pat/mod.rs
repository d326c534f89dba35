//! Personal access tokens: text that lets a person's script do what the person may do, or less.
//!
//! ```
//! use sealtoken::pat::{PersonalAccessTokens, Reason, VerifyError};
//! use sealtoken::store::MemoryStore;
//! use sealtoken::{Key, KeyRing, Lifetime};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeyRing::new(Key::generate());
//! let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
//!
//! let issued = pats.issue("ada@example.com").role("reader").expires(Lifetime::days(90)).await?;
//! let text = issued.token.expose(); // pat_…: show it once
//!
//! let record = pats.verify(text).await?;
//! assert!(record.has_role("reader"));
//!
//! pats.revoke(record.id).await?;
//! let refused = pats.verify(text).await;
//! assert_eq!(refused, Err(VerifyError::Refused(Reason::Revoked)));
//! # Ok(())
//! # }
//! ```
//!
//! A token is `{prefix}{id}_{secret}{check}`: letters, digits and `_` only. Its secret has 256
//! random bits, so a keyed hash of it is enough, and a token is verified in microseconds. The key
//! of that hash is in the store, sealed by the ring: tokens stay valid when the ring is rotated.
//! All metadata is sealed, too: the database shows only when a record may be purged, which follows
//! from its expiry. Write access to the database alone cannot grant admin, add a role or forge a
//! token.

mod bootstrap;
mod bulk;
mod cache;
mod error;
mod foreign;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hash;
mod import;
mod issue;
mod life;
mod list;
mod names;
mod new;
pub mod operation;
mod options;
mod owned;
mod record;
mod roles;
mod rotate;
mod row;
pub mod subject;
mod text;
mod tokens;
mod update;
mod uses;
mod verify;

use std::fmt;
use std::sync::Arc;

use crate::events::Observer;
use crate::keys::KeyRing;
use crate::limits::{AttemptGuard, BlockingPool};
use crate::sealed::{BackgroundWriter, Keysets};
use crate::store::{Query, Record, Store};

use self::cache::Cache;
use self::hash::Hasher;
use self::options::Settings;
use self::tokens::Records;
use self::uses::Uses;

pub use self::error::{PatError, Reason, VerifyError};
pub use self::foreign::ForeignPat;
pub use self::hash::SecretHash;
pub use self::import::{Import, Imported};
pub use self::issue::{Generated, Issue, Issued};
pub use self::life::Revoke;
pub use self::list::ListedTokens;
pub use self::options::PatOptions;
pub use self::owned::OwnedTokens;
pub use self::record::{Origin, PatRecord};
pub use self::rotate::Rotate;
pub use self::text::{PatId, PatToken, Prefix};
pub use self::update::Update;

/// The id of the keyset's record.
const KEYSET: &[u8] = b"pat";

/// Personal access tokens in a store. Clones share everything.
///
/// See the [module](self) for an example.
#[derive(Clone)]
pub struct PersonalAccessTokens {
    shared: Arc<Shared>,
}

struct Shared {
    records: Records,
    hasher: Hasher,
    /// The record that is opened if no token exists. It is in no store.
    stand_in: Record,
    guard: AttemptGuard,
    scrypt: BlockingPool,
    cache: Option<Cache>,
    uses: BackgroundWriter<Uses>,
    observer: Observer,
    settings: Settings,
}

impl PersonalAccessTokens {
    /// Opens the tokens of this store with the default [`PatOptions`].
    ///
    /// If a retired key sealed the keyset, this tries to seal it again, and reports no failure. Run
    /// [`rewrap`](PersonalAccessTokens::rewrap) before you remove the retired key.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// let keys = KeyRing::new(Key::generate());
    /// let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// assert_eq!(pats.list().count().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]: the store fails, the ring lacks the key that sealed the keyset, or
    /// there are tokens but no keyset.
    pub async fn open(store: impl Store, keys: &KeyRing) -> Result<Self, PatError> {
        Self::options().open(store, keys).await
    }

    /// The settings, to change some before opening.
    pub fn options() -> PatOptions {
        PatOptions::new()
    }

    async fn with_settings(
        store: Arc<dyn Store>,
        keys: &KeyRing,
        settings: Settings,
    ) -> Result<Self, PatError> {
        let scrypt = settings.service.pool()?;
        let keysets = Keysets::new(Arc::clone(&store), keys.clone(), names::KEYSETS);
        let tokens = Query::all(names::TOKENS);
        let stored = keysets.find_or_create(KEYSET, &[], tokens).await?;
        let keyset = Arc::new(stored.keyset);
        // If this fails, the ring still opens the keyset, and `rewrap` reports the error.
        let _ = keysets.reseal_if_retired(KEYSET).await;
        let hasher = Hasher::new(&keyset.key(names::SECRETS));
        if let Some(hash) = &settings.bootstrap {
            hasher.check(hash)?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                stand_in: verify::stand_in(&keyset, &hasher)?,
                guard: settings.service.guard(),
                scrypt,
                cache: settings.cache.map(Cache::new),
                uses: BackgroundWriter::new(Uses::new(
                    Arc::clone(&store),
                    Arc::clone(&keyset),
                    &settings,
                )),
                records: Records::new(store, keysets, keyset),
                hasher,
                observer: settings.service.observer(),
                settings,
            }),
        })
    }

    /// The prefix of new tokens.
    fn prefix(&self) -> &Prefix {
        &self.shared.settings.prefixes.own
    }

    /// The id in a token's text, wherever it was found: in a leaked file, or in a request that was
    /// refused. It looks nothing up, and does not check the secret.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, found: &str) -> Result<(), PatError> {
    /// if let Ok(id) = pats.id_of(found) {
    ///     pats.revoke(id).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Reason::InvalidPrefix`] and [`Reason::InvalidFormat`], as in
    /// [`verify`](PersonalAccessTokens::verify).
    pub fn id_of(&self, text: &str) -> Result<PatId, Reason> {
        Ok(self.shared.settings.prefixes.parse(text)?.id)
    }
}

impl fmt::Debug for PersonalAccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonalAccessTokens")
            .field("store", &self.shared.records)
            .field("prefix", self.prefix())
            .finish_non_exhaustive()
    }
}
