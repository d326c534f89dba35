//! `pat rewrap`: seals the keyset again after a rotation of the keys.

use clap::Args;

use crate::failure::Failure;
use crate::store::StoreArgs;

use super::open;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  SEALTOKEN_KEYS=\"$(cat new-key.txt) $(cat old-key.txt)\" sealtoken pat rewrap")]
pub(crate) struct Rewrap {
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn run(options: &Rewrap) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let done = open::plain(&store).await?.rewrap().await;
    done.map(drop).map_err(|error| {
        Failure::from(error)
            .advise("run `sealtoken pat rewrap` again, and keep the retired key until it succeeds")
    })
}
