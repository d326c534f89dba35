//! The names that personal access tokens use: of collections and labels, in clear in a database,
//! and of their keyset's keys.

use crate::sealed::KeyUse;
use crate::store::{Collection, LabelName};

/// The keyset, in one record.
pub(super) const KEYSETS: Collection = Collection::from_static("pat_keysets");
/// Tokens, one record each.
pub(super) const TOKENS: Collection = Collection::from_static("pat_tokens");
/// A record that marks that a first admin existed.
pub(super) const BOOTSTRAP: Collection = Collection::from_static("pat_bootstrap");

/// The owner.
pub(super) const OWNER: LabelName = LabelName::from_static("owner");
/// A role; a token has at most eight of these.
pub(super) const ROLE: LabelName = LabelName::from_static("role");
/// Marks a token with more roles than those.
pub(super) const MORE_ROLES: LabelName = LabelName::from_static("more_roles");

/// The key that secrets are hashed with.
pub(super) const SECRETS: KeyUse = KeyUse::new("pat");
