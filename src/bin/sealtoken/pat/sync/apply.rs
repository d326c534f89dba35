//! Does what was planned, one token after the other: one that fails stops no other.

use sealtoken::Lifetime;
use sealtoken::pat::{PatError, PatId, PatRecord, PatUpdate, PersonalAccessTokens};
use sealtoken::store::StoreError;

use super::plan::{EXPIRED, Step, Work};
use super::show::Report;
use crate::pat::args::Sync;

pub(super) async fn apply(
    pats: &PersonalAccessTokens,
    steps: Vec<Step>,
    options: &Sync,
    report: &mut Report,
) {
    for mut step in steps {
        if !options.dry_run {
            let mut done = None;
            match take(pats, &step, options.purge_in, &mut done).await {
                Ok(record) => {
                    let differences = step.differences.iter_mut();
                    differences.for_each(|difference| difference.settle(&record));
                }
                // Its end was ahead when that was planned.
                Err(PatError::InvalidEnd) if matches!(step.work, Work::Register(..)) => {
                    report.note(&step.id, EXPIRED);
                    continue;
                }
                Err(error) => {
                    report.failed(Some(&step.id), error.code(), &why(&error, done), done);
                    continue;
                }
            }
        }
        report.done(&step);
    }
}

/// What is taken from a token comes first and alone: nothing else that fails holds it back. What
/// was `done` by then is told in any case.
async fn take(
    pats: &PersonalAccessTokens,
    step: &Step,
    purge_in: Option<Lifetime>,
    done: &mut Option<&'static str>,
) -> Result<PatRecord, PatError> {
    let id = &step.id;
    if let Work::Revoke(_) = step.work {
        pats.revoke(id).await?;
        *done = Some("it was revoked");
    }
    if let Some(restriction) = &step.restriction {
        update(pats, id, Some(&**restriction)).await?;
        done.get_or_insert("what is taken from it was taken");
    }
    match &step.work {
        Work::Register(hash, new) => pats.register(*id, hash.clone(), (**new).clone()).await,
        Work::Change(change) => pats.update(id, (**change).clone()).await,
        // Whatever fails on the way, a token is refused rather than good with what it is not to have.
        Work::Restore(change) => {
            if change.is_some() {
                update(pats, id, change.as_deref()).await?;
                *done = Some("it was changed, and is still revoked");
            }
            pats.restore(id).await
        }
        Work::Revoke(change) => {
            update(pats, id, change.as_deref()).await?;
            match purge_in {
                Some(after) => pats.revoke_and_purge(id, after).await,
                None => pats.revoke(id).await,
            }
        }
    }
}

/// What is said of an error after so much was done: the store speaks of its last call alone.
pub(super) fn why(error: &PatError, done: Option<&'static str>) -> String {
    let Some(done) = done else {
        return error.to_string();
    };
    let error = match error {
        PatError::Store(StoreError::Unavailable { reason, .. }) => {
            format!("the store is not available ({reason})")
        }
        error => error.to_string(),
    };
    format!("{error}; {done}: run `sealtoken pat sync` again for the rest")
}

async fn update(
    pats: &PersonalAccessTokens,
    id: &PatId,
    change: Option<&PatUpdate>,
) -> Result<(), PatError> {
    if let Some(change) = change {
        pats.update(id, change.clone()).await?;
    }
    Ok(())
}
