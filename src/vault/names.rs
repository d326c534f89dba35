//! The names that the vault uses in a database, in clear.

use crate::store::{Collection, LabelName};

/// Keysets: the vault's own, and one for each namespace.
pub(super) const KEYSETS: Collection = Collection::from_static("vault_keysets");
/// Values, one record a token.
pub(super) const VALUES: Collection = Collection::from_static("vault_values");
/// Earlier values.
pub(super) const VERSIONS: Collection = Collection::from_static("vault_versions");
/// What a password leads to.
pub(super) const PASSWORDS: Collection = Collection::from_static("vault_passwords");

/// The labels of a value whose values begin with the mark of its namespace.
pub(super) const MARKED: [LabelName; 4] = [CREATED, EXPIRES, EXPIRES_DELETED, DELETED];
/// Namespace and time of creation: the list of a namespace.
pub(super) const CREATED: LabelName = LabelName::from_static("created");
/// Namespace and end, of what is not deleted.
pub(super) const EXPIRES: LabelName = LabelName::from_static("expires");
/// Namespace and end, of what is soft-deleted: a sweep that hides does not see it again.
pub(super) const EXPIRES_DELETED: LabelName = LabelName::from_static("expires_deleted");
/// Namespace and time of soft deletion.
pub(super) const DELETED: LabelName = LabelName::from_static("deleted");
/// The caller's label.
pub(super) const LABEL: LabelName = LabelName::from_static("label");
/// The id of the data key that the payload is under.
pub(super) const DATA_KEY: LabelName = LabelName::from_static("data_key");
