//! `pat`: personal access tokens. Keys and options are checked first, then files and stdin, and the
//! store last.

mod args;
mod bulk;
mod hash;
mod import;
mod list;
mod one;
mod open;
mod own;
mod scanner;
mod secret;
mod show;
mod sync;

use crate::commands::block_on;
use crate::failure::Failure;

pub(crate) use args::Pat;

use args::PatCommand;

pub(crate) fn run(pat: &Pat) -> Result<(), Failure> {
    let prefix = &pat.prefix;
    block_on(async {
        match &pat.command {
            PatCommand::Issue(options) => secret::issue(options, prefix).await,
            PatCommand::Verify(options) => one::verify(options, prefix).await,
            PatCommand::Register(options) => one::register(options).await,
            PatCommand::Generate(options) => secret::generate(options, prefix).await,
            PatCommand::Update(options) => one::update(options).await,
            PatCommand::Revoke(options) => one::revoke(options).await,
            PatCommand::Restore(options) => one::restore(options).await,
            PatCommand::List(options) => list::list(options).await,
            PatCommand::Get(options) => one::get(options).await,
            PatCommand::Rotate(options) => secret::rotate(options, prefix).await,
            PatCommand::Delete(options) => one::delete(options).await,
            PatCommand::Import(options) => import::import(options).await,
            PatCommand::Sync(options) => sync::sync(options, prefix).await,
            PatCommand::ScannerRule(options) => scanner::rule(options, prefix),
            PatCommand::PurgeExpired(options) => bulk::purge_expired(options).await,
            PatCommand::Rewrap(options) => bulk::rewrap(options).await,
        }
    })
}
