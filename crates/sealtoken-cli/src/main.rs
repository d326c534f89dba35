//! Tokens, the vault and personal access tokens from the command line: `sealtoken --help`.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod failure;
mod input;
mod inspect;
mod lines;
#[cfg(test)]
mod lossy;
mod output;
mod pat;
mod progress;
mod store;
mod table;
mod values;
mod vault;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command, KeyCommand, StoreCommand};
use failure::Failure;

fn main() -> ExitCode {
    #[cfg(feature = "aws-lc")]
    let _ = sealtoken::Backend::AwsLc.make_process_default();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    match Arguments::try_parse()?.command {
        Command::Key(KeyCommand::Generate) => commands::key_generate(),
        Command::Key(KeyCommand::Id { keys, json }) => commands::key_id(&keys, json),
        Command::Seal(seal) => commands::seal(&seal),
        Command::Open { usage, at } => commands::open(&usage, at),
        Command::Inspect(inspect) => inspect::inspect(&inspect),
        Command::Import(import) => commands::import(&import),
        Command::Vault(command) => vault::run(&command),
        Command::Pat(options) => pat::run(&options),
        Command::Store(StoreCommand::Schema { engine }) => store::schema(engine),
        Command::Store(StoreCommand::Template { template, table }) => {
            store::template(template, &table)
        }
        Command::Store(StoreCommand::Create { store }) => store::create(store.as_deref()),
        Command::Completions { shell } => commands::completions(shell),
    }
}
