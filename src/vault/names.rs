//! The names of collections and labels, which a database shows in clear, and of the keys that are
//! derived from a keyset.

use crate::sealed::KeyUse;
use crate::store::{Collection, LabelName};

/// Keysets: the vault's own, and one for each namespace.
pub(super) const KEYSETS: Collection = Collection::from_static("vault_keysets");
/// Values, one record a token.
pub(super) const VALUES: Collection = Collection::from_static("vault_values");
/// Earlier values.
pub(super) const VERSIONS: Collection = Collection::from_static("vault_versions");
/// The entries of passwords.
pub(super) const PASSWORDS: Collection = Collection::from_static("vault_passwords");

/// The labels of a value that begin with the scope prefix of its namespace.
pub(super) const SCOPED: [LabelName; 4] = [CREATED, EXPIRES, EXPIRES_DELETED, DELETED];
/// Namespace and time of creation: the list of a namespace.
pub(super) const CREATED: LabelName = LabelName::from_static("created");
/// Namespace and expiry, of values that are not soft-deleted.
pub(super) const EXPIRES: LabelName = LabelName::from_static("expires");
/// Namespace and expiry, of soft-deleted values: `soft_delete_expired` does not see them again.
pub(super) const EXPIRES_DELETED: LabelName = LabelName::from_static("expires_deleted");
/// Namespace and time of soft deletion.
pub(super) const DELETED: LabelName = LabelName::from_static("deleted");
/// The caller's label.
pub(super) const LABEL: LabelName = LabelName::from_static("label");
/// The id of the data key that sealed the payload.
pub(super) const DATA_KEY: LabelName = LabelName::from_static("data_key");

/// The key of payloads without a password.
pub(super) const PAYLOAD: KeyUse = KeyUse::new("payload");
/// Finds the entry of a password.
pub(super) const PASSWORD_ID: KeyUse = KeyUse::new("password id");
/// Seals the entry of a password, together with the password.
pub(super) const PASSWORD_ENTRY: KeyUse = KeyUse::new("password entry");
/// The salt of passwords.
pub(super) const PASSWORD_SALT: KeyUse = KeyUse::new("password salt");
