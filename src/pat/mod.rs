//! Layer 4: personal access tokens.
//!
//! ```
//! use sealtoken::pat::{NewPat, PersonalAccessTokens, Reason, VerifyError};
//! use sealtoken::store::MemoryStore;
//! use sealtoken::{Key, KeyRing, Lifetime};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeyRing::new(Key::generate());
//! let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
//!
//! let new = NewPat::for_owner("ada@example.com").role("reader").expires_in(Lifetime::days(90));
//! let issued = pats.issue(new).await?;
//! let text = issued.token.expose(); // pat_…: show it once
//!
//! let record = pats.verify(text).await?;
//! assert!(record.has_role("reader"));
//!
//! pats.revoke(&record.id).await?;
//! let refused = pats.verify(text).await;
//! assert_eq!(refused, Err(VerifyError::Refused(Reason::Revoked)));
//! # Ok(())
//! # }
//! ```
//!
//! A token is `{prefix}{id}_{secret}{check}`: letters, digits and `_` only. Its secret has 256 random bits, so what is kept of it is a keyed hash and
//! no slow one: a token is verified in microseconds. The key of the hash is in the store, sealed by the ring: tokens outlive the ring's rotation.
//! Everything known about a token is sealed, too. Who writes to the database makes nobody an admin, adds no role and plants no hash.

mod bootstrap;
mod cache;
mod error;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hash;
mod id;
#[cfg(feature = "import")]
mod import;
mod issue;
mod life;
mod list;
mod names;
mod new;
mod options;
mod owned;
mod prefix;
mod record;
mod roles;
mod row;
mod text;
mod update;
mod uses;
mod verify;

use std::fmt;
use std::sync::Arc;

use crate::crypto::clock::UnixTime;
use crate::events::{Event, Fingerprint, Operation};
use crate::keys::KeyRing;
use crate::limits::{AtOnce, Gate, Subject};
use crate::sealed::{Behind, Committed, Keyset, Keysets, Rounds, Use, commit};
use crate::store::{Change, Query, Record, RecordKey, Store};

use self::cache::{Cache, Forget};
use self::hash::Hasher;
use self::options::Settings;
use self::owned::Target;
use self::row::{Facts, Opened, Row};
use self::uses::Uses;

pub use self::error::{PatError, Reason, VerifyError};
pub use self::hash::SecretHash;
pub use self::id::PatId;
#[cfg(feature = "import")]
pub use self::import::{Import, Imported};
pub use self::issue::{Generated, Issued};
pub use self::list::{List, ListPage, ListStream};
pub use self::new::NewPat;
pub use self::options::PatOptions;
pub use self::owned::OwnedTokens;
pub use self::prefix::Prefix;
pub use self::record::{Origin, PatRecord, State};
pub use self::text::PatToken;
pub use self::update::PatUpdate;
pub use crate::sealed::{PublicError, Tally};

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
    store: Arc<dyn Store>,
    keysets: Keysets,
    keyset: Arc<Keyset>,
    hasher: Hasher,
    /// A record that is in no store: what is opened where there is no token.
    decoy: Record,
    gate: Gate,
    scrypt: AtOnce,
    cache: Option<Cache>,
    uses: Behind<Uses>,
    settings: Settings,
}

impl PersonalAccessTokens {
    /// Opens the tokens of this store with the settings of [`PatOptions`]: prefix `pat_`, and the rest as it stands there.
    ///
    /// The keyset is sealed again where the ring's key has changed since: after that, the retired key can go.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`], [`PatError::UnknownKey`] when the ring lacks the key that sealed the keyset, [`PatError::KeysetGone`] when there are tokens
    /// and no keyset, and [`PatError::Tampered`].
    pub async fn open(store: impl Store, keys: &KeyRing) -> Result<Self, PatError> {
        Self::options().open(store, keys).await
    }

    /// The settings, to change some before the tokens are opened.
    pub fn options() -> PatOptions {
        PatOptions::default()
    }

    async fn with_settings(
        store: Arc<dyn Store>,
        keys: &KeyRing,
        settings: Settings,
    ) -> Result<Self, PatError> {
        let keysets = Keysets::new(Arc::clone(&store), keys.clone(), names::KEYSETS);
        let tokens = Query::all(names::TOKENS);
        let stored = keysets.find_or_create(KEYSET, &[], tokens).await?;
        let keyset = Arc::new(stored.keyset);
        // Where it fails, the ring still opens the keyset; `rewrap` says why.
        let _ = keysets.leave_retired_key(KEYSET).await;
        let hasher = Hasher::new(&keyset.key(Use::Pat));
        if let Some(hash) = &settings.bootstrap {
            hasher.check(hash)?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                decoy: verify::decoy(&keyset, &hasher)?,
                gate: Gate::new(Arc::clone(&settings.limiter)),
                scrypt: AtOnce::new(settings.scrypt_at_once),
                cache: settings.cache.map(Cache::new),
                uses: Behind::new(Uses::new(
                    Arc::clone(&store),
                    Arc::clone(&keyset),
                    &settings,
                )),
                store,
                keysets,
                keyset,
                hasher,
                settings,
            }),
        })
    }

    /// The prefix of the tokens that are issued here.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.shared.settings.prefixes.own
    }

    /// The id in a token's text, wherever it was found: in a leaked file, or in a request that was refused. Nothing is looked up, and the secret is not checked.
    ///
    /// ```
    /// # use sealtoken::pat::{PersonalAccessTokens, PatError};
    /// # async fn example(pats: PersonalAccessTokens, found: &str) -> Result<(), PatError> {
    /// if let Ok(id) = pats.id_of(found) {
    ///     pats.revoke(&id).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Reason::InvalidPrefix`] and [`Reason::InvalidFormat`], as in [`verify`](PersonalAccessTokens::verify): what fails the check is no token.
    pub fn id_of(&self, text: &str) -> Result<PatId, Reason> {
        let presented = self.shared.settings.prefixes.parse(text)?;
        Ok(presented.id)
    }

    /// Seals the keyset again by the ring's current key: the last step of a rotation, before the retired key is taken out of the ring.
    ///
    /// Take the retired key out when this has succeeded. [`open`](PersonalAccessTokens::open) does it, too, where a retired key sealed the keyset, and says
    /// nothing where that fails. It is one record, and no token changes.
    ///
    /// # Errors
    ///
    /// [`PatError::UnknownKey`], [`PatError::KeysetGone`], [`PatError::Tampered`], [`PatError::Store`].
    pub async fn rewrap(&self) -> Result<(), PatError> {
        let result = self.shared.keysets.rewrap_known(KEYSET).await;
        self.report(
            Operation::PatRewrap,
            None,
            None,
            result.map_err(PatError::from),
        )
    }

    fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    fn now(&self) -> UnixTime {
        self.shared.settings.clock.now()
    }

    fn key(&self, id: &PatId) -> RecordKey {
        row::key(&self.shared.keyset, id)
    }

    fn open_row(&self, record: &Record) -> Result<Row, PatError> {
        Opened::open(&self.shared.keyset, record)?.read()
    }

    fn seal(&self, key: RecordKey, facts: &Facts) -> Result<Record, PatError> {
        let keep_expired = self.shared.settings.keep_expired;
        row::seal(&self.shared.keyset, key, facts, keep_expired)
    }

    /// Changes what is known about a token, again where others do so at the same time: no change is lost.
    ///
    /// It is written also where nothing differs: a store whose reads lag behind may have shown what is there no more.
    async fn change(
        &self,
        target: Target<'_>,
        change: impl Fn(&mut Facts, UnixTime) -> Result<(), PatError> + Send,
    ) -> Result<Row, PatError> {
        let key = self.key(target.id);
        let mut rounds = Rounds::default();
        let mut there = self.store().get(&key).await?;
        loop {
            rounds.next().await?;
            let record = there.ok_or(PatError::NotFound)?;
            let mut row = self.open_row(&record)?;
            target.check(&row.facts)?;
            let (before, now) = (row.facts.clone(), self.now());
            change(&mut row.facts, now)?;
            if row.facts != before {
                row.facts.updated = now.as_secs();
            }
            let replace = Change::Replace {
                record: self.seal(key.clone(), &row.facts)?,
                expected: row.version,
            };
            // Also where nobody knows whether it was done, or nobody waits for it any more: it may have been.
            let forget = self.forget(target.id);
            let written = commit(self.store(), &[replace]).await;
            drop(forget);
            match written? {
                Committed::Written => return Ok(row),
                Committed::Conflict { current, .. } => there = current,
            }
        }
    }

    /// Takes a token out of the cache when this is dropped: something about it may have changed by then.
    fn forget(&self, id: &PatId) -> Option<Forget<'_>> {
        let cache = self.shared.cache.as_ref();
        cache.map(|cache| Forget::new(cache, *id))
    }

    /// What failed attempts at a token count for.
    fn subjects(&self, key: &RecordKey) -> [Subject; 2] {
        self.subjects_of(key, b"attempts")
    }

    /// What attempts count for that cost scrypt: nothing that is free of cost uses them up.
    fn slow_subjects(&self, key: &RecordKey) -> [Subject; 2] {
        self.subjects_of(key, b"slow attempts")
    }

    fn subjects_of(&self, key: &RecordKey, kind: &[u8]) -> [Subject; 2] {
        let keyset = &self.shared.keyset;
        let subject = |parts: &[&[u8]]| {
            let value = keyset.label(parts);
            value.first_chunk().copied().unwrap_or_default()
        };
        [
            Subject::Token(subject(&[kind, &key.id])),
            Subject::Namespace(subject(&[kind])),
        ]
    }

    /// Tells the sink how an operation ended, and hands its result on.
    fn report<T>(
        &self,
        operation: Operation,
        id: Option<&PatId>,
        count: Option<u64>,
        result: Result<T, PatError>,
    ) -> Result<T, PatError> {
        let outcome = result.as_ref().map(|_| ()).map_err(PatError::code);
        self.tell(operation, id, count, outcome);
        result
    }

    fn tell(
        &self,
        operation: Operation,
        id: Option<&PatId>,
        count: Option<u64>,
        outcome: Result<(), &'static str>,
    ) {
        let Some(sink) = &self.shared.settings.events else {
            return;
        };
        let keyset = &self.shared.keyset;
        let name = |id: &PatId| Fingerprint::new(keyset.fingerprint(&[id.as_str().as_bytes()]));
        sink.record(&Event {
            operation,
            outcome,
            token: id.map(name),
            namespace: None,
            count,
            at: self.now(),
        });
    }
}

impl fmt::Debug for PersonalAccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonalAccessTokens")
            .field("store", &self.shared.store)
            .field("prefix", self.prefix())
            .finish_non_exhaustive()
    }
}
