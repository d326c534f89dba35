//! Carries out the plan, token by token. One that fails stops no other.

use sealtoken::pat::{PatError, PatRecord, PersonalAccessTokens, Update};
use sealtoken::{ExpiryError, Lifetime, ServiceError};

use crate::failure::{in_part, is_in_doubt};

use super::Sync;
use super::plan::EXPIRED;
use super::show::Report;
use super::step::{Step, Work};

pub(super) async fn apply(
    pats: &PersonalAccessTokens,
    steps: Vec<Step<'_>>,
    options: &Sync,
    report: &mut Report,
) {
    for mut step in steps {
        if !options.dry_run {
            let mut done = None;
            match carry_out(pats, &step, options.purge_in, &mut done).await {
                Ok(record) => {
                    let differences = step.differences.iter_mut();
                    differences.for_each(|difference| difference.settle(&record));
                }
                // It has expired since the plan was made.
                Err(PatError::Service(ServiceError::InvalidExpiry(ExpiryError::InThePast)))
                    if matches!(step.work, Work::Register(_)) =>
                {
                    report.note(step.id, EXPIRED);
                    continue;
                }
                Err(error) => {
                    report.failed(Some(step.id), error.code(), &why(&error, done), done);
                    continue;
                }
            }
        }
        report.done(&step);
    }
}

/// Restricts a token first and on its own, so that no other failure delays that. Sets `done` to
/// what was done, even when an error ends it.
async fn carry_out(
    pats: &PersonalAccessTokens,
    step: &Step<'_>,
    purge_in: Option<Lifetime>,
    done: &mut Option<&'static str>,
) -> Result<PatRecord, PatError> {
    let id = step.id;
    if let Work::Revoke(_) = step.work {
        pats.revoke(id).await?;
        *done = Some("it was revoked");
    }
    if step.restriction.is_some() {
        update(step.restriction.as_deref()).await?;
        done.get_or_insert("what the file takes away was taken away");
    }
    match &step.work {
        Work::Register(new) => (**new).clone().await,
        Work::Change(change) => (**change).clone().await,
        // If anything fails on the way, the token stays revoked: it must not be valid with rights
        // that the file takes away.
        Work::Restore(change) => {
            if change.is_some() {
                update(change.as_deref()).await?;
                *done = Some("it was changed, and is still revoked");
            }
            let restored = pats.restore(id).await;
            if done.is_some() && restored.as_ref().is_err_and(may_be_done) {
                *done = Some("it was changed, and may be restored");
            }
            restored
        }
        Work::Revoke(change) => {
            update(change.as_deref()).await?;
            let revoke = pats.revoke(id);
            match purge_in {
                Some(after) => revoke.purge_after(after).await,
                None => revoke.await,
            }
        }
    }
}

/// Why a step failed after this was done. An error of the store is about its last call alone.
pub(super) fn why(error: &PatError, done: Option<&'static str>) -> String {
    let again = "run `sealtoken pat sync` again";
    match (error, done) {
        (PatError::Service(ServiceError::Store(error)), Some(done)) => {
            format!("{}; {done}: {again} for the rest", in_part(error))
        }
        (error, Some(done)) => format!("{error}; {done}: {again} for the rest"),
        (error, None) if may_be_done(error) => format!("{error}; to check, {again}"),
        (error, None) => error.to_string(),
    }
}

const fn may_be_done(error: &PatError) -> bool {
    matches!(error, PatError::Service(ServiceError::Store(error)) if is_in_doubt(error))
}

async fn update(change: Option<&Update<'_>>) -> Result<(), PatError> {
    if let Some(change) = change {
        change.clone().await?;
    }
    Ok(())
}
