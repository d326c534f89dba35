//! `import`: prints what a token of another system holds.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sealtoken_import::Primordyx;

use crate::failure::Failure;
use crate::options::At;
use crate::{input, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken import --from primordyx --passphrase-file passphrase.txt < token
  sealtoken import --from primordyx --passphrase-file passphrase.txt < token | jq -c .custom \\
    | sealtoken seal --purpose session --expires-in 8h")]
pub(crate) struct Import {
    /// The system that made the token
    #[arg(long, value_name = "SYSTEM")]
    from: System,
    /// Read the passphrase from this file; one line ending after it is ignored
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    passphrase_file: PathBuf,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum System {
    /// The Primordyx PHP framework
    Primordyx,
}

pub(crate) fn run(options: &Import) -> Result<(), Failure> {
    let passphrase = input::passphrase(&options.passphrase_file)?;
    let token = match options.from {
        System::Primordyx => {
            let mut reader = Primordyx::new(passphrase.as_str());
            if let Some(clock) = options.at.clock() {
                reader = reader.with_clock(clock);
            }
            let given = input::token(Primordyx::MAX_LEN)?;
            reader.read(&given).map_err(|error| given.refused(error))?
        }
    };
    output::json(&output::opened(&token))
}
