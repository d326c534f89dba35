//! Changes to what is known about a token.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::End;
use crate::token::Lifetime;

use super::new::{check_metadata, check_name, check_owner};
use super::owned::Target;
use super::roles::check_scopes;
use super::row::Facts;
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, SecretHash};

/// What is to be changed about a token; the rest stays as it is.
///
/// Roles are given and taken one by one: of many who do so at once, none undoes what another did. All roles at once are set by
/// [`roles`](PatUpdate::roles), before any is given or taken.
///
/// ```
/// use sealtoken::pat::PatUpdate;
///
/// let update = PatUpdate::new().owner("grace@example.com").add_role("writer").never_expires();
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "this describes a change; `update` makes it"]
pub struct PatUpdate {
    owner: Option<String>,
    admin: Option<bool>,
    roles: Option<BTreeSet<String>>,
    add: BTreeSet<String>,
    remove: BTreeSet<String>,
    scopes: Option<BTreeSet<String>>,
    name: Option<Rename>,
    metadata: Option<BTreeMap<String, String>>,
    hash: Option<SecretHash>,
    end: Option<End>,
}

#[derive(Debug, Clone)]
enum Rename {
    To(String),
    Nameless,
}

impl PatUpdate {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another owner.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Makes it an admin's token, or not.
    pub fn admin(mut self, admin: bool) -> Self {
        self.admin = Some(admin);
        self
    }

    /// These roles and no others; none clears them.
    pub fn roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.roles = Some(roles.into_iter().map(Into::into).collect());
        self
    }

    /// Gives a role. It may be there.
    pub fn add_role(mut self, role: impl Into<String>) -> Self {
        let role = role.into();
        self.remove.remove(&role);
        self.add.insert(role);
        self
    }

    /// Takes a role. It may be gone.
    pub fn remove_role(mut self, role: impl Into<String>) -> Self {
        let role = role.into();
        self.add.remove(&role);
        self.remove.insert(role);
        self
    }

    /// These scopes and no others.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Another name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(Rename::To(name.into()));
        self
    }

    /// No name any more.
    pub fn without_name(mut self) -> Self {
        self.name = Some(Rename::Nameless);
        self
    }

    /// This metadata and no other.
    pub fn metadata<K: Into<String>, V: Into<String>>(
        mut self,
        metadata: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let metadata = metadata.into_iter();
        let entries = metadata.map(|(key, value)| (key.into(), value.into()));
        self.metadata = Some(entries.collect());
        self
    }

    /// Another secret, whose hash was made elsewhere. The one before is good no more, not even during an overlap.
    pub fn hash(mut self, hash: SecretHash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// Lets it end so long from now; [`Lifetime::Forever`] takes its end away.
    pub fn expires_in(mut self, lifetime: Lifetime) -> Self {
        self.end = Some(End::In(lifetime));
        self
    }

    /// Lets it end at this moment.
    pub fn expires_at(mut self, at: impl Into<UnixTime>) -> Self {
        self.end = Some(End::At(at.into()));
        self
    }

    /// Lets it end at this moment, or at once where that has passed by the time of the update; one
    /// that has ended by then keeps its end.
    pub fn expires_at_or_now(mut self, at: impl Into<UnixTime>) -> Self {
        self.end = Some(End::AtOrNow(at.into()));
        self
    }

    /// Takes its end away.
    pub fn never_expires(self) -> Self {
        self.expires_in(Lifetime::Forever)
    }

    /// Checks all of it on a token, and changes that.
    fn apply(&self, facts: &mut Facts, now: UnixTime) -> Result<(), PatError> {
        if let Some(owner) = &self.owner {
            check_owner(owner)?;
            facts.owner.clone_from(owner);
        }
        if let Some(admin) = self.admin {
            facts.admin = admin;
        }
        if let Some(roles) = &self.roles {
            facts.roles.replace(roles)?;
        }
        // What is taken first makes room.
        self.remove.iter().for_each(|role| facts.roles.remove(role));
        self.add.iter().try_for_each(|role| facts.roles.add(role))?;
        if let Some(scopes) = &self.scopes {
            check_scopes(scopes)?;
            facts.scopes.clone_from(scopes);
        }
        match &self.name {
            Some(Rename::To(name)) => {
                check_name(name)?;
                facts.name = Some(name.clone());
            }
            Some(Rename::Nameless) => facts.name = None,
            None => {}
        }
        if let Some(metadata) = &self.metadata {
            check_metadata(metadata)?;
            facts.metadata.clone_from(metadata);
        }
        if let Some(hash) = &self.hash {
            facts.hash = hash.clone();
            facts.before = None;
        }
        if let Some(end) = self.end {
            let seconds = end.seconds(now)?;
            facts.expires = match (end, facts.expires) {
                // What has ended stays so: where this clock is ahead, now would revive it elsewhere.
                (End::AtOrNow(at), Some(ended)) if at <= now => seconds.map(|now| now.min(ended)),
                _ => seconds,
            };
        }
        Ok(())
    }
}

impl PersonalAccessTokens {
    /// Changes what is known about a token, also of one that is revoked or expired. All of the change is done, or none of it.
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], and what is wrong with the change: [`PatError::TooManyRoles`], [`PatError::InvalidEnd`], [`PatError::Hash`] and so on.
    /// [`PatError::Tampered`], [`PatError::Store`].
    pub async fn update(&self, id: &PatId, update: PatUpdate) -> Result<PatRecord, PatError> {
        self.update_any(id.into(), update).await
    }

    pub(super) async fn update_any(
        &self,
        target: Target<'_>,
        update: PatUpdate,
    ) -> Result<PatRecord, PatError> {
        let updated = async {
            if let Some(hash) = &update.hash {
                self.shared.hasher.check(hash)?;
            }
            let change = |facts: &mut Facts, now| {
                update.apply(facts, now)?;
                if update.hash.is_some() {
                    facts.origin = facts.origin.of_other_secret();
                }
                Ok(())
            };
            Ok(self.change(target, change).await?.into_record(false))
        };
        self.report(Operation::PatUpdate, Some(target.id), None, updated.await)
    }
}
