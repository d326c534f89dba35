//! Replacing a value, or creating it.

use crate::sealed::{Rounds, awaited};

use super::access::Access;
use super::create::{Create, NewValue};
use super::secret::SecretBytes;
use super::target::{Target, TokenSource};
use super::{Vault, VaultError, VaultToken, operation};

impl Vault {
    /// Replaces the value of a token, or creates one under this very token. Only a new value gets
    /// the label.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), VaultError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
    /// vault.upsert("smtp-password-of-mail", "old").await?; // creates the value
    /// vault.upsert("smtp-password-of-mail", "new").await?; // replaces it
    /// assert_eq!(vault.read("smtp-password-of-mail").await?.expose(), b"new");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`update`](Vault::update) if the token exists, even expired or soft-deleted, and as
    /// for [`create`](Vault::create) if it does not.
    pub fn upsert(
        &self,
        token: impl Into<VaultToken>,
        value: impl Into<SecretBytes>,
    ) -> Create<'_, (Target, SecretBytes)> {
        let token = token.into();
        let mut new = NewValue::new(Access::Open);
        new.source = TokenSource::Chosen(token.clone());
        self.create_with((token.into(), value.into()), new)
    }
}

impl Create<'_, (Target, SecretBytes)> {
    async fn run(self) -> Result<(), VaultError> {
        let mut rounds = Rounds::default();
        loop {
            match self.update_existing(&mut rounds).await {
                Ok(false) => {}
                Ok(true) => return Ok(()),
                Err(error) => return Err(error),
            }
            let create = self
                .vault
                .create_with(self.values.1.clone(), self.new.clone());
            let observed = self.vault.observe(operation::CREATE);
            let work = async {
                // It checks the token and the new password before it does anything.
                let created = create.create(&observed, &mut rounds).await;
                if let Err(VaultError::AlreadyExists) = created {
                    observed.replaced();
                }
                created
            };
            match observed.run(work).await {
                Err(VaultError::AlreadyExists) => {}
                created => return created.map(drop),
            }
        }
    }

    /// Updates the value if it exists; returns whether it does.
    async fn update_existing(&self, rounds: &mut Rounds) -> Result<bool, VaultError> {
        let (vault, (target, value)) = (self.vault, &self.values);
        let observed = vault.observe(operation::UPDATE);
        let work = async {
            // This names the token, so it comes before the first wait.
            let (namespace, location) = vault.locate(&observed, target).await?;
            rounds.next().await?;
            // A free token is no failed guess.
            if namespace.store().get(&location.key).await?.is_none() {
                observed.replaced();
                return Ok(false);
            }
            let access = self.new.access.clone();
            let update = vault.update_with(target.clone(), value.clone(), access);
            match update.expiring(self.new.expiry).update(&observed).await {
                Ok(()) => Ok(true),
                // Someone else removed it first.
                Err(VaultError::NotFound) => {
                    observed.replaced();
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        };
        observed.run(work).await
    }
}

awaited!(Create<'a, (Target, SecretBytes)> => Result<(), VaultError>);
