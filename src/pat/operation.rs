//! Names of the operations on personal access tokens, for [events](crate::events).

use crate::events::Operation;

/// A personal access token was issued.
pub const ISSUE: Operation = Operation::new("pat.issue");
/// A token whose secret was made elsewhere was registered.
pub const REGISTER: Operation = Operation::new("pat.register");
/// A token was presented.
pub const VERIFY: Operation = Operation::new("pat.verify");
/// What is known about a token was changed.
pub const UPDATE: Operation = Operation::new("pat.update");
/// A token was revoked.
pub const REVOKE: Operation = Operation::new("pat.revoke");
/// A revoked token was restored.
pub const RESTORE: Operation = Operation::new("pat.restore");
/// A token got a new secret.
pub const ROTATE: Operation = Operation::new("pat.rotate");
/// A token was deleted.
pub const DELETE: Operation = Operation::new("pat.delete");
/// Tokens were looked up by id.
pub const GET: Operation = Operation::new("pat.get");
/// Tokens were listed or counted.
pub const LIST: Operation = Operation::new("pat.list");
/// The first admin presented its token.
pub const BOOTSTRAP: Operation = Operation::new("pat.bootstrap");
/// Tokens of another system were imported. The count is that of the new ones: none in a dry run.
pub const IMPORT: Operation = Operation::new("pat.import");
/// Expired tokens were deleted.
pub const PURGE_EXPIRED: Operation = Operation::new("pat.purge_expired");
/// The keyset was sealed again by the ring's current key.
pub const REWRAP: Operation = Operation::new("pat.rewrap");
