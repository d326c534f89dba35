//! Plans what to do, from the declared tokens and the stored ones.

use std::collections::HashMap;

use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
use sealtoken::{ServiceError, State, UnixTime};

use crate::failure::Failure;
use crate::progress::Progress;

use super::compare::{compare, meta};
use super::file::Declared;
use super::step::{Plan, Step, Work};

/// The note on a declared token that has expired and is not in the store.
pub(super) const EXPIRED: &str = "it has expired: it is not registered";

pub(super) struct Rules {
    /// The token of whoever runs this.
    pub(super) own: Option<PatId>,
    pub(super) keep_unlisted: bool,
    pub(super) now: UnixTime,
}

/// Reads all tokens, in every state. Only the steps stay in memory.
pub(super) async fn plan<'a>(
    pats: &'a PersonalAccessTokens,
    declared: &[Declared],
    rules: &Rules,
) -> Result<Plan<'a>, Failure> {
    let mut plan = Plan::default();
    let mut left: HashMap<PatId, &Declared> =
        declared.iter().map(|token| (token.id, token)).collect();
    let progress = Progress::of("tokens read")?;
    let mut count = progress.after(0);
    let mut looked_at = 0_u64;
    let mut tokens = pats.list().with_hashes().stream();
    while let Some(token) = tokens.next().await {
        looked_at = looked_at.saturating_add(1);
        count(looked_at);
        let record = match token {
            Ok(record) => record,
            Err(PatError::Service(ServiceError::Tampered)) => {
                plan.unreadable
                    .push(PatError::Service(ServiceError::Tampered));
                continue;
            }
            // The rest was not read: its tokens would be taken for missing.
            Err(error) => return Err(error.into()),
        };
        let own = rules.own == Some(record.id);
        match left.remove(&record.id) {
            Some(token) => compare(&mut plan, pats, &record, token, own, rules.now),
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
        absent(&mut plan, pats, token, rules.now);
    }
    // If a run is interrupted, the restrictions are done.
    plan.steps.sort_by_key(|step| match step.work {
        Work::Revoke(_) => 0,
        _ if step.restriction.is_some() => 1,
        _ => 2,
    });
    Ok(plan)
}

/// Plans a declared token that is not in the store.
fn absent<'a>(
    plan: &mut Plan<'a>,
    pats: &'a PersonalAccessTokens,
    token: &Declared,
    now: UnixTime,
) {
    if token.revoked == Some(true) {
        // It is refused already; it may have been purged.
        plan.unchanged = plan.unchanged.saturating_add(1);
    } else if token.has_expired(now) {
        plan.notes.push((token.id, EXPIRED));
    } else if let Some(hash) = &token.hash {
        let new = pats.register(token.id, hash.clone(), &token.owner);
        plan.steps.push(Step {
            id: token.id,
            owner: token.owner.clone(),
            restriction: None,
            work: Work::Register(Box::new(token.describe(new, now))),
            differences: meta(token),
        });
    } else {
        plan.missing.push(token.id);
    }
}
