//! The tokens of one owner: what a user may do to them on a page of one's own.

use std::time::Duration;

use super::issue::Issued;
use super::row::Facts;
use super::{List, PatError, PatId, PatRecord, PatUpdate, PersonalAccessTokens, SecretHash};

/// Which token an operation is about, and whose it has to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) id: &'a PatId,
    owner: Option<&'a str>,
}

impl<'a> From<&'a PatId> for Target<'a> {
    /// Whoever it belongs to.
    fn from(id: &'a PatId) -> Self {
        Self { id, owner: None }
    }
}

impl Target<'_> {
    /// What belongs to someone else is not there.
    pub(super) fn check(self, facts: &Facts) -> Result<(), PatError> {
        self.check_owner(&facts.owner)
    }

    pub(super) fn check_owner(self, of: &str) -> Result<(), PatError> {
        let admitted = self.owner.is_none_or(|owner| owner == of);
        admitted.then_some(()).ok_or(PatError::NotFound)
    }

    /// Whether it matters whose it is.
    pub(super) fn is_owned(self) -> bool {
        self.owner.is_some()
    }
}

/// The tokens of one owner: [`PersonalAccessTokens::owned_by`].
#[derive(Debug, Clone)]
pub struct OwnedTokens<'a> {
    pats: &'a PersonalAccessTokens,
    owner: String,
}

impl PersonalAccessTokens {
    /// The tokens of this owner, for what users do themselves: another's token is [`PatError::NotFound`], as one that does not exist.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, user: &str, id: &str) -> Result<(), PatError> {
    /// // DELETE /tokens/{id}, by the user who is signed in.
    /// pats.owned_by(user).revoke(&id.parse()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Ids are public, and the operations of [`PersonalAccessTokens`] ask nobody whose they are: they are for admins and for the program itself. A handler
    /// that passes a user's id to them lets each user revoke the tokens of all others. Here the owner is checked on the very record that is
    /// changed: a token that is given to someone else meanwhile is theirs.
    pub fn owned_by(&self, owner: impl Into<String>) -> OwnedTokens<'_> {
        OwnedTokens {
            pats: self,
            owner: owner.into(),
        }
    }
}

impl<'a> OwnedTokens<'a> {
    fn target<'t>(&'t self, id: &'t PatId) -> Target<'t> {
        let owner = Some(self.owner.as_str());
        Target { id, owner }
    }

    /// All of them, to be picked from: what the list is told narrows it, and never shows another's.
    pub fn list(&self) -> List<'a> {
        self.pats.list().owned_by(&self.owner)
    }

    /// What is known about one.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::get`]; [`PatError::NotFound`] also where it is another's.
    pub async fn get(&self, id: &PatId) -> Result<PatRecord, PatError> {
        self.pats.get_any(self.target(id), false).await
    }

    /// Revokes one. There is no `restore` here: perhaps an admin has revoked it.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::revoke`]; [`PatError::NotFound`] also where it is another's.
    pub async fn revoke(&self, id: &PatId) -> Result<PatRecord, PatError> {
        self.pats.revoke_any(self.target(id), None).await
    }

    /// Gives one a new secret: [`PersonalAccessTokens::rotate`].
    ///
    /// # Errors
    ///
    /// As there; [`PatError::NotFound`] also where it is another's.
    pub async fn rotate(&self, id: &PatId, overlap: Duration) -> Result<Issued, PatError> {
        self.pats.rotate_any(self.target(id), overlap).await
    }

    /// Gives one a new secret that is in safe hands already: [`PersonalAccessTokens::rotate_to`].
    ///
    /// # Errors
    ///
    /// As there; [`PatError::NotFound`] also where it is another's.
    pub async fn rotate_to(
        &self,
        id: &PatId,
        hash: SecretHash,
        overlap: Duration,
    ) -> Result<PatRecord, PatError> {
        let target = self.target(id);
        self.pats.rotate_to_any(target, hash, overlap).await
    }

    /// Changes what is known about one.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::update`]; [`PatError::NotFound`] also where it is another's.
    ///
    /// # Security
    ///
    /// Whose it is has been checked, and not what the change says: name nothing in it that the user may not set. A name, that is, and hardly a role.
    pub async fn update(&self, id: &PatId, update: PatUpdate) -> Result<PatRecord, PatError> {
        self.pats.update_any(self.target(id), update).await
    }

    /// Removes one. One whose record was changed from outside belongs to nobody, and is removed by [`PersonalAccessTokens::delete`] alone.
    ///
    /// # Errors
    ///
    /// As there; [`PatError::NotFound`] also where it is another's, and [`PatError::Tampered`].
    pub async fn delete(&self, id: &PatId) -> Result<(), PatError> {
        self.pats.delete_any(self.target(id)).await
    }
}
