//! Tokens, the vault and personal access tokens from the command line: `sealtoken --help`.
//!
//! A command has one file, which holds its options and what it does: `seal.rs` for `sealtoken
//! seal`, `vault/create.rs` for `sealtoken vault create`. `key` and `store` have one for all of
//! theirs, and `pat sync` has a folder. Each checks its keys and options before it reads any input,
//! and opens a store last.
#![forbid(unsafe_code)]
#![expect(
    clippy::doc_markdown,
    reason = "comments of options are the text of --help"
)]

mod args;
mod failure;
mod import;
mod input;
mod inspect;
mod key;
mod lines;
mod list;
#[cfg(test)]
mod lossy;
mod notes;
mod open;
mod options;
mod output;
mod pat;
mod progress;
mod seal;
mod store;
mod values;
mod vault;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;

use args::{Arguments, Command};
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
    let arguments = Arguments::try_parse()?;
    notes::set_quiet(arguments.quiet);
    match arguments.command {
        Command::Key(command) => key::run(&command),
        Command::Seal(options) => seal::run(&options),
        Command::Open(options) => open::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Import(options) => import::run(&options),
        Command::Vault(command) => vault::run(&command),
        Command::Pat(options) => pat::run(&options),
        Command::Store(command) => store::run(&command),
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: Shell) -> Result<(), Failure> {
    // Generate into memory first: clap panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sealtoken", &mut script);
    output::all(&script)
}
