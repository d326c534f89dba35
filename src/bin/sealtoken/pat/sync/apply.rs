//! Does what was planned, one token after the other: one that fails stops no other.

use sealtoken::Lifetime;
use sealtoken::pat::{PatError, PatId, PatUpdate, PersonalAccessTokens};

use crate::failure::Failure;

use super::plan::{Step, Work};
use super::show::Report;
use crate::pat::args::Sync;

pub(super) async fn apply(
    pats: &PersonalAccessTokens,
    steps: Vec<Step>,
    options: &Sync,
    report: &mut Report,
) -> Result<(), Failure> {
    for step in &steps {
        let done = if options.dry_run {
            Ok(())
        } else {
            take(pats, step, options.purge_in).await
        };
        match done {
            Ok(()) => report.done(step)?,
            Err(error) => report.failed(Some(&step.id), error.code(), &error.to_string()),
        }
    }
    Ok(())
}

async fn take(
    pats: &PersonalAccessTokens,
    step: &Step,
    purge_in: Option<Lifetime>,
) -> Result<(), PatError> {
    let id = &step.id;
    match &step.work {
        Work::Register(hash, new) => {
            pats.register(*id, hash.clone(), (**new).clone()).await?;
        }
        Work::Change(change) => {
            pats.update(id, (**change).clone()).await?;
        }
        // Whatever fails on the way, a token is refused rather than good with what it is not to have.
        Work::Restore(change) => {
            update(pats, id, change.as_deref()).await?;
            pats.restore(id).await?;
        }
        Work::Revoke(change) => {
            match purge_in {
                Some(after) => pats.revoke_and_purge(id, after).await?,
                None => pats.revoke(id).await?,
            };
            update(pats, id, change.as_deref()).await?;
        }
    }
    Ok(())
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
