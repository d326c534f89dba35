//! The commands about all tokens.

use crate::failure::Failure;
use crate::output::{self, Members};
use crate::progress::Progress;

use super::args::{PurgeExpired, Rewrap};
use super::open;

pub(super) async fn purge_expired(options: &PurgeExpired) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let pats = open::plain(&place).await?;
    let progress = Progress::of("tokens")?;
    let done = pats.purge_expired().progress(progress.after(0)).await;
    drop(progress);
    let done = done.map_err(|error| {
        Failure::from(error).mended_by("run `sealtoken pat purge-expired` again to delete the rest")
    })?;
    let printed = if options.json {
        output::json(&Members(vec![("count", done.count.into())]))
    } else {
        output::line(&done.count.to_string())
    };
    output::ended(printed, output::DONE, Ok(()))
}

pub(super) async fn rewrap(options: &Rewrap) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let done = open::plain(&place).await?.rewrap().await;
    done.map(drop).map_err(|error| {
        Failure::from(error).mended_by(
            "run `sealtoken pat rewrap` again, and keep the retired key until it succeeds",
        )
    })
}
