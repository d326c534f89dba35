//! `key`: draws keys, and shows the ids of those in a ring.

use clap::Subcommand;
use sealtoken::{Key, KeyId, Role};

use crate::failure::{Failure, problem};
use crate::options::Keys;
use crate::output::{self, Members};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a random key and print it
    #[command(after_help = "\
Examples:
  (umask 077; sealtoken key generate > key.txt)
  export SEALTOKEN_KEYS=$(sealtoken key generate)")]
    Generate,

    /// Print the ids of the keys and their roles, one a line, the current key first
    #[command(after_help = "\
Examples:
  sealtoken key id --key-file keys.txt
  sealtoken key id --json | jq -r '.[0].id'")]
    Id {
        #[command(flatten)]
        keys: Keys,
        /// Print a JSON list of objects
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: &KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::Generate => generate(),
        KeyCommand::Id { keys, json } => ids(keys, *json),
    }
}

fn generate() -> Result<(), Failure> {
    let key = Key::try_generate().map_err(problem)?;
    output::line(&key.expose())
}

fn ids(keys: &Keys, json: bool) -> Result<(), Failure> {
    let keys = keys.read()?.keys();
    if json {
        let object = |(id, role): &(KeyId, Role)| {
            let (id, role) = (id.to_string(), role.to_string());
            Members(vec![("id", id.into()), ("role", role.into())])
        };
        return output::json(&keys.iter().map(object).collect::<Vec<_>>());
    }
    let line = |(id, role): &(KeyId, Role)| format!("{id} {role}");
    output::line(&keys.iter().map(line).collect::<Vec<_>>().join("\n"))
}
