//! Creating a value.

use crate::crypto::clock::{Expiry, ExpiryError, UnixTime};
use crate::events::Observed;
use crate::sealed::{CommitOutcome, NewExpiry, Rounds, awaited};
use crate::store::{Change, Record};

use super::access::Access;
use super::namespace::{DataKey, Namespace};
use super::row::{self, Meta};
use super::secret::{Password, SecretBytes};
use super::text::{TokenSource, VaultToken};
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

/// Creates a value: [`Vault::create`].
#[derive(Debug)]
#[must_use = "nothing is created until this is awaited"]
pub struct Create<'a> {
    vault: &'a Vault,
    value: SecretBytes,
    new: NewValue,
}

impl Vault {
    /// Creates a value. Awaited, it gives the token: `tk_` and 29 random characters.
    ///
    /// # Errors
    ///
    /// What is wrong with the value or the settings is reported before any work is done:
    /// [`VaultError::ValueTooLong`], [`VaultError::PasswordTooShort`] and so on. A token of your
    /// own that is taken is [`VaultError::AlreadyExists`].
    pub fn create(&self, value: impl Into<SecretBytes>) -> Create<'_> {
        self.create_with(value.into(), NewValue::new(Access::Open))
    }

    pub(super) fn create_with(&self, value: SecretBytes, new: NewValue) -> Create<'_> {
        let vault = self;
        Create { vault, value, new }
    }

    pub(super) fn check_value(&self, value: &SecretBytes) -> Result<(), VaultError> {
        let limit = self.shared.settings.max_value;
        if value.expose().len() > limit {
            return Err(VaultError::ValueTooLong { limit });
        }
        Ok(())
    }

    /// Inserts a value. `None` where the entry of its password has to be looked up again.
    pub(super) async fn insert(
        &self,
        namespace: &Namespace,
        value: &SecretBytes,
        new: &NewValue,
        key: &DataKey,
        entry: Option<&Record>,
    ) -> Result<Option<VaultToken>, VaultError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let (token, change) = self.prepare(namespace, value, new, key)?;
            match self.commit_with(entry, vec![change]).await? {
                None => return Ok(None),
                Some(CommitOutcome::Written) => return Ok(Some(token)),
                Some(CommitOutcome::Conflict { .. }) if new.source.is_custom() => {
                    return Err(VaultError::AlreadyExists);
                }
                // A short token was drawn before: draw another. An entry belongs to one batch, so
                // it is made anew, too.
                Some(CommitOutcome::Conflict { .. }) if entry.is_some() => return Ok(None),
                Some(CommitOutcome::Conflict { .. }) => {}
            }
        }
    }

    /// The token of a new value, and the change that inserts it.
    pub(super) fn prepare(
        &self,
        namespace: &Namespace,
        value: &SecretBytes,
        new: &NewValue,
        key: &DataKey,
    ) -> Result<(VaultToken, Change), VaultError> {
        let token = new.source.token()?;
        let at = namespace.value_key(token.expose());
        let meta = new.meta(self.now(), value)?;
        let payload = row::conceal(namespace, key, &at.id, meta.revision, value)?;
        let record = row::seal(namespace, &at, &meta, key.id, &payload)?;
        Ok((token, Change::Insert(record)))
    }
}

/// The setters of all builders that create values.
macro_rules! value_setters {
    () => {
        /// Protects the value by a password, too. Without it nobody opens the value, not even with
        /// the ring and the token.
        pub fn password(mut self, password: impl Into<Password>) -> Self {
            self.new.access = Access::Password(password.into());
            self
        }

        /// When the value expires. Unless set, it does not.
        pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
            self.new.expiry = Some(expiry.into().into());
            self
        }

        /// A label by which [`Vault::list`] finds it: 1 to 255 bytes.
        pub fn label(mut self, label: impl Into<String>) -> Self {
            self.new.label = Some(label.into());
            self
        }
    };
}
pub(super) use value_setters;

/// The setters of the builders that draw tokens.
macro_rules! length_setters {
    () => {
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
        /// With 15 characters it has 71 bits. That is enough where each way to try tokens is
        /// limited, and too little elsewhere: the vault limits neither `exists` nor `get`.
        pub fn weak_length(mut self, length: usize) -> Self {
            let weak = true;
            self.new.source = TokenSource::Drawn { length, weak };
            self
        }
    };
}
pub(super) use length_setters;

impl Create<'_> {
    value_setters!();
    length_setters!();

    /// A token of your own: 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// # Security
    ///
    /// Whoever guesses it finds the value, and reads it unless a password protects it.
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.new.source = TokenSource::custom(token.as_ref());
        self
    }

    async fn run(self) -> Result<VaultToken, VaultError> {
        let observed = self.vault.observe(operation::CREATE);
        observed.run(self.create(&observed)).await
    }

    async fn create(&self, observed: &Observed<'_>) -> Result<VaultToken, VaultError> {
        let Self { vault, value, new } = self;
        new.check(vault)?;
        vault.check_value(value)?;
        let namespace = vault.for_writing(observed).await?;
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let writing = vault.keys_to_write(&namespace, &new.access).await?;
            let key = writing.keys.newest()?;
            let entry = writing.entry.as_ref();
            let inserted = vault.insert(&namespace, value, new, key, entry).await?;
            if let Some(token) = inserted {
                let key = namespace.value_key(token.expose());
                observed.token(|| namespace.fingerprint(&key.id));
                return Ok(token);
            }
        }
    }
}

awaited!(Create<'a> => Result<VaultToken, VaultError>);
