//! The kinds of subjects that failed attempts at personal access tokens count for: see
//! [`limits`](crate::limits).

use crate::limits::SubjectKind;

/// One token.
pub const TOKEN: SubjectKind = SubjectKind::one("pat.token");
/// All tokens of the store.
pub const ALL: SubjectKind = SubjectKind::scope("pat.all");
