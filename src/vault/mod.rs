//! Keeps secrets behind a token and, where you want that, a password.
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
//! A value with a password opens with the ring *and* the password; one without opens with the ring
//! and the token. The store never sees a token, a value, a label, a namespace or a time.
//!
//! Operations are builders that are awaited. If you drop the future of one, it was done or not,
//! never half.

mod access;
mod behind;
mod create;
mod create_many;
mod entry;
mod error;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hashing;
mod history;
mod import;
mod life;
mod list;
mod names;
mod namespace;
pub mod operation;
mod options;
mod prune;
mod purge;
mod read;
mod read_many;
mod rekey;
mod rewrap;
mod root;
mod row;
mod secret;
pub mod subject;
mod target;
mod text;
mod unlock;
mod update;
mod upsert;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::crypto::clock::UnixTime;
use crate::events::{EventSink, Observed, Observer, Operation};
use crate::keys::KeyRing;
use crate::limits::{AttemptGuard, Subject};
use crate::sealed::{Behind, Keyset, Keysets};
use crate::store::Store;

use self::behind::MovingUp;
use self::hashing::Hasher;
use self::namespace::{Namespace, NamespaceCache};
use self::options::Settings;
use self::root::Root;
use self::target::Location;

pub use self::create::Create;
pub use self::create_many::CreateMany;
pub use self::error::VaultError;
pub use self::hashing::Argon2Cost;
pub use self::history::{Version, VersionRead};
pub use self::import::{ForeignValue, Import, ImportFailure};
pub use self::life::Renew;
pub use self::list::{ListedValues, ValueInfo};
pub use self::options::VaultOptions;
pub use self::read::Read;
pub use self::read_many::ReadMany;
pub use self::rekey::Rekey;
pub use self::secret::{Password, SecretBytes};
pub use self::target::{Target, ValueId};
pub use self::text::VaultToken;
pub use self::unlock::Unlocked;
pub use self::update::Update;
pub use self::upsert::Upsert;

/// Secrets behind tokens and passwords, in one namespace of a store. Clones share everything.
///
/// See the [module](self) for an example.
#[derive(Clone)]
pub struct Vault {
    shared: Arc<Shared>,
    name: Arc<str>,
}

struct Shared {
    store: Arc<dyn Store>,
    keysets: Keysets,
    root: ArcSwap<Root>,
    cache: NamespaceCache,
    behind: Behind<MovingUp>,
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
        VaultOptions::default()
    }

    async fn with_settings(
        store: Arc<dyn Store>,
        keys: &KeyRing,
        settings: Settings,
        sink: Option<Arc<dyn EventSink>>,
    ) -> Result<Self, VaultError> {
        let keysets = Keysets::new(Arc::clone(&store), keys.clone(), names::KEYSETS);
        let root = Root::open(&keysets, settings.cost).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                root: ArcSwap::from_pointee(root),
                cache: NamespaceCache::default(),
                behind: Behind::new(MovingUp(Arc::clone(&store))),
                guard: AttemptGuard::new(Arc::clone(&settings.limiter)),
                hasher: Hasher::new(settings.hash_at_once),
                observer: Observer::new(sink, settings.clock.clone()),
                store,
                keysets,
                settings,
            }),
            name: Self::DEFAULT_NAMESPACE.into(),
        })
    }

    /// The same vault with another namespace: one for each user or tenant, say.
    ///
    /// Each namespace has its own keys. A value in one is not found in another, and changing a
    /// password in one changes it in no other. A namespace is created with its first value.
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

    /// The store. The keys of its records come from a namespace, and that from an observed
    /// operation.
    fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    /// Counts an attempt before it is made, and gives it back unless it failed as a guess does.
    async fn attempt<T>(
        &self,
        subjects: &[Subject],
        work: impl Future<Output = Result<T, VaultError>> + Send,
    ) -> Result<T, VaultError> {
        let guard = &self.shared.guard;
        guard
            .attempt(subjects, VaultError::is_failed_attempt, work)
            .await
    }

    fn now(&self) -> UnixTime {
        self.shared.settings.clock.now()
    }

    /// Begins an operation, which reaches its keys through what this gives.
    fn observe(&self, operation: Operation) -> Observed<'_> {
        self.shared.observer.observe(operation, Some(&self.name))
    }

    /// The keysets of all namespaces.
    fn keysets(&self, _: &Observed<'_>) -> &Keysets {
        &self.shared.keysets
    }

    /// The keys of the namespace, to look something up. A namespace that does not exist has
    /// stand-ins, which find nothing.
    async fn for_reading(&self, observed: &Observed<'_>) -> Result<Arc<Namespace>, VaultError> {
        if let Some(namespace) = self.shared.cache.get(&self.name) {
            return Ok(namespace);
        }
        let root = self.shared.root.load_full();
        let id = root.namespace_id(&self.name);
        Ok(match self.keysets(observed).find(&id).await? {
            Some(stored) => self.cache(stored.keyset),
            None => Arc::new(Namespace::stand_in(root.stand_in(&self.name))),
        })
    }

    /// The keys of the namespace, which is created where it does not exist.
    async fn for_writing(&self, observed: &Observed<'_>) -> Result<Arc<Namespace>, VaultError> {
        if let Some(namespace) = self.shared.cache.get(&self.name) {
            return Ok(namespace);
        }
        let id = self.shared.root.load_full().namespace_id(&self.name);
        let values = namespace::values(&id);
        let keysets = self.keysets(observed);
        let stored = keysets.find_or_create(&id, &[], values).await?;
        Ok(self.cache(stored.keyset))
    }

    /// The namespace, and where the record of a target is. Names the token in the event.
    async fn locate(
        &self,
        observed: &Observed<'_>,
        target: &Target,
    ) -> Result<(Arc<Namespace>, Location), VaultError> {
        let namespace = self.for_reading(observed).await?;
        let location = target.locate(&namespace);
        observed.token(|| namespace.fingerprint(&location.key.id));
        Ok((namespace, location))
    }

    fn cache(&self, keyset: Keyset) -> Arc<Namespace> {
        let namespace = Arc::new(Namespace::new(keyset));
        self.shared.cache.put(&self.name, &namespace);
        namespace
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("store", &self.shared.store)
            .field("namespace", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::crypto::clock::{Expiry, ExpiryError};
    use crate::keys::Key;
    use crate::sealed::{ListStream, Listing, ServiceError};
    use crate::store::MemoryStore;
    use crate::token::Lifetime;

    /// Builders are held across an await, and moved between threads.
    #[test]
    fn every_public_type_is_send_sync_and_unpin() {
        fn check<T: Send + Sync + Unpin>() {}

        check::<(Vault, VaultOptions, VaultError, Argon2Cost, Unlocked)>();
        check::<(Create<'_>, CreateMany<'_>, Read<'_>, ReadMany<'_>)>();
        check::<(Update<'_>, Upsert<'_>, VersionRead<'_>, Rekey<'_>)>();
        check::<(
            Renew<'_>,
            Renew<'_, Expiry>,
            crate::sealed::Bulk<'_, (), VaultError>,
        )>();
        check::<(Import<'_, VaultError>, ForeignValue<VaultError>)>();
        check::<(ImportFailure<VaultError>, ListedValues, ValueInfo, Version)>();
        check::<(Listing<ListedValues>, ListStream<ListedValues>)>();
        check::<(Password, SecretBytes, Target, ValueId, VaultToken)>();
    }

    /// How many passwords an operation hashes.
    async fn hashed<T>(vault: &Vault, operation: impl IntoFuture<Output = T>) -> (T, u64) {
        let hashed = &vault.shared.hasher.hashed;
        let before = hashed.load(Ordering::SeqCst);
        let result = operation.await;
        (result, hashed.load(Ordering::SeqCst) - before)
    }

    #[tokio::test]
    async fn every_refusal_costs_the_same_number_of_hashes() {
        let keys = KeyRing::new(Key::generate());
        let store = MemoryStore::new();
        let vault = Vault::open(store.clone(), &keys).await.unwrap();
        let id = vault.create("v").password("correct horse").await.unwrap();
        let hidden = vault.create("v").password("correct horse").await.unwrap();
        let other = vault
            .create("v")
            .password("another password")
            .await
            .unwrap();
        let open = vault.create("v").await.unwrap();
        let over = vault.create("v").expires(vault.now().saturating_add(100));
        let over = over.password("correct horse").await.unwrap();
        vault.soft_delete(&hidden).await.unwrap();
        let nowhere = vault.namespace("nobody").unwrap();

        // With one cost, and with a second one that passwords have not moved up to.
        for costs in 1..=2_u64 {
            let cost = Argon2Cost::new(18 + u32::try_from(costs).unwrap(), 2, 1).unwrap();
            let clock = crate::crypto::clock::ManualClock::at(vault.now().saturating_add(1000));
            let options = Vault::options().argon2_cost(cost).attempts(()).clock(clock);
            let vault = options.open(store.clone(), &keys).await.unwrap();
            let nowhere = Vault {
                shared: Arc::clone(&vault.shared),
                name: Arc::clone(&nowhere.name),
            };
            for (what, vault, token) in [
                ("wrong password", &vault, id.expose()),
                ("unknown token", &vault, "tk_not_there_at_all"),
                ("no token", &vault, "?"),
                ("deleted", &vault, hidden.expose()),
                ("expired", &vault, over.expose()),
                ("another's value", &vault, other.expose()),
                ("no password on it", &vault, open.expose()),
                ("unknown namespace", &nowhere, id.expose()),
            ] {
                let (result, count) =
                    hashed(vault, vault.read(token).password("wrong password")).await;
                assert!(result.is_err());
                assert_eq!(count, costs, "{what}");
                let (result, count) =
                    hashed(vault, vault.update(token, "w").password("wrong password")).await;
                assert!(result.is_err());
                assert_eq!(count, costs, "{what}");
            }
        }
    }

    #[tokio::test]
    async fn many_values_cost_one_hash_and_a_rekey_two() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let (ids, count) = hashed(
            &vault,
            vault.create_many(["v"; 500]).password("correct horse"),
        )
        .await;
        assert_eq!(count, 1);
        let ids: Vec<VaultToken> = ids.unwrap().into_iter().map(Result::unwrap).collect();
        let (read, count) = hashed(&vault, vault.read_many(&ids).password("correct horse")).await;
        assert_eq!((read.unwrap().iter().flatten().count(), count), (500, 1));
        let (covered, count) = hashed(&vault, vault.rekey("correct horse", "another one")).await;
        assert_eq!((covered, count), (Ok(500), 2));
        let unlocked = vault.unlock("another one").await.unwrap();
        let (_, count) = hashed(&vault, async { unlocked.read_many(&ids).await.unwrap() }).await;
        assert_eq!(count, 0);
        let renewed = vault.renew(&ids[0]).expires(Lifetime::hours(1));
        assert_eq!(hashed(&vault, renewed).await.1, 0);
    }

    #[tokio::test]
    async fn values_that_are_too_long_cost_no_hash() {
        let keys = KeyRing::new(Key::generate());
        let options = Vault::options().max_value(3);
        let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
        let (none, count) = hashed(
            &vault,
            vault
                .create_many(["long", "long"])
                .password("correct horse"),
        )
        .await;
        let none = none.unwrap();
        assert_eq!(
            (none.len(), none.iter().flatten().count(), count),
            (2, 0, 0)
        );
        for expected in [1, 1] {
            let values = ["long", "long", "one", "long", "two", "long"];
            let create = vault.create_many(values).password("correct horse");
            let (some, count) = hashed(&vault, create).await;
            assert_eq!(count, expected);
            let limit = VaultError::ValueTooLong { limit: 3 };
            for (value, created) in values.iter().zip(some.unwrap()) {
                match created {
                    Ok(token) => {
                        let read = vault.read(&token).password("correct horse").await.unwrap();
                        assert_eq!(read.expose(), value.as_bytes());
                    }
                    Err(error) => assert_eq!((*value, error), ("long", limit.clone())),
                }
            }
        }
        assert_eq!(vault.list().count().await, Ok(4));
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_before_a_password_is_hashed() {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let id = vault.create("v").password("correct horse").await.unwrap();
        let past = UnixTime::from_secs(0);
        let update = vault.update(&id, "w").password("correct horse");
        let (result, count) = hashed(&vault, update.expires(past)).await;
        assert_eq!(
            (result, count),
            (
                Err(VaultError::Service(ServiceError::InvalidExpiry(
                    ExpiryError::InThePast
                ))),
                0
            )
        );
        let create = vault.create("v").password("correct horse");
        let (result, count) = hashed(&vault, create.expires(past)).await;
        assert_eq!(
            (result.err(), count),
            (
                Some(VaultError::Service(ServiceError::InvalidExpiry(
                    ExpiryError::InThePast
                ))),
                0
            )
        );
        let create = vault.create("v").password("seven 7");
        let (result, count) = hashed(&vault, create).await;
        let short = VaultError::PasswordTooShort { min: 8 };
        assert_eq!((result.err(), count), (Some(short), 0));
        let rekey = vault.rekey("correct horse", "seven 7");
        let (result, count) = hashed(&vault, rekey).await;
        let short = VaultError::PasswordTooShort { min: 8 };
        assert_eq!((result, count), (Err(short), 0));
    }

    /// Or their time would tell right guesses from wrong ones, as often as anybody likes.
    #[tokio::test]
    async fn no_password_is_hashed_where_no_attempt_is_left() {
        use crate::limits::{Allowance, MemoryLimiter};

        let keys = KeyRing::new(Key::generate());
        let every = std::time::Duration::from_secs(3600);
        let [one, many] = [1, 1000].map(|burst| Allowance { burst, every });
        let options = Vault::options().attempts(MemoryLimiter::new(one, many));
        let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
        let id = vault.create("v").password("correct horse").await.unwrap();
        let id = id.expose();
        let wrong = vault.read(id).password("wrong password").await;
        assert_eq!(wrong.err(), Some(VaultError::InvalidPassword));
        for password in ["correct horse", "wrong password"] {
            let none = vault.read_many([""; 0]).password(password);
            let (read, count) = hashed(&vault, none).await;
            assert_eq!((read.unwrap().len(), count), (0, 0));
            let closed = vault.read_many([id, id]).password(password);
            let (read, count) = hashed(&vault, closed).await;
            let refused = |one: Result<_, VaultError>| {
                matches!(
                    one.err(),
                    Some(VaultError::Service(ServiceError::TooManyAttempts { .. }))
                )
            };
            assert!(read.unwrap().into_iter().all(refused));
            assert_eq!(count, 0);
            // Beside one that has an attempt, it is tried, and counted.
            let other = format!("tk_not_there_{}", password.len());
            let (_, count) =
                hashed(&vault, vault.read_many([id, &*other]).password(password)).await;
            assert_eq!(count, 1);
        }
        let empty = vault.read_many([""; 0]).password("").await;
        assert_eq!(empty.err(), Some(VaultError::EmptyPassword));
    }

    /// One look at the costs, and then they are known.
    #[tokio::test]
    async fn where_another_process_raised_the_cost_new_passwords_are_at_that_one() {
        let (keys, store) = (KeyRing::new(Key::generate()), MemoryStore::new());
        let vault = Vault::open(store.clone(), &keys).await.unwrap();
        let raised = Vault::options().argon2_cost(Argon2Cost::new(20, 2, 1).unwrap());
        let raised = raised.open(store, &keys).await.unwrap();
        let create = vault.create("v").password("correct horse");
        let (token, count) = hashed(&vault, create).await;
        assert_eq!(count, 2);
        let token = token.unwrap();
        for vault in [raised, vault] {
            let read = vault.read(&token).password("correct horse");
            let (value, count) = hashed(&vault, read).await;
            assert_eq!((value.is_ok(), count), (true, 1));
        }
    }
}
