//! Creating a value.

use crate::crypto::clock::{Expiry, ExpiryError, UnixTime};
use crate::events::Observed;
use crate::sealed::{CommitOutcome, NewExpiry, Rounds, awaited, commit};
use crate::store::{Change, Record, RecordKey};

use super::access::Access;
use super::namespace::DataKey;
use super::records::Namespace;
use super::row::{self, Meta};
use super::secret::{Password, SecretBytes};
use super::target::{TokenSource, VaultToken};
use super::{Vault, VaultError, operation};

/// What a caller sets for new values.
#[derive(Debug, Clone)]
pub(super) struct NewValue {
    pub(super) access: Access,
    pub(super) expiry: Option<NewExpiry>,
    pub(super) label: Option<String>,
    pub(super) source: TokenSource,
}

impl NewValue {
    pub(super) fn new(access: Access) -> Self {
        Self {
            access,
            expiry: None,
            label: None,
            source: TokenSource::default(),
        }
    }

    /// Checks all settings, before any work is done.
    pub(super) fn check(&self, vault: &Vault) -> Result<(), VaultError> {
        self.source.check()?;
        if let Access::Password(password) = &self.access {
            let min = vault.shared.settings.min_password;
            password.normalised()?.check_new(min)?;
        }
        if let Some(label) = &self.label
            && !(1..=255).contains(&label.len())
        {
            return Err(VaultError::InvalidLabel);
        }
        self.expires(vault.now())?;
        Ok(())
    }

    fn expires(&self, now: UnixTime) -> Result<Option<i64>, ExpiryError> {
        let expires = self.expiry.map(|expiry| expiry.seconds(now)).transpose();
        expires.map(Option::flatten)
    }

    fn meta(&self, now: UnixTime, value: &SecretBytes) -> Result<Meta, VaultError> {
        Ok(Meta {
            created: now.as_secs(),
            updated: now.as_secs(),
            expires: self.expires(now)?,
            deleted: None,
            label: self.label.clone(),
            revision: 1,
            oldest: 1,
            length: value.expose().len() as u64,
        })
    }
}

/// Creates one value ([`Vault::create`]), many ([`Vault::create_many`]), or one that may exist
/// already ([`Vault::upsert`]).
///
/// `V` is the value to create; for `create_many`, the list of values; for `upsert`, the target and
/// its value.
#[derive(Debug)]
#[must_use = "nothing is created until this is awaited"]
pub struct Create<'a, V = SecretBytes> {
    pub(super) vault: &'a Vault,
    pub(super) values: V,
    pub(super) new: NewValue,
}

impl Vault {
    /// Creates a value. Awaited, it returns the token: `tk_` and 29 random characters.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing, Lifetime};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// let create = vault.create("db-password").label("backup");
    /// let token = create.expires(Lifetime::days(30)).await?;
    /// assert_eq!(vault.read(&token).await?.expose(), b"db-password");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the value or the settings is reported before any work is done:
    /// [`VaultError::ValueTooLong`], [`VaultError::PasswordTooShort`] and so on. A token of your
    /// own that is taken is [`VaultError::AlreadyExists`].
    pub fn create(&self, value: impl Into<SecretBytes>) -> Create<'_> {
        self.create_with(value.into(), NewValue::new(Access::Open))
    }

    pub(super) fn create_with<V>(&self, values: V, new: NewValue) -> Create<'_, V> {
        let vault = self;
        Create { vault, values, new }
    }

    pub(super) fn check_value(&self, value: &SecretBytes) -> Result<(), VaultError> {
        let limit = self.shared.settings.max_value;
        if value.expose().len() > limit {
            return Err(VaultError::ValueTooLong { limit });
        }
        Ok(())
    }
}

impl Namespace<'_> {
    /// Inserts a value. `None` if the entry of its password has to be looked up again.
    ///
    /// `about_to_insert` gets the record key of each token that is tried.
    pub(super) async fn insert(
        &self,
        value: &SecretBytes,
        new: &NewValue,
        (key, entry): (&DataKey, Option<&Record>),
        rounds: &mut Rounds,
        about_to_insert: impl Fn(&RecordKey) + Send + Sync,
    ) -> Result<Option<VaultToken>, VaultError> {
        loop {
            rounds.next().await?;
            let (token, change) = self.prepare(value, new, key)?;
            about_to_insert(change.key());
            match self.commit_with(entry, vec![change]).await? {
                None => return Ok(None),
                Some(CommitOutcome::Written) => return Ok(Some(token)),
                Some(CommitOutcome::Conflict { .. }) if new.source.chosen().is_some() => {
                    return Err(VaultError::AlreadyExists);
                }
                // A short token was drawn before: draw another. An entry belongs to one batch, so
                // a new one is made, too.
                Some(CommitOutcome::Conflict { .. }) if entry.is_some() => return Ok(None),
                Some(CommitOutcome::Conflict { .. }) => {}
            }
        }
    }

    /// The token of a new value, and the change that inserts it.
    pub(super) fn prepare(
        &self,
        value: &SecretBytes,
        new: &NewValue,
        key: &DataKey,
    ) -> Result<(VaultToken, Change), VaultError> {
        let token = new.source.token()?;
        let at = self.value_key(token.expose());
        let meta = new.meta(self.vault.now(), value)?;
        let payload = row::conceal(self, key, &at.id, meta.revision, value)?;
        let record = row::seal(self, &at, &meta, key.id, &payload)?;
        Ok((token, Change::Insert(record)))
    }

    /// Writes a batch, which begins with the entry of a new password, if any; `None` if someone
    /// else created that entry meanwhile.
    pub(super) async fn commit_with(
        &self,
        entry: Option<&Record>,
        changes: Vec<Change>,
    ) -> Result<Option<CommitOutcome>, VaultError> {
        let mut batch: Vec<Change> = entry.cloned().map(Change::Insert).into_iter().collect();
        let before = batch.len();
        batch.extend(changes);
        Ok(match commit(self.store(), &batch).await? {
            CommitOutcome::Written => Some(CommitOutcome::Written),
            CommitOutcome::Conflict { index, .. } if index < before => None,
            CommitOutcome::Conflict { index, current } => Some(CommitOutcome::Conflict {
                index: index.saturating_sub(before),
                current,
            }),
        })
    }
}

impl<V> Create<'_, V> {
    /// Protects the value with a password, too. Without it nobody can open the value, not even with
    /// the ring and the token. For an existing value it is the password that protects it now.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.new.access = Access::Password(password.into());
        self
    }

    /// When the value expires. By default, a new value does not expire, and an existing one keeps
    /// its expiry.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.new.expiry = Some(expiry.into().into());
        self
    }

    /// A label by which [`Vault::list`] finds it: 1 to 255 bytes.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.new.label = Some(label.into());
        self
    }
}

mod seal {
    use super::SecretBytes;

    /// The values that get drawn tokens. An upsert has its token already.
    pub trait Draws {}

    impl Draws for SecretBytes {}

    impl Draws for Vec<SecretBytes> {}
}

impl<V: seal::Draws> Create<'_, V> {
    /// How many characters the token has: 25 to 64.
    pub fn length(mut self, length: usize) -> Self {
        let weak = false;
        self.new.source = TokenSource::Drawn { length, weak };
        self
    }

    /// How many characters the token has, even if it has less than 128 random bits: 15 to 64.
    ///
    /// # Security
    ///
    /// With 15 characters it has 71 bits. That is enough only if each way to try tokens is limited.
    /// The vault limits attempts only where a value is opened or a password is tried. Operations
    /// that need no password (`exists`, `get`, `renew`, `delete`, …) are not limited.
    pub fn weak_length(mut self, length: usize) -> Self {
        let weak = true;
        self.new.source = TokenSource::Drawn { length, weak };
        self
    }
}

impl Create<'_> {
    /// A token of your own: 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// # Security
    ///
    /// Whoever guesses it finds the value, and reads it unless a password protects it.
    pub fn token(mut self, token: impl Into<VaultToken>) -> Self {
        self.new.source = TokenSource::Chosen(token.into());
        self
    }

    async fn run(self) -> Result<VaultToken, VaultError> {
        let observed = self.vault.observe(operation::CREATE);
        let mut rounds = Rounds::default();
        observed.run(self.create(&observed, &mut rounds)).await
    }

    /// Creates the value. Its token is named in the event before it is written.
    pub(super) async fn create(
        &self,
        observed: &Observed<'_>,
        rounds: &mut Rounds,
    ) -> Result<VaultToken, VaultError> {
        let (vault, value, new) = (self.vault, &self.values, &self.new);
        new.check(vault)?;
        vault.check_value(value)?;
        let namespace = vault.for_writing(observed).await?;
        let name = |key: &RecordKey| namespace.name_token(key);
        if let Some(token) = new.source.chosen() {
            name(&namespace.value_key(token.expose()));
        }
        loop {
            let writing = namespace.keys_to_write(&new.access).await?;
            let key = (writing.keys.newest()?, writing.entry.as_ref());
            let inserted = namespace.insert(value, new, key, rounds, name).await?;
            if let Some(token) = inserted {
                return Ok(token);
            }
        }
    }
}

awaited!(Create<'a> => Result<VaultToken, VaultError>);
