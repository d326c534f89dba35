//! `vault`: secrets behind a token and a password.
//!
//! Keys and options come first, then passwords and files, and the store last: what is wrong with
//! one is reported before the next is read.

mod args;
mod bulk;
mod create;
mod delete;
mod get;
mod import;
mod input;
mod list;
mod purge_deleted;
mod purge_expired;
mod read;
mod rekey;
mod renew;
mod restore;
mod rewrap;
mod roll_back;
mod scope;
mod show;
mod soft_delete;
mod soft_delete_expired;
mod update;
mod versions;

use clap::Subcommand;

use crate::failure::Failure;
use crate::store::{block_on, help};

use create::Create;
use delete::Delete;
use get::Get;
use import::Import;
use list::List;
use purge_deleted::PurgeDeleted;
use purge_expired::PurgeExpired;
use read::Read;
use rekey::Rekey;
use renew::Renew;
use restore::Restore;
use rewrap::Rewrap;
use roll_back::RollBack;
use soft_delete::SoftDelete;
use soft_delete_expired::SoftDeleteExpired;
use update::Update;
use versions::Versions;

/// The end of `vault --help`.
pub(crate) fn about() -> String {
    help("The vault is", ABOUT)
}

const ABOUT: &str = "\
Examples:
  sealtoken key generate --out keys.txt
  export SEALTOKEN_KEYS=\"$(cat keys.txt)\" SEALTOKEN_STORE=sqlite:vault.db
  sealtoken vault create --password-file pw.txt --expires-in 30d < secret.bin > token
  sealtoken vault read --password-file pw.txt < token

Keep keys.txt: without it the vault is lost.

Exit codes:
  0  done
  1  wrong usage, or a problem with the keys, a file or the store
  2  refused: stderr says why, with the code of each reason, such as not_found, expired, deleted, \
invalid_password, already_exists, value_too_long, password_too_short, too_many_attempts or \
tampered";

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Create a value from stdin, and print its token
    ///
    /// The value is every byte of stdin, including a final line ending, and at most 1 MiB.
    Create(Create),

    /// Write a value to stdout: its bytes, and nothing else
    Read(Read),

    /// Replace a value with the one on stdin
    ///
    /// Without --token-file the first line of stdin is the token, and every byte after it is the
    /// value. The password must be the one that protects the value now. The expiry stays unless you
    /// set another.
    Update(Update),

    /// Print what is known about a value: its times, state and label, never the value
    Get(Get),

    /// Change when a value expires; this needs no password
    Renew(Renew),

    /// Hide a value until it is restored or purged; this needs no password
    SoftDelete(SoftDelete),

    /// Restore a soft-deleted value; if it has expired, it stays expired
    Restore(Restore),

    /// Delete a value and its earlier ones permanently; this needs no password
    Delete(Delete),

    /// List the versions of a value that are kept
    Versions(Versions),

    /// Make an earlier value the current one, as a new version
    RollBack(RollBack),

    /// List what is known about the live values, or about those that you ask for
    ///
    /// A record that was damaged or tampered with is listed as tampered, and makes the exit code 2.
    /// The others are listed as usual.
    List(List),

    /// Soft-delete the expired values, and print their number
    SoftDeleteExpired(SoftDeleteExpired),

    /// Delete the expired values permanently, and print their number
    PurgeExpired(PurgeExpired),

    /// Delete the soft-deleted values permanently, and print their number
    PurgeDeleted(PurgeDeleted),

    /// Change a password for all values that it protects, and print their number
    ///
    /// A password that no file gives is asked for at the terminal.
    Rekey(Rekey),

    /// After a key rotation: re-seal with the current key what retired keys sealed
    ///
    /// Covers all namespaces, and prints how many keysets were re-sealed. After that you can remove
    /// the retired keys, and everything still opens.
    Rewrap(Rewrap),

    /// Import values of another system from lines of JSON on stdin, and print their number
    ///
    /// A line is {"token":…,"value":…,"expires_at":…}: the token, which the value keeps, the text
    /// that the other system stored, and optionally the expiry in Unix seconds. Each line that was
    /// not imported is named on stderr with the code of the reason, and makes the exit code 2.
    Import(Import),
}

pub(crate) fn run(command: &VaultCommand) -> Result<(), Failure> {
    block_on(async {
        match command {
            VaultCommand::Create(options) => create::run(options).await,
            VaultCommand::Read(options) => read::run(options).await,
            VaultCommand::Update(options) => update::run(options).await,
            VaultCommand::Get(options) => get::run(options).await,
            VaultCommand::Renew(options) => renew::run(options).await,
            VaultCommand::SoftDelete(options) => soft_delete::run(options).await,
            VaultCommand::Restore(options) => restore::run(options).await,
            VaultCommand::Delete(options) => delete::run(options).await,
            VaultCommand::Versions(options) => versions::run(options).await,
            VaultCommand::RollBack(options) => roll_back::run(options).await,
            VaultCommand::List(options) => list::run(options).await,
            VaultCommand::SoftDeleteExpired(options) => soft_delete_expired::run(options).await,
            VaultCommand::PurgeExpired(options) => purge_expired::run(options).await,
            VaultCommand::PurgeDeleted(options) => purge_deleted::run(options).await,
            VaultCommand::Rekey(options) => rekey::run(options).await,
            VaultCommand::Rewrap(options) => rewrap::run(options).await,
            VaultCommand::Import(options) => import::run(options).await,
        }
    })
}
