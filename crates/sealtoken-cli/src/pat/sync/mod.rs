//! `pat sync`: makes the store match a declared list. It checks the whole file first, then reads
//! the whole store, and only then changes anything.

mod apply;
mod compare;
mod file;
mod plan;
mod show;
#[cfg(test)]
mod tests;

use sealtoken::pat::{PatId, PersonalAccessTokens, Prefix};

use crate::failure::Failure;
use crate::input;

use super::args::{Own, Sync};
use super::{open, own};

use plan::{Rules, plan};
use show::Report;

pub(super) async fn sync(options: &Sync, prefix: &Prefix) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let text = input::declared(&options.file)?;
    let declared = file::read(&text)?;
    file::check(&declared, place.now()).await?;

    // Only the id of the own token is needed: its use is not recorded.
    let settings = PersonalAccessTokens::options()
        .prefix(prefix.clone())
        .last_used_every(None);
    let pats = open::open(&place, settings).await?;
    file::check_hashes(&declared, &pats)?;
    let rules = Rules {
        own: own_id(&options.own, &pats).await?,
        keep_unlisted: options.keep_unlisted,
        now: place.now(),
    };
    let plan = plan(&pats, &declared, &rules).await?;
    let mut report = Report::new(options, plan.unchanged, declared.len());
    report.found(&plan);
    apply::apply(&pats, plan.steps, options, &mut report).await;
    report.end()
}

/// The id of the token of whoever runs this. It must exist: otherwise another token would be
/// protected.
async fn own_id(own: &Own, pats: &PersonalAccessTokens) -> Result<Option<PatId>, Failure> {
    if let Some(id) = &own.id {
        let id = id.parse()?;
        return Ok(Some(pats.get(id).await?.id));
    }
    let text = if own.stdin {
        Some(own::on_stdin()?)
    } else {
        own::in_environment()?
    };
    match text {
        Some(text) => Ok(Some(pats.verify(&text).await?.id)),
        None => Ok(None),
    }
}
