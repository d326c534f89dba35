//! Does what was planned, one token after the other: one that fails stops no other.

use sealtoken::Lifetime;
use sealtoken::pat::{PatError, PatId, PatRecord, PatUpdate, PersonalAccessTokens};

use super::plan::{EXPIRED, Step, Work};
use super::show::Report;
use crate::failure::{in_part, is_in_doubt};
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
            let restored = pats.restore(id).await;
            if done.is_some() && restored.as_ref().is_err_and(may_be_done) {
                *done = Some("it was changed, and may be restored");
            }
            restored
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
    let again = "run `sealtoken pat sync` again";
    match (error, done) {
        (PatError::Store(error), Some(done)) => {
            format!("{}; {done}: {again} for the rest", in_part(error))
        }
        (error, Some(done)) => format!("{error}; {done}: {again} for the rest"),
        (error, None) if may_be_done(error) => format!("{error}; or {again}"),
        (error, None) => error.to_string(),
    }
}

const fn may_be_done(error: &PatError) -> bool {
    matches!(error, PatError::Store(error) if is_in_doubt(error))
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
