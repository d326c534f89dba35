//! What a sync is to do: a step for each token that differs from its declaration.

use sealtoken::Value;
use sealtoken::pat::{Issue, PatError, PatId, PatRecord, SecretHash, Update};

use crate::output::optional;

#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// What is not done, but worth knowing.
    pub(super) notes: Vec<(PatId, &'static str)>,
    /// Declared tokens that are not in the store, and have no hash to register.
    pub(super) missing: Vec<PatId>,
    pub(super) unreadable: Vec<PatError>,
    pub(super) unchanged: u64,
}

/// What to do about one token.
pub(super) struct Step<'a> {
    pub(super) id: PatId,
    pub(super) owner: String,
    /// What restricts it, before all else.
    pub(super) restriction: Option<Box<Update<'a>>>,
    pub(super) work: Work<'a>,
    pub(super) differences: Vec<Difference>,
}

pub(super) enum Work<'a> {
    Register(Box<Issue<'a, (PatId, SecretHash)>>),
    Change(Box<Update<'a>>),
    Restore(Option<Box<Update<'a>>>),
    Revoke(Option<Box<Update<'a>>>),
}

/// The difference in one field. A hash is never shown.
pub(super) struct Difference {
    pub(super) field: &'static str,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

impl Difference {
    /// Shows what was stored: an expiry in the past became the moment at which it was set.
    pub(super) fn settle(&mut self, record: &PatRecord) {
        if self.field == "expires_at" {
            self.after = Some(optional(record.expires_at));
        }
    }

    pub(super) const fn hidden(field: &'static str) -> Self {
        Self {
            field,
            before: None,
            after: None,
        }
    }

    pub(super) const fn new(field: &'static str, after: Value) -> Self {
        Self {
            field,
            before: None,
            after: Some(after),
        }
    }
}
