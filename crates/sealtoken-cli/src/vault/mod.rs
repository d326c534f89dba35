//! `vault`: secrets behind a token and a password.
//!
//! Keys and options come first, then passwords and files, and the store last: what is wrong with
//! one is reported before the next is read.

mod args;
mod bulk;
mod import;
mod input;
mod list;
mod one;
mod place;
mod show;

use crate::commands::block_on;
use crate::failure::Failure;

pub(crate) use args::VaultCommand;

/// The end of `vault --help`.
pub(crate) const ABOUT: &str = args::ABOUT;

pub(crate) fn run(command: &VaultCommand) -> Result<(), Failure> {
    block_on(async {
        match command {
            VaultCommand::Create(options) => one::create(options).await,
            VaultCommand::Read(options) => one::read(options).await,
            VaultCommand::Update(options) => one::update(options).await,
            VaultCommand::Get(options) => one::get(options).await,
            VaultCommand::Renew(options) => one::renew(options).await,
            VaultCommand::SoftDelete(options) => one::soft_delete(options).await,
            VaultCommand::Restore(options) => one::restore(options).await,
            VaultCommand::Delete(options) => one::delete(options).await,
            VaultCommand::Versions(options) => one::versions(options).await,
            VaultCommand::RollBack(options) => one::roll_back(options).await,
            VaultCommand::List(options) => list::list(options).await,
            VaultCommand::SoftDeleteExpired(options) => bulk::soft_delete_expired(options).await,
            VaultCommand::PurgeExpired(options) => bulk::purge_expired(options).await,
            VaultCommand::PurgeDeleted(options) => bulk::purge_deleted(options).await,
            VaultCommand::Rekey(options) => bulk::rekey(options).await,
            VaultCommand::Rewrap(options) => bulk::rewrap(options).await,
            VaultCommand::Import(options) => import::import(options).await,
        }
    })
}
