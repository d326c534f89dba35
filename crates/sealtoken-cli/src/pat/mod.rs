//! `pat`: personal access tokens. Keys and options are checked first, then files and stdin, and the
//! store last.

mod args;
mod delete;
mod generate;
mod get;
mod hash;
mod import;
mod issue;
mod list;
mod meta;
mod open;
mod own;
mod purge_expired;
mod register;
mod restore;
mod revoke;
mod rewrap;
mod rotate;
mod scanner_rule;
mod show;
mod sync;
mod update;
mod verify;

use clap::{Args, Subcommand};
use sealtoken::pat::{PatId, Prefix};

use crate::failure::{Failure, look_first};
use crate::store::{block_on, help};

use delete::Delete;
use generate::Generate;
use get::Get;
use import::Import;
use issue::Issue;
use list::List;
use purge_expired::PurgeExpired;
use register::Register;
use restore::Restore;
use revoke::Revoke;
use rewrap::Rewrap;
use rotate::Rotate;
use scanner_rule::ScannerRule;
use sync::Sync;
use update::Update;
use verify::Verify;

const ABOUT: &str = "\
Examples:
  sealtoken key generate --out keys.txt
  export SEALTOKEN_KEYS=\"$(cat keys.txt)\" SEALTOKEN_STORE=sqlite:tokens.db
  sealtoken pat issue --owner ada@example.com --role reader --expires-in 90d > token
  sealtoken pat verify < token
  sealtoken pat list --owner ada@example.com

Keep keys.txt: without it, no token can be verified.

Exit codes:
  0  done
  1  wrong usage, or a problem with the keys, a file or the store
  2  refused: stderr says why, with the code of each reason, such as invalid_prefix, \
invalid_format, not_found, invalid_secret, revoked, expired, already_exists, invalid_phc, \
too_many_attempts or tampered";

#[derive(Debug, Args)]
#[command(after_help = help("The tokens are", ABOUT))]
pub(crate) struct Pat {
    /// The prefix of the tokens: a lower-case letter, then a-z, 0-9 and _, with _ at the end
    #[arg(long, global = true, default_value = "pat_", value_name = "PREFIX")]
    prefix: Prefix,
    #[command(subcommand)]
    command: PatCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PatCommand {
    /// Issue a token, and print it once, alone on a line
    Issue(Issue),

    /// Check the token on stdin, and print what is known about it
    ///
    /// Prints the record as one line of JSON. If the token is refused, stdout stays empty and the
    /// exit code is 2. The line on stderr begins with invalid_prefix, invalid_format, not_found,
    /// invalid_secret, revoked, expired, invalid_phc, unsupported_algorithm, invalid_parameters or
    /// too_many_attempts.
    Verify(Verify),

    /// Store a token by its id and the hash of its secret, which was made elsewhere
    Register(Register),

    /// Make a token without storing it, and print it, to hand it out before you register it
    ///
    /// The hash is valid in this store only, so this needs the store. The id is the 21 characters
    /// after the prefix.
    Generate(Generate),

    /// Change what is known about a token, even if it is revoked or expired
    Update(Update),

    /// Refuse a token from now on; its record stays
    Revoke(Revoke),

    /// Restore a revoked token; if it has expired, it stays expired
    Restore(Restore),

    /// List tokens in every state, or those that you ask for
    ///
    /// A record that was damaged or tampered with is listed as tampered, and makes the exit code 2.
    /// The others are listed as usual.
    List(List),

    /// Print what is known about a token
    Get(Get),

    /// Give a token a new secret, and print it; the old secret stays valid for the overlap
    Rotate(Rotate),

    /// Delete a token permanently; to keep its record for an audit, revoke it instead
    Delete(Delete),

    /// Import the tokens of @access-tokens/core from lines of DynamoDB's JSON, and print how many
    /// were new
    ///
    /// They keep their ids, hashes and times, so their owners keep their tokens. A token that was
    /// imported before stays as it is, so you can repeat an interrupted import. But if it was
    /// revoked there since, or expires earlier now, that is taken over. Each line that was not
    /// imported is named on stderr with the id and the code of the reason, and makes the exit
    /// code 2.
    Import(Import),

    /// Make the store match a declared list of tokens, a file of YAML
    ///
    /// The file has a list `tokens`. Each has an id and an owner, and optionally hash, admin,
    /// roles, scopes, name, metadata, expires_at (RFC 3339, Unix seconds or null) and revoked. What
    /// a token leaves out stays as it is in the store. A token that is not in the store is
    /// registered by its hash; without a hash it is reported as missing. Live tokens that the file
    /// does not list are revoked, unless you give --keep-unlisted.
    ///
    /// The whole file is checked before anything is changed. If a token fails, it is named on
    /// stderr, the others are still done, and the exit code is 2. A second run changes nothing.
    Sync(Sync),

    /// Print a rule for a secret scanner that finds leaked tokens with this prefix; this needs no
    /// store
    ScannerRule(ScannerRule),

    /// Delete expired tokens permanently, and print their number
    ///
    /// These are the tokens that expired long enough ago (90 days, unless the service that wrote
    /// them set another time), and those that were revoked with --purge-in and whose time has come.
    PurgeExpired(PurgeExpired),

    /// After a key rotation: re-seal with the current key what a retired key sealed
    ///
    /// This changes one record, and no token. After that you can remove the retired key.
    Rewrap(Rewrap),
}

pub(crate) fn run(pat: &Pat) -> Result<(), Failure> {
    let prefix = &pat.prefix;
    block_on(async {
        match &pat.command {
            PatCommand::Issue(options) => issue::run(options, prefix).await,
            PatCommand::Verify(options) => verify::run(options, prefix).await,
            PatCommand::Register(options) => register::run(options).await,
            PatCommand::Generate(options) => generate::run(options, prefix).await,
            PatCommand::Update(options) => update::run(options).await,
            PatCommand::Revoke(options) => revoke::run(options).await,
            PatCommand::Restore(options) => restore::run(options).await,
            PatCommand::List(options) => list::run(options).await,
            PatCommand::Get(options) => get::run(options).await,
            PatCommand::Rotate(options) => rotate::run(options, prefix).await,
            PatCommand::Delete(options) => delete::run(options).await,
            PatCommand::Import(options) => import::run(options).await,
            PatCommand::Sync(options) => sync::run(options, prefix).await,
            PatCommand::ScannerRule(options) => scanner_rule::run(options, prefix),
            PatCommand::PurgeExpired(options) => purge_expired::run(options).await,
            PatCommand::Rewrap(options) => rewrap::run(options).await,
        }
    })
}

/// The advice for a command in doubt whose repetition could undo what others did since.
fn look_at(id: PatId, command: &str) -> String {
    look_first(&format!("`sealtoken pat get {id}`"), command)
}
