//! Putting values in.

use std::sync::Arc;

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::{Committed, End, Rounds};
use crate::store::{Change, Record};
use crate::token::Lifetime;

use super::access::Access;
use super::namespace::{DataKey, Namespace};
use super::row::{self, Meta};
use super::secret::{Password, SecretBytes};
use super::text::{self, Choice, VaultToken};
use super::{Vault, VaultError};

/// What new values have in common.
#[derive(Debug, Clone)]
pub(super) struct Common {
    pub(super) access: Access,
    pub(super) end: Option<End>,
    pub(super) label: Option<String>,
}

impl Common {
    pub(super) fn new(access: Access) -> Self {
        Self {
            access,
            end: None,
            label: None,
        }
    }

    pub(super) fn check(&self, vault: &Vault) -> Result<(), VaultError> {
        if let Access::Password(password) = &self.access {
            let least = vault.shared.settings.min_password;
            password.normalised()?.check_new(least)?;
        }
        match &self.label {
            Some(label) if !(1..=255).contains(&label.len()) => Err(VaultError::InvalidLabel),
            _ => Ok(()),
        }
    }

    /// What is known about a new value.
    pub(super) fn meta(&self, now: UnixTime, value: &SecretBytes) -> Result<Meta, VaultError> {
        Ok(Meta {
            created: now.as_secs(),
            updated: now.as_secs(),
            expires: self.end.map(|end| end.seconds(now)).transpose()?.flatten(),
            deleted: None,
            label: self.label.clone(),
            revision: 1,
            oldest: 1,
            length: value.expose().len() as u64,
        })
    }
}

/// Puts a value in: [`Vault::create`].
#[derive(Debug)]
#[must_use = "nothing is created until this is awaited"]
pub struct Create<'a> {
    vault: &'a Vault,
    value: SecretBytes,
    common: Common,
    choice: Choice,
}

impl Vault {
    /// Puts a value in, and gives the token for it: `tk_` and 29 random characters.
    ///
    /// # Errors
    ///
    /// What is wrong with the value or the settings is told before any work is done: [`VaultError::ValueTooLong`],
    /// [`VaultError::PasswordTooShort`] and so on. [`VaultError::AlreadyExists`] for a token of one's own that is taken.
    pub fn create(&self, value: impl Into<SecretBytes>) -> Create<'_> {
        self.create_with(value.into(), Access::Open)
    }

    pub(super) fn create_with(&self, value: SecretBytes, access: Access) -> Create<'_> {
        Create {
            vault: self,
            value,
            common: Common::new(access),
            choice: drawn(text::DEFAULT_LENGTH, false),
        }
    }

    pub(super) fn check_value(&self, value: &SecretBytes) -> Result<(), VaultError> {
        let limit = self.shared.settings.max_value;
        if value.expose().len() > limit {
            return Err(VaultError::ValueTooLong { limit });
        }
        Ok(())
    }

    /// Inserts a value under a token of its own or a drawn one. `None` where the entry of its password has to be
    /// looked for again.
    pub(super) async fn insert(
        &self,
        namespace: &Namespace,
        value: &SecretBytes,
        common: &Common,
        choice: &Choice,
        key: &DataKey,
        entry: Option<&Record>,
    ) -> Result<Option<VaultToken>, VaultError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let (token, change) = self.new_value(namespace, value, common, choice, key)?;
            match self.commit_with(entry, vec![change]).await? {
                None => return Ok(None),
                Some(Committed::Written) => return Ok(Some(token)),
                Some(Committed::Conflict { .. }) if matches!(choice, Choice::Custom(_)) => {
                    return Err(VaultError::AlreadyExists);
                }
                // A short token that was drawn before: draw another. An entry belongs to one batch, so it is made anew, too.
                Some(Committed::Conflict { .. }) if entry.is_some() => return Ok(None),
                Some(Committed::Conflict { .. }) => {}
            }
        }
    }

    pub(super) fn new_value(
        &self,
        namespace: &Namespace,
        value: &SecretBytes,
        common: &Common,
        choice: &Choice,
        key: &DataKey,
    ) -> Result<(VaultToken, Change), VaultError> {
        let token = match choice {
            Choice::Custom(token) => token.clone(),
            Choice::Drawn { length, .. } => VaultToken::draw(*length)?,
        };
        let at = namespace.value_key(token.expose());
        let meta = common.meta(self.now(), value)?;
        let payload = row::conceal(namespace, key, &at.id, meta.revision, value)?;
        let record = row::seal(namespace, &at, &meta, key.id, &payload)?;
        Ok((token, Change::Insert(record)))
    }
}

pub(super) fn drawn(length: usize, weak: bool) -> Choice {
    Choice::Drawn { length, weak }
}

macro_rules! common_settings {
    () => {
        /// Protects it by a password, too. Without the password nobody opens it, not even who has the ring and the token.
        pub fn password(mut self, password: impl Into<Password>) -> Self {
            self.common.access = Access::Password(password.into());
            self
        }

        /// Lets it end after this long.
        pub fn expires_in(mut self, lifetime: Lifetime) -> Self {
            self.common.end = Some(End::In(lifetime));
            self
        }

        /// Lets it end at this moment: expired from that second on.
        pub fn expires_at(mut self, at: impl Into<UnixTime>) -> Self {
            self.common.end = Some(End::At(at.into()));
            self
        }

        /// A label by which it is found again: see [`Vault::list`]. 1 to 255 bytes.
        pub fn label(mut self, label: impl Into<String>) -> Self {
            self.common.label = Some(label.into());
            self
        }
    };
}
pub(super) use common_settings;

macro_rules! length_settings {
    () => {
        /// How many characters the token has: 25 to 64.
        pub fn length(mut self, length: usize) -> Self {
            self.choice = drawn(length, false);
            self
        }

        /// How many characters the token has, also so few that it has less than 128 random bits: 15 to 64.
        ///
        /// # Security
        ///
        /// With 15 characters it has 71 bits. That is enough where every way to ask for it is limited, and too little where one is not: `exists` and `info` are not limited here.
        pub fn weak_length(mut self, length: usize) -> Self {
            self.choice = drawn(length, true);
            self
        }
    };
}

pub(super) use length_settings;

impl Create<'_> {
    common_settings!();
    length_settings!();

    /// A token of one's own: 15 to 200 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// # Security
    ///
    /// Who can guess it has found the value, and can read it where no password protects it.
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.choice = Choice::Custom(VaultToken::new(token.as_ref()));
        self
    }

    /// What comes from another system keeps its token and its end.
    #[cfg(feature = "import")]
    pub(super) fn take_in(&mut self, choice: Choice, end: Option<End>) {
        self.choice = choice;
        self.common.end = end;
    }

    pub(super) fn set(&mut self, common: Common, choice: Choice) {
        self.common = common;
        self.choice = choice;
    }

    async fn run(self) -> Result<VaultToken, VaultError> {
        let result = self.try_run().await;
        let token = match &result {
            Ok((token, namespace)) => {
                Some(namespace.fingerprint(&namespace.value_key(token.expose()).id))
            }
            Err(_) => None,
        };
        let result = result.map(|(token, _)| token);
        self.vault
            .report(Operation::VaultCreate, token, None, result)
    }

    async fn try_run(&self) -> Result<(VaultToken, Arc<Namespace>), VaultError> {
        let vault = self.vault;
        self.choice.check()?;
        self.common.check(vault)?;
        self.common.meta(vault.now(), &self.value)?;
        vault.check_value(&self.value)?;
        let namespace = vault.for_writing().await?;
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let writing = vault.keys_to_write(&namespace, &self.common.access).await?;
            let key = writing.keys.newest()?;
            let entry = writing.entry.as_ref();
            let Self {
                value,
                common,
                choice,
                ..
            } = self;
            if let Some(token) = vault
                .insert(&namespace, value, common, choice, key, entry)
                .await?
            {
                return Ok((token, namespace));
            }
        }
    }
}

awaited!(Create => VaultToken);
