//! `pat generate`: makes a token without storing it, and prints it.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sealtoken::pat::{PatId, Prefix};

use crate::failure::{Failure, problem};
use crate::store::StoreArgs;

use super::show::print_token;
use super::{hash, open};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat generate --id 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt > token
  sealtoken pat register --id 34NwRzvnBbgI3uedkrQ3Q --hash-file hash.txt --owner ci --role deploy
  sealtoken pat generate --json | jq -r .hash")]
pub(crate) struct Generate {
    #[command(flatten)]
    store: StoreArgs,
    /// The id, 21 letters and digits: a new one, or that of a token that gets a new secret
    #[arg(long)]
    id: Option<String>,
    /// Write the hash into this file, which must not exist yet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    hash_file: Option<PathBuf>,
    /// Print one JSON object: token, id, hash
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Generate, prefix: &Prefix) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let id = options.id.as_deref().map(str::parse::<PatId>).transpose()?;
    let pats = open::prefixed(&store, prefix).await?;
    let made = match id {
        Some(id) => pats.generate_as(id)?,
        None => pats.generate()?,
    };
    if let Some(file) = &options.hash_file {
        hash::write(file, &made.hash)?;
    }
    if let Ok(true) = print_token(&made.token, made.id, &made.hash, options.json) {
        return Ok(());
    }
    if let Some(file) = &options.hash_file {
        let removed = std::fs::remove_file(file);
        removed.map_err(|error| {
            let failure = Failure::file("remove the hash file", file, &error);
            failure.advise(
                "the token could not be printed: do not register this hash, and generate another",
            )
        })?;
    }
    Err(problem("the token could not be printed: generate another"))
}
