//! `key`: draws keys, and shows the ids of those in a ring.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueHint};
use sealtoken::{Key, KeyId, Role};

use crate::failure::{Failure, problem};
use crate::options::Keys;
use crate::output::{self, Members, NewFile};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a random key and print it, or write it into a new file
    #[command(after_help = "\
Examples:
  sealtoken key generate --out keys.txt
  export SEALTOKEN_KEYS=\"$(cat keys.txt)\"")]
    Generate {
        /// Write the key into this file, which must not exist yet, and print its id; on Unix, no
        /// other user can read the file
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },

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
        KeyCommand::Generate { out } => generate(out.as_deref()),
        KeyCommand::Id { keys, json } => ids(keys, *json),
    }
}

fn generate(out: Option<&Path>) -> Result<(), Failure> {
    let key = Key::try_generate().map_err(problem)?;
    let Some(path) = out else {
        return output::line(&key.expose());
    };
    let file = NewFile {
        name: "key file",
        is_private: true,
    };
    file.write(path, &key.expose())?;
    let printed = output::line(&key.id().to_string());
    output::ended(printed, "the key file was written", Ok(()))
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
