//! The operations of a vault, as [events](crate::events) name them.

use crate::events::Operation;

/// A value was stored.
pub const CREATE: Operation = Operation::new("vault.create");
/// A value was read.
pub const READ: Operation = Operation::new("vault.read");
/// An earlier value was read.
pub const READ_VERSION: Operation = Operation::new("vault.read_version");
/// A value was replaced.
pub const UPDATE: Operation = Operation::new("vault.update");
/// A value was replaced by an earlier one.
pub const ROLL_BACK: Operation = Operation::new("vault.roll_back");
/// Earlier values were removed.
pub const PRUNE: Operation = Operation::new("vault.prune");
/// An expiry was changed.
pub const RENEW: Operation = Operation::new("vault.renew");
/// A value was soft-deleted.
pub const SOFT_DELETE: Operation = Operation::new("vault.soft_delete");
/// A soft-deleted value was restored.
pub const RESTORE: Operation = Operation::new("vault.restore");
/// A value was removed.
pub const DELETE: Operation = Operation::new("vault.delete");
/// What is known about a value was looked up.
pub const GET: Operation = Operation::new("vault.get");
/// Whether a value can be read was checked.
pub const EXISTS: Operation = Operation::new("vault.exists");
/// Values were listed or counted.
pub const LIST: Operation = Operation::new("vault.list");
/// The versions of a value were listed.
pub const VERSIONS: Operation = Operation::new("vault.versions");
/// A password was tried, and its keys were kept.
pub const UNLOCK: Operation = Operation::new("vault.unlock");
/// A password was replaced by another one.
pub const REKEY: Operation = Operation::new("vault.rekey");
/// Expired values were soft-deleted.
pub const SOFT_DELETE_EXPIRED: Operation = Operation::new("vault.soft_delete_expired");
/// Expired values were removed permanently.
pub const PURGE_EXPIRED: Operation = Operation::new("vault.purge_expired");
/// Soft-deleted values were removed permanently.
pub const PURGE_DELETED: Operation = Operation::new("vault.purge_deleted");
/// Keysets were sealed again by the ring's current key.
pub const REWRAP: Operation = Operation::new("vault.rewrap");
/// Values of another system were imported.
pub const IMPORT: Operation = Operation::new("vault.import");
