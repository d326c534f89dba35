//! Changes to what is known about a token.

use std::collections::BTreeSet;

use crate::crypto::clock::{Expiry, UnixTime};
use crate::sealed::{NewExpiry, awaited};

use super::new::{check_metadata, check_name, check_owner, sorted_entries};
use super::owned::Target;
use super::roles::{check_scopes, sorted};
use super::row::Meta;
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, SecretHash, operation};

/// Changes what is known about a token: [`PersonalAccessTokens::update`]. What you do not set
/// stays.
#[derive(Debug, Clone)]
#[must_use = "nothing is changed until this is awaited"]
pub struct Update<'a> {
    pats: &'a PersonalAccessTokens,
    target: Target<'a>,
    changes: Changes,
}

#[derive(Debug, Clone, Default)]
struct Changes {
    owner: Option<String>,
    admin: Option<bool>,
    roles: Option<Vec<String>>,
    add: BTreeSet<String>,
    remove: BTreeSet<String>,
    scopes: Option<Vec<String>>,
    name: Option<Rename>,
    metadata: Option<Vec<(String, String)>>,
    hash: Option<SecretHash>,
    expiry: Option<NewExpiry>,
}

#[derive(Debug, Clone)]
enum Rename {
    To(String),
    Clear,
}

impl PersonalAccessTokens {
    /// Changes what is known about a token, even if it is revoked or expired. All changes are made,
    /// or none.
    ///
    /// ```
    /// # use sealtoken::Expiry;
    /// # use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, id: PatId) -> Result<(), PatError> {
    /// let update = pats.update(id).owner("grace@example.com").add_role("writer");
    /// let record = update.expires(Expiry::Never).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], what is wrong with the change, such as [`PatError::TooManyRoles`],
    /// and [`PatError::Service`].
    pub fn update(&self, id: PatId) -> Update<'_> {
        self.update_target(id.into())
    }

    pub(super) fn update_target<'a>(&'a self, target: Target<'a>) -> Update<'a> {
        Update {
            pats: self,
            target,
            changes: Changes::default(),
        }
    }
}

impl Update<'_> {
    /// Another owner.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.changes.owner = Some(owner.into());
        self
    }

    /// Whether its owner may do everything.
    pub fn admin(mut self, admin: bool) -> Self {
        self.changes.admin = Some(admin);
        self
    }

    /// Sets all roles, before any is added or removed.
    pub fn roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.changes.roles = Some(sorted(roles));
        self
    }

    /// Adds a role, whatever roles others add or remove at the same time.
    pub fn add_role(mut self, role: impl Into<String>) -> Self {
        let role = role.into();
        self.changes.remove.remove(&role);
        self.changes.add.insert(role);
        self
    }

    /// Removes a role, whatever roles others add or remove at the same time.
    pub fn remove_role(mut self, role: impl Into<String>) -> Self {
        let role = role.into();
        self.changes.add.remove(&role);
        self.changes.remove.insert(role);
        self
    }

    /// Sets all scopes.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.changes.scopes = Some(sorted(scopes));
        self
    }

    /// Another name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.changes.name = Some(Rename::To(name.into()));
        self
    }

    /// Removes the name.
    pub fn clear_name(mut self) -> Self {
        self.changes.name = Some(Rename::Clear);
        self
    }

    /// Sets all metadata.
    pub fn metadata<K: Into<String>, V: Into<String>>(
        mut self,
        metadata: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.changes.metadata = Some(sorted_entries(metadata));
        self
    }

    /// Another secret, by its hash. The previous one is refused at once, even within an overlap.
    pub fn hash(mut self, hash: SecretHash) -> Self {
        self.changes.hash = Some(hash);
        self
    }

    /// When it expires: after a [`Lifetime`](crate::Lifetime) from now, at a moment, or never.
    ///
    /// A moment that has passed means now; a token that has expired already keeps its expiry.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.changes.expiry = Some(NewExpiry::NowIfPast(expiry.into()));
        self
    }

    async fn run(self) -> Result<PatRecord, PatError> {
        let Self {
            pats,
            target,
            changes,
        } = self;
        let observed = pats.observe_one(operation::UPDATE, target.id);
        let update = async {
            if let Some(hash) = &changes.hash {
                pats.shared.hasher.check(hash)?;
            }
            let apply = |meta: &mut Meta, now| changes.apply(meta, now);
            let row = pats.tokens(&observed).change(target, apply).await?;
            Ok(row.into_record(false))
        };
        observed.run(update).await
    }
}

awaited!(Update<'a> => Result<PatRecord, PatError>);

impl Changes {
    /// Checks all changes against a token, and makes them.
    fn apply(&self, meta: &mut Meta, now: UnixTime) -> Result<(), PatError> {
        if let Some(owner) = &self.owner {
            check_owner(owner)?;
            meta.owner.clone_from(owner);
        }
        if let Some(admin) = self.admin {
            meta.admin = admin;
        }
        if let Some(roles) = &self.roles {
            meta.roles.replace(roles)?;
        }
        // Removing comes first, to make room.
        self.remove.iter().for_each(|role| meta.roles.remove(role));
        self.add.iter().try_for_each(|role| meta.roles.add(role))?;
        if let Some(scopes) = &self.scopes {
            check_scopes(scopes)?;
            meta.scopes.clone_from(scopes);
        }
        match &self.name {
            Some(Rename::To(name)) => {
                check_name(name)?;
                meta.name = Some(name.clone());
            }
            Some(Rename::Clear) => meta.name = None,
            None => {}
        }
        if let Some(metadata) = &self.metadata {
            check_metadata(metadata)?;
            meta.metadata.clone_from(metadata);
        }
        if let Some(hash) = &self.hash {
            meta.hash = hash.clone();
            meta.previous = None;
            meta.origin = meta.origin.with_other_secret();
        }
        if let Some(expiry) = self.expiry {
            let seconds = expiry.seconds(now)?;
            meta.expires = match meta.expires {
                // An expired token stays so: if this clock is ahead, `now` could revive it
                // elsewhere.
                Some(expired) if seconds == Some(now.as_secs()) => seconds.min(Some(expired)),
                _ => seconds,
            };
        }
        Ok(())
    }
}
