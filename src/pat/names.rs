//! The names that personal access tokens use in a database, in clear.

use crate::store::{Collection, LabelName};

/// The keyset, in one record.
pub(super) const KEYSETS: Collection = Collection::from_static("pat_keysets");
/// Tokens, one record each.
pub(super) const TOKENS: Collection = Collection::from_static("pat_tokens");
/// That there has been a first admin.
pub(super) const BOOTSTRAP: Collection = Collection::from_static("pat_bootstrap");

/// The owner.
pub(super) const OWNER: LabelName = LabelName::from_static("owner");
/// A role; a token has at most eight of these.
pub(super) const ROLE: LabelName = LabelName::from_static("role");
/// A token that has roles beyond those.
pub(super) const MORE_ROLES: LabelName = LabelName::from_static("more_roles");
