//! The names that the vault uses in a database, in clear.

use crate::store::{Collection, LabelName};

/// Keysets: the vault's own, and one for each namespace.
pub(super) const KEYSETS: Collection = Collection::known("vault_keysets");
/// Values, one record a token.
pub(super) const VALUES: Collection = Collection::known("vault_values");
/// Earlier values.
pub(super) const VERSIONS: Collection = Collection::known("vault_versions");
/// What a password leads to.
pub(super) const PASSWORDS: Collection = Collection::known("vault_passwords");

/// Namespace and time of creation: the list of a namespace.
pub(super) const CREATED: LabelName = LabelName::known("created");
/// Namespace and end, of what is not deleted.
pub(super) const EXPIRES: LabelName = LabelName::known("expires");
/// Namespace and end, of what is soft-deleted: a sweep that hides does not see it again.
pub(super) const EXPIRES_DELETED: LabelName = LabelName::known("expires_deleted");
/// Namespace and time of soft deletion.
pub(super) const DELETED: LabelName = LabelName::known("deleted");
/// The caller's label.
pub(super) const LABEL: LabelName = LabelName::known("label");
/// The id of the data key that the payload is under.
pub(super) const DATA_KEY: LabelName = LabelName::known("data_key");
