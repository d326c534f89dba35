//! The definition of the command line.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::import::Import;
use crate::inspect::Inspect;
use crate::key::KeyCommand;
use crate::open::Open;
use crate::pat::Pat;
use crate::seal::Seal;
use crate::store::StoreCommand;
use crate::vault::{self, VaultCommand};

/// Put data in a token, seal it into one URL-safe string, open it anywhere with the key.
#[derive(Debug, Parser)]
#[command(name = "sealtoken", version, after_help = GENERAL)]
pub(crate) struct Arguments {
    /// Print no warnings, notes, hints or progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const GENERAL: &str = "\
Other users of the machine can see arguments, so keys, tokens and passwords are never given as \
one. Tokens come from stdin or a file, passwords from a file or the terminal, keys from --key-file \
or the environment variable SEALTOKEN_KEYS.

Examples:
  sealtoken key generate --out keys.txt
  export SEALTOKEN_KEYS=\"$(cat keys.txt)\"
  echo '{\"user_id\":123}' | sealtoken seal --purpose password-reset --expires-in 30m > token
  sealtoken open --purpose password-reset < token
  printf %s 'the secret' | sealtoken vault create --expires-in 30d > secret

Keep keys.txt: without it, no token opens and the vault is lost.

Exit codes:
  0  done
  1  wrong usage, or a problem with the keys, a file, the store or the data to seal
  2  refused: stderr says why, with the code of each reason";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key, or show the ids of keys
    #[command(subcommand)]
    Key(KeyCommand),

    /// Seal the cargo on stdin, a JSON object, and print the token
    Seal(Seal),

    /// Open the token on stdin and print what it holds
    ///
    /// Prints one line: {"uuid":…,"timestamp":…,"seconds_to_expire":…,"custom":…}. "custom" is the
    /// cargo, and null seconds mean that the token never expires. Blanks around the token are
    /// ignored.
    ///
    /// If the token is refused, stdout stays empty and the exit code is 2. The line on stderr
    /// begins with malformed, unknown_key, forged, payload, not_yet_valid or expired.
    Open(Open),

    /// Show what can be known about the token on stdin, even if it has expired
    ///
    /// Without a key: its version, the id of its key, and lengths. With --purpose and keys also its
    /// uuid, its times, whether it is valid, and whether it needs a re-seal.
    Inspect(Inspect),

    /// Read another system's token from stdin and print its content, as `open` does
    ///
    /// Tokens of the Primordyx PHP framework have no uuid: each run makes a new one. Their "custom"
    /// may be a list, whose elements become entries named "0", "1" and so on.
    ///
    /// If the token is refused, stdout stays empty and the exit code is 2. The line on stderr
    /// begins with malformed, forged, payload, lifetime_out_of_range, timestamp_out_of_range or
    /// expired.
    Import(Import),

    /// Keep secrets in a database, behind a token and a password
    #[command(subcommand, after_help = vault::about())]
    Vault(VaultCommand),

    /// Issue and verify personal access tokens
    Pat(Pat),

    /// Create a store, or print its schema
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_fit_together() {
        Arguments::command().debug_assert();
    }
}
