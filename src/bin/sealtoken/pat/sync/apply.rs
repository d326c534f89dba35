//! Does what was planned, one token after the other: one that fails stops no other.

use sealtoken::Lifetime;
use sealtoken::pat::{PatError, PatId, PatRecord, PatUpdate, PersonalAccessTokens};

use crate::failure::Failure;

use super::plan::{EXPIRED, Step, Work};
use super::show::Report;
use crate::pat::args::Sync;

pub(super) async fn apply(
    pats: &PersonalAccessTokens,
    steps: Vec<Step>,
    options: &Sync,
    report: &mut Report,
) -> Result<(), Failure> {
    for mut step in steps {
        if !options.dry_run {
            match take(pats, &step, options.purge_in).await {
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
                    report.failed(Some(&step.id), error.code(), &error.to_string());
                    continue;
                }
            }
        }
        report.done(&step)?;
    }
    Ok(())
}

/// What is taken from a token comes first and alone: nothing else that fails holds it back.
async fn take(
    pats: &PersonalAccessTokens,
    step: &Step,
    purge_in: Option<Lifetime>,
) -> Result<PatRecord, PatError> {
    let id = &step.id;
    if let Work::Revoke(_) = step.work {
        pats.revoke(id).await?;
    }
    update(pats, id, step.restriction.as_deref()).await?;
    match &step.work {
        Work::Register(hash, new) => pats.register(*id, hash.clone(), (**new).clone()).await,
        Work::Change(change) => pats.update(id, (**change).clone()).await,
        // Whatever fails on the way, a token is refused rather than good with what it is not to have.
        Work::Restore(change) => {
            update(pats, id, change.as_deref()).await?;
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
