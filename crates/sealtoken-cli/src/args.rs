//! The definition of the command line.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use sealtoken::Lifetime;

use crate::pat::Pat;
use crate::values::{block, lifetime};
use crate::vault::{self, VaultCommand};

/// Put data in a token, seal it into one URL-safe string, open it anywhere with the key.
#[derive(Debug, Parser)]
#[command(name = "sealtoken", version, after_help = GENERAL)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const GENERAL: &str = "\
Keys, tokens and passwords are never arguments, which every user of the machine can see: \
tokens come from stdin, keys from --key-file or the environment variable SEALTOKEN_KEYS.

Examples:
  export SEALTOKEN_KEYS=$(sealtoken key generate)
  echo '{\"user_id\":123}' | sealtoken seal --purpose password-reset --expires-in 30m > token
  sealtoken open --purpose password-reset < token
  printf %s 'the secret' | sealtoken vault create --expires-in 30d > token

Exit status:
  0  done
  1  wrong usage, or something is wrong with the keys, a file, a store or what is to be sealed
  2  refused: stderr has one line, which begins with the code of the reason";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key, or tell the ids of keys
    #[command(subcommand)]
    Key(KeyCommand),

    /// Seal the cargo on stdin, a JSON object, and print the token
    Seal(Seal),

    /// Open the token on stdin and print what it holds
    ///
    /// Prints one line: {"uuid":…,"timestamp":…,"seconds_to_expire":…,"custom":…}, where "custom"
    /// is the cargo and null seconds mean that the token never expires. One line ending after the
    /// token is dropped.
    ///
    /// A token that is refused leaves stdout empty and the exit status at 2; the line on stderr
    /// begins with malformed, unknown_key, forged, payload, not_yet_valid or expired.
    #[command(after_help = "\
Examples:
  sealtoken open --purpose password-reset < token
  sealtoken open --purpose session --context user:42 --key-file keys.txt < token | jq .custom")]
    Open {
        #[command(flatten)]
        usage: Usage,
        #[command(flatten)]
        at: At,
    },

    /// Tell what can be known of the token on stdin, also when it has expired
    ///
    /// Without a key that is its version, the id of its key, and lengths. With --purpose and keys
    /// it is also the state of the token: uuid, times, whether it is valid, and whether it needs a
    /// re-seal.
    Inspect(Inspect),

    /// Read another system's token from stdin and print its content, as `open` does
    ///
    /// Tokens of the Primordyx PHP framework have no uuid: each run draws a new one. Their "custom"
    /// may be a list, whose elements become entries named "0", "1" and so on.
    ///
    /// If the token is refused, nothing is printed on stdout and the exit status is 2; the line on
    /// stderr begins with malformed, forged, payload, lifetime_out_of_range, timestamp_out_of_range
    /// or expired.
    Import(Import),

    /// Keep secrets in a database, behind a token and a password
    #[command(subcommand, after_help = vault::ABOUT)]
    Vault(VaultCommand),

    /// Issue and verify personal access tokens
    Pat(Pat),

    /// What there is to do with a database itself
    #[command(subcommand)]
    Store(StoreCommand),

    /// Print the completions for a shell
    #[command(after_help = "\
Examples:
  sealtoken completions bash > ~/.local/share/bash-completion/completions/sealtoken
  sealtoken completions zsh > ~/.zfunc/_sealtoken
  sealtoken completions fish > ~/.config/fish/completions/sealtoken.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Draw a key and print its text
    #[command(after_help = "\
Examples:
  (umask 077; sealtoken key generate > key.txt)
  export SEALTOKEN_KEYS=$(sealtoken key generate)")]
    Generate,

    /// Print the ids of the keys with their roles, one a line, the current one first
    #[command(after_help = "\
Examples:
  sealtoken key id --key-file keys.txt
  sealtoken key id --json | jq -r '.[0].id'")]
    Id {
        #[command(flatten)]
        keys: Keys,
        /// Print a list of objects instead
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Print the SQL that makes the schema, for who runs it by hand: `vault` has --no-migrate then
    ///
    /// Its steps are numbered, and each is a transaction. A database gets those that it has not
    /// had.
    #[command(after_help = "\
Examples:
  sealtoken store schema sqlite | sqlite3 vault.db
  sealtoken store schema postgres | psql app")]
    Schema {
        /// The database
        engine: Engine,
    },

    /// Print a DynamoDB table as a template, for who keeps what they run under version control
    #[command(after_help = "\
Examples:
  sealtoken store template cloudformation --table vault > vault.template.json
  sealtoken store template terraform > sealtoken.tf")]
    Template {
        /// The language
        template: Template,
        /// The name of the table
        #[arg(long, default_value = "sealtoken")]
        table: String,
    },

    /// Create what a store needs where it is not there: a file, the tables of a schema, or a table
    /// in DynamoDB
    ///
    /// It upgrades a schema as well. `vault` does so by itself but for DynamoDB, where a table has
    /// a price. It waits until the table can be used.
    #[command(after_help = "\
Examples:
  sealtoken store create --store 'dynamodb:vault?region=eu-central-1'
  SEALTOKEN_STORE=postgres://app:secret@db/app sealtoken store create")]
    Create {
        /// Which store [default: SEALTOKEN_STORE, or sqlite:sealtoken.db]
        #[arg(long)]
        store: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Template {
    /// AWS CloudFormation, as JSON
    Cloudformation,
    /// Terraform, or OpenTofu
    Terraform,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Engine {
    /// An SQLite file
    Sqlite,
    /// PostgreSQL, or a compatible database
    Postgres,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// Read the keys from this file instead of from SEALTOKEN_KEYS
    ///
    /// Keys are separated by commas or white space. But no blank stands directly before a retired
    /// key behind a comma, a line break or another blank: it may have been a +. So two blanks and
    /// indented lines are refused, too. The first seals and opens; one with a + before it is
    /// standby, the others are retired: both open.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,
}

/// What a token is for, and the keys.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// What the token is for: it opens for the purpose that it was sealed for, and no other
    #[arg(long)]
    pub(crate) purpose: String,
    /// What the token is bound to beside its purpose, such as a user or a state that its use
    /// changes. Given more than once, the token is bound to all of them in their order
    #[arg(long)]
    pub(crate) context: Vec<String>,
    #[command(flatten)]
    pub(crate) keys: Keys,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct At {
    /// Judge the token as at this moment, instead of now
    #[arg(long, value_name = "UNIX_SECONDS", allow_negative_numbers = true)]
    pub(crate) at: Option<i64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '{\"user_id\":123}' | sealtoken seal --purpose password-reset --expires-in 30m
  sealtoken seal --purpose session --expires-in 8h --context user:42 --pad 256 < cargo.json")]
pub(crate) struct Seal {
    #[command(flatten)]
    pub(crate) usage: Usage,
    /// How long the token lives: 90s, 30m, 8h, 1d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(crate) expires_in: Lifetime,
    /// Pad the content with spaces to a multiple of this many bytes, to tell less by the token's
    /// length
    #[arg(long, value_name = "BYTES", value_parser = block)]
    pub(crate) pad: Option<usize>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken inspect < token
  sealtoken inspect --purpose session --key-file keys.txt < token
  sealtoken inspect --purpose session --json --reveal < token | jq .custom")]
pub(crate) struct Inspect {
    /// What the token is for: with it and the keys, the token is opened
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// What the token is bound to beside its purpose; once for each context
    #[arg(long, requires = "purpose")]
    pub(crate) context: Vec<String>,
    /// Read the keys from this file instead of from SEALTOKEN_KEYS
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "purpose")]
    pub(crate) key_file: Option<PathBuf>,
    /// Judge the token as at this moment, instead of now
    #[arg(
        long,
        value_name = "UNIX_SECONDS",
        allow_negative_numbers = true,
        requires = "purpose"
    )]
    pub(crate) at: Option<i64>,
    /// Show the cargo as well
    #[arg(long, requires = "purpose")]
    pub(crate) reveal: bool,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken import --from primordyx --passphrase-file passphrase.txt < token
  sealtoken import --from primordyx --passphrase-file passphrase.txt < token | jq -c .custom \\
    | sealtoken seal --purpose session --expires-in 8h")]
pub(crate) struct Import {
    /// The system that made the token
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) from: System,
    /// Read the passphrase from this file; one line ending after it is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) passphrase_file: PathBuf,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum System {
    /// The Primordyx PHP framework
    Primordyx,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_fit_together() {
        Arguments::command().debug_assert();
    }
}
