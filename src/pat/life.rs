//! The life of a token: revoked, restored, deleted.

use crate::crypto::clock::{Expiry, UnixTime};
use crate::sealed::{self, NewExpiry, Rounds, awaited, expected_version};
use crate::store::{Change, Record};

use super::owned::Target;
use super::row::Meta;
use super::tokens::Tokens;
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, operation};

/// Revokes a token: [`PersonalAccessTokens::revoke`].
#[derive(Debug, Clone)]
#[must_use = "nothing is revoked until this is awaited"]
pub struct Revoke<'a> {
    pats: &'a PersonalAccessTokens,
    target: Target<'a>,
    purge: Option<NewExpiry>,
}

impl PersonalAccessTokens {
    /// Revokes a token: it is refused from now on, and its record stays. Revoking it again keeps
    /// the first `revoked_at`. Its expiry stays as it is.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing, Lifetime};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// let record = pats.revoke(id).purge_after(Lifetime::days(30)).await?;
    /// assert!(record.revoked_at.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Service`].
    pub fn revoke(&self, id: PatId) -> Revoke<'_> {
        self.revoke_target(id.into())
    }

    pub(super) fn revoke_target<'a>(&'a self, target: Target<'a>) -> Revoke<'a> {
        Revoke {
            pats: self,
            target,
            purge: None,
        }
    }

    /// Restores a revoked token with the expiry that it had: if that has passed meanwhile, it is
    /// expired. A token that is not revoked stays as it is.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// pats.revoke(id).await?;
    /// let record = pats.restore(id).await?;
    /// assert_eq!(record.revoked_at, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Service`].
    pub async fn restore(&self, id: PatId) -> Result<PatRecord, PatError> {
        let observed = self.observe_one(operation::RESTORE, id);
        let restore = async {
            let change = |meta: &mut Meta, _| {
                meta.revoked = None;
                meta.purge = None;
                Ok(())
            };
            let row = self.tokens(&observed).change(id.into(), change).await?;
            Ok(row.into_record(false))
        };
        observed.run(restore).await
    }

    /// Deletes a token permanently, even if its record is damaged or tampered with. A token that is
    /// only revoked can still be looked up for an audit.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// pats.delete(id).await?;
    /// assert_eq!(pats.get(id).await, Err(PatError::NotFound));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Service`].
    pub async fn delete(&self, id: PatId) -> Result<(), PatError> {
        self.delete_target(id.into()).await
    }

    pub(super) async fn delete_target(&self, target: Target<'_>) -> Result<(), PatError> {
        let observed = self.observe_one(operation::DELETE, target.id);
        let tokens = self.tokens(&observed);
        observed.run(tokens.delete(target)).await
    }
}

impl Revoke<'_> {
    /// Lets [`purge_expired`](PersonalAccessTokens::purge_expired) delete it after this time, or at
    /// this moment; a moment that has passed means now. A token that is revoked already gets this,
    /// too.
    pub fn purge_after(mut self, time: impl Into<Expiry>) -> Self {
        self.purge = Some(NewExpiry::NowIfPast(time.into()));
        self
    }

    async fn run(self) -> Result<PatRecord, PatError> {
        let observed = self.pats.observe_one(operation::REVOKE, self.target.id);
        let revoke = async {
            let change = |meta: &mut Meta, now: UnixTime| {
                meta.revoked.get_or_insert(now.as_secs());
                if let Some(purge) = self.purge {
                    meta.purge = purge.seconds(now)?;
                }
                Ok(())
            };
            let tokens = self.pats.tokens(&observed);
            Ok(tokens.change(self.target, change).await?.into_record(false))
        };
        observed.run(revoke).await
    }
}

awaited!(Revoke<'a> => Result<PatRecord, PatError>);

impl Tokens<'_> {
    async fn delete(self, target: Target<'_>) -> Result<(), PatError> {
        let key = self.key(target.id);
        let mut forget = None;
        let existing = self.store().get(&key).await?;
        let remove = move |existing: Option<Record>| {
            let record = existing.ok_or(PatError::NotFound)?;
            // Each time: a token that others changed meanwhile may have another owner. A record
            // that cannot be read has none who may ask for this.
            if target.is_owned() {
                target.check_owner(&self.open(&record)?.meta.owner)?;
            }
            let (key, expected) = (key.clone(), expected_version(&record));
            // Dropped after the write, as for a change.
            forget.get_or_insert_with(|| self.forget(target.id));
            Ok((Some(Change::Remove { key, expected }), ()))
        };
        sealed::change(self.store(), existing, Rounds::default(), remove).await
    }
}
