//! The tokens of one owner, for pages on which users manage their own.

use crate::sealed::Listing;

use super::{
    ListedTokens, PatError, PatId, PatRecord, PersonalAccessTokens, Revoke, Rotate, Update,
};

/// The token that an operation is about, and the owner that it must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) id: PatId,
    owner: Option<&'a str>,
}

impl From<PatId> for Target<'_> {
    /// Whoever owns it.
    fn from(id: PatId) -> Self {
        Self { id, owner: None }
    }
}

impl Target<'_> {
    /// Another owner's token is not found.
    pub(super) fn check_owner(self, of: &str) -> Result<(), PatError> {
        let allowed = self.owner.is_none_or(|owner| owner == of);
        allowed.then_some(()).ok_or(PatError::NotFound)
    }

    /// Whether the owner matters.
    pub(super) fn is_owned(self) -> bool {
        self.owner.is_some()
    }
}

/// The tokens of one owner: [`PersonalAccessTokens::owned_by`].
///
/// It offers `list`, `get`, `revoke`, `rotate`, `update` and `delete`. Another owner's token is
/// [`PatError::NotFound`].
#[derive(Debug, Clone, Copy)]
pub struct OwnedTokens<'a> {
    pats: &'a PersonalAccessTokens,
    owner: &'a str,
}

impl PersonalAccessTokens {
    /// The tokens of this owner, for what users do themselves. Another owner's token is
    /// [`PatError::NotFound`], like one that does not exist.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # type Pats = PersonalAccessTokens;
    /// # async fn example(pats: Pats, user: &str, id: &str) -> Result<(), PatError> {
    /// // DELETE /tokens/{id}, by the user who is signed in.
    /// pats.owned_by(user).revoke(id.parse()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Ids are public, and the operations of [`PersonalAccessTokens`] do not ask whose token it is:
    /// they are for administrators and for the program itself. A handler that passes a user's id to
    /// them lets each user revoke everybody's tokens. Here the owner is checked on the record that
    /// is changed: if the token is given to someone else meanwhile, it is theirs.
    #[must_use]
    pub fn owned_by<'a>(&'a self, owner: &'a str) -> OwnedTokens<'a> {
        OwnedTokens { pats: self, owner }
    }
}

impl<'a> OwnedTokens<'a> {
    fn target(self, id: PatId) -> Target<'a> {
        let owner = Some(self.owner);
        Target { id, owner }
    }

    /// Lists them. What you set on the list narrows it, and never shows another owner's tokens.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::list`].
    pub fn list(self) -> Listing<ListedTokens> {
        self.pats.list().owner(self.owner)
    }

    /// As [`PersonalAccessTokens::get`].
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Service`].
    pub async fn get(self, id: PatId) -> Result<PatRecord, PatError> {
        self.pats.get_target(self.target(id), false).await
    }

    /// As [`PersonalAccessTokens::revoke`]. There is no `restore` here: an administrator may have
    /// revoked the token.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::revoke`].
    pub fn revoke(self, id: PatId) -> Revoke<'a> {
        self.pats.revoke_target(self.target(id))
    }

    /// As [`PersonalAccessTokens::rotate`].
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::rotate`].
    pub fn rotate(self, id: PatId) -> Rotate<'a> {
        self.pats.rotate_target(self.target(id))
    }

    /// As [`PersonalAccessTokens::update`].
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::update`].
    ///
    /// # Security
    ///
    /// The owner is checked, but not what you change: set only what the user may set, such as a
    /// name, and hardly a role.
    pub fn update(self, id: PatId) -> Update<'a> {
        self.pats.update_target(self.target(id))
    }

    /// As [`PersonalAccessTokens::delete`]. A damaged or tampered record has no owner: deleting it
    /// is [`PatError::Service`] here.
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Service`].
    pub async fn delete(self, id: PatId) -> Result<(), PatError> {
        self.pats.delete_target(self.target(id)).await
    }
}
