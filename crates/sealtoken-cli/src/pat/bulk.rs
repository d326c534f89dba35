//! The commands about all tokens at once.

use crate::failure::Failure;
use crate::output::{self, Members};

use super::args::{Purge, Rewrap};
use super::open;

pub(super) async fn purge(options: &Purge) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let count = open::plain(&place).await?.purge().await;
    let count = count.map_err(|error| {
        Failure::from(error).mended_by("`sealtoken pat purge`, run again, removes the rest")
    })?;
    let printed = if options.json {
        output::json(&Members(vec![("count", count.into())]))
    } else {
        output::line(&count.to_string())
    };
    output::ended(printed, output::DONE, Ok(()))
}

pub(super) async fn rewrap(options: &Rewrap) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let done = open::plain(&place).await?.rewrap().await;
    done.map_err(|error| {
        Failure::from(error).mended_by(
            "run `sealtoken pat rewrap` again, and keep the retired key until it succeeds",
        )
    })
}
