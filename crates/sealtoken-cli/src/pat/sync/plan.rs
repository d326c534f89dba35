//! What is to be done, from what is declared and what there is.

use std::collections::HashMap;

use sealtoken::UnixTime;
use sealtoken::pat::{NewPat, PatError, PatId, PatUpdate, PersonalAccessTokens, SecretHash, State};

use crate::failure::Failure;
use crate::progress::Progress;

use super::compare::{Difference, compare, facts};
use super::file::Declared;

/// What is said of a declared token that has ended and is not in the store.
pub(super) const EXPIRED: &str = "it has expired: it is not registered";

pub(super) struct Rules {
    /// The token of whoever runs this.
    pub(super) own: Option<PatId>,
    pub(super) keep_unlisted: bool,
    pub(super) now: UnixTime,
}

#[derive(Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What is not done, and ought to be known.
    pub(super) notes: Vec<(PatId, &'static str)>,
    /// Declared tokens that there are not, and that nothing can make.
    pub(super) missing: Vec<PatId>,
    pub(super) unreadable: Vec<PatError>,
    pub(super) unchanged: u64,
}

/// What is to be done about one token.
pub(super) struct Step {
    pub(super) id: PatId,
    pub(super) owner: String,
    /// What is taken from it, before and beside all else.
    pub(super) restriction: Option<Box<PatUpdate>>,
    pub(super) work: Work,
    pub(super) differences: Vec<Difference>,
}

pub(super) enum Work {
    Register(SecretHash, Box<NewPat>),
    Change(Box<PatUpdate>),
    Restore(Option<Box<PatUpdate>>),
    Revoke(Option<Box<PatUpdate>>),
}

/// Reads all tokens, in whatever state. Only what is to be done stays in memory.
pub(super) async fn plan(
    pats: &PersonalAccessTokens,
    declared: &[Declared],
    rules: &Rules,
) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut left: HashMap<PatId, &Declared> =
        declared.iter().map(|token| (token.id, token)).collect();
    let progress = Progress::of("tokens looked at")?;
    let mut count = progress.after(0);
    let mut looked_at = 0_u64;
    let mut tokens = pats.list().with_hashes().stream();
    while let Some(token) = tokens.next().await {
        looked_at = looked_at.saturating_add(1);
        count(looked_at);
        let record = match token {
            Ok(record) => record,
            Err(PatError::Tampered) => {
                plan.unreadable.push(PatError::Tampered);
                continue;
            }
            // The store did not give the rest: what is declared there would be taken for missing.
            Err(error) => return Err(error.into()),
        };
        let own = rules.own == Some(record.id);
        match left.remove(&record.id) {
            Some(token) => compare(&mut plan, &record, token, own, rules.now),
            None if record.state_at(rules.now) != State::Live || rules.keep_unlisted => {}
            None if own => plan.notes.push((
                record.id,
                "your own token is not in the file: it is NOT revoked",
            )),
            None => plan.steps.push(Step {
                id: record.id,
                owner: record.owner,
                restriction: None,
                work: Work::Revoke(None),
                differences: Vec::new(),
            }),
        }
    }
    for token in declared.iter().filter(|token| left.contains_key(&token.id)) {
        absent(&mut plan, token, rules.now);
    }
    // Where a run is cut off, what was to be taken is taken.
    plan.steps.sort_by_key(|step| match step.work {
        Work::Revoke(_) => 0,
        _ if step.restriction.is_some() => 1,
        _ => 2,
    });
    Ok(plan)
}

/// What becomes of a declared token that is not in the store.
fn absent(plan: &mut Plan, token: &Declared, now: UnixTime) {
    if token.revoked == Some(true) {
        // It is refused as it is; perhaps it was purged.
        plan.unchanged = plan.unchanged.saturating_add(1);
    } else if token.has_ended(now) {
        plan.notes.push((token.id, EXPIRED));
    } else if let Some(hash) = &token.hash {
        plan.steps.push(Step {
            id: token.id,
            owner: token.owner.clone(),
            restriction: None,
            work: Work::Register(hash.clone(), Box::new(token.new_pat(now))),
            differences: facts(token),
        });
    } else {
        plan.missing.push(token.id);
    }
}
