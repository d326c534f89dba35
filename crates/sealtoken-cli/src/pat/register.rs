//! `pat register`: stores a token by its hash.

use clap::{Args, ValueHint, builder::NonEmptyStringValueParser};

use crate::failure::Failure;
use crate::store::StoreArgs;

use super::args::Output;
use super::meta::Meta;
use super::{hash, look_at, open};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat register --id 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt --owner ci --role deploy
  sealtoken pat generate --id 34NwRzvnBbgI3uedkrQ3Q --json > new.json
  jq -r .hash new.json | sealtoken pat register --id 34NwRzvnBbgI3uedkrQ3Q --hash-file - \
--owner ci")]
pub(crate) struct Register {
    #[command(flatten)]
    store: StoreArgs,
    /// The id of the token: 21 letters and digits
    #[arg(long)]
    id: String,
    /// Read the hash of its secret from this file, or from stdin for -; one line ending after it
    /// is ignored
    #[arg(
        long,
        value_name = "FILE",
        value_parser = NonEmptyStringValueParser::new(),
        value_hint = ValueHint::FilePath
    )]
    hash_file: String,
    #[command(flatten)]
    meta: Meta,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(options: &Register) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    options.meta.check()?;
    let id = options.id.parse()?;
    let hash = hash::read(&options.hash_file)?;
    let pats = open::plain(&store).await?;
    let what = look_at(id, "pat register") + "; `already_exists` means only that a token exists";
    let new = pats.register(id, hash, &options.meta.owner);
    let registered = options.meta.describe(new).await;
    let record = registered.map_err(|error| Failure::from(error).in_doubt(&what))?;
    options.output.print(&record, &store)
}
