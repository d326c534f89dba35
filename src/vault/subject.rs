//! The subjects for which failed attempts at a vault are counted: see [`limits`](crate::limits).

use crate::limits::SubjectKind;

/// One token.
pub const TOKEN: SubjectKind = SubjectKind::one("vault.token");
/// Everything in a namespace.
pub const NAMESPACE: SubjectKind = SubjectKind::scope("vault.namespace");
