//! What is known about a token.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::crypto::clock::UnixTime;

use super::{PatId, SecretHash};

/// What is known about a token: never its secret, and its hash only where that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatRecord {
    /// By what it is named.
    pub id: PatId,
    /// Whose it is.
    pub owner: String,
    /// Whether it may do everything.
    pub admin: bool,
    /// Its roles.
    pub roles: BTreeSet<String>,
    /// What it is for, such as `repo:read`.
    pub scopes: BTreeSet<String>,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Whatever else is to be known about it.
    pub metadata: BTreeMap<String, String>,
    /// Where its secret was made.
    pub origin: Origin,
    /// When it was issued, registered, or, where it was imported, made.
    pub created_at: UnixTime,
    /// When anything of it was changed last, but for its use.
    pub updated_at: UnixTime,
    /// When it was used last, as far as that is written: see [`PatOptions::last_used_every`](super::PatOptions::last_used_every).
    pub last_used_at: Option<UnixTime>,
    /// When it ends: expired at that second.
    pub expires_at: Option<UnixTime>,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
    /// When it may be removed, as its revocation says.
    pub purge_at: Option<UnixTime>,
    /// Until when the secret before the last rotation is good, or was.
    pub previous_secret_ends_at: Option<UnixTime>,
    /// The hash of its secret, where it was asked for.
    pub hash: Option<SecretHash>,
}

/// Where a token's secret was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// Here: [`issue`](super::PersonalAccessTokens::issue).
    Issued,
    /// Elsewhere, and its hash was [registered](super::PersonalAccessTokens::register).
    Registered,
    /// In another system, whose records were imported.
    Imported,
}

impl Origin {
    /// `issued`, `registered` or `imported`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Registered => "registered",
            Self::Imported => "imported",
        }
    }

    /// That of a token which is given a secret that was perhaps made elsewhere.
    pub(super) fn of_other_secret(self) -> Self {
        match self {
            Self::Issued => Self::Registered,
            other => other,
        }
    }
}

/// Where a token stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It can be used.
    Live,
    /// Its end has come.
    Expired,
    /// It was revoked; whether it has expired, too, its end tells.
    Revoked,
}

impl State {
    /// `live`, `expired` or `revoked`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PatRecord {
    /// Whether it has this role. An admin does not have every role: ask for [`admin`](PatRecord::admin), too.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    /// Whether it has this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Where it stands at this moment.
    #[must_use]
    pub fn state_at(&self, now: UnixTime) -> State {
        if self.revoked_at.is_some() {
            State::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            State::Expired
        } else {
            State::Live
        }
    }
}
