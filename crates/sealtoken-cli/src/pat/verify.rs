//! `pat verify`: checks a token, and prints its record.

use clap::Args;
use sealtoken::pat::{PatOptions, PersonalAccessTokens, Prefix};

use crate::failure::Failure;
use crate::output;
use crate::store::StoreArgs;

use super::{open, own, show};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat verify < token
  sealtoken pat verify --prefix acme_ --accept-prefix pat_ < token | jq -r .owner")]
pub(crate) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
    /// Also accept tokens with this prefix; may be given several times
    #[arg(long = "accept-prefix", value_name = "PREFIX")]
    accept_prefixes: Vec<String>,
    /// Replace another system's slow hash with a fast one; the token stays the same
    #[arg(long)]
    upgrade_hashes: bool,
    /// Print one JSON object, which is the default
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Verify, prefix: &Prefix) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let token = own::on_stdin()?;
    let settings = PersonalAccessTokens::options()
        .prefix(prefix.clone())
        .upgrade_hashes(options.upgrade_hashes);
    let also = options.accept_prefixes.iter();
    let settings = also.fold(settings, PatOptions::accept_prefix);
    let pats = open::open(&store, settings).await?;
    let record = pats
        .verify(&token)
        .await
        .map_err(|error| token.refused(error))?;
    // Print first: the use is written afterwards.
    let printed = output::json(&show::Shown::of(&record, store.now()));
    pats.flush().await;
    printed
}
