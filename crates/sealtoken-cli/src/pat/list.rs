//! `pat list`: page by page, so that memory does not grow with the store.

use std::io::{Write as _, stderr};

use clap::{Args, ValueEnum};
use sealtoken::pat::{ListedTokens, PersonalAccessTokens};
use sealtoken::store::Cursor;
use sealtoken::{Listing, State};

use crate::failure::{Failure, problem};
use crate::output;
use crate::store::StoreArgs;
use crate::table::Table;

use super::{open, show};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat list
  sealtoken pat list --owner ada@example.com --state live
  sealtoken pat list --role deploy --json | jq -r '.[].id'
  sealtoken pat list --limit 100 --json")]
pub(crate) struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Only tokens of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only tokens with this role
    #[arg(long)]
    role: Option<String>,
    /// Only tokens in this state
    #[arg(long)]
    state: Option<ListState>,
    /// Print at most this many; if more follow, the last line on stderr is `next: CURSOR`
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// Continue a list that --limit ended; give the same --owner and --role
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Add the hashes of the secrets to the JSON
    #[arg(long, requires = "json")]
    with_hashes: bool,
    /// Print a JSON list of objects
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ListState {
    /// Can be used
    Live,
    /// Has expired
    Expired,
    /// Was revoked
    Revoked,
}

/// The maximum number of entries in memory.
const PAGE: u32 = 500;

pub(super) async fn run(options: &List) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let mut next = options.after.as_deref().map(cursor).transpose()?;
    let pats = open::plain(&store).await?;
    let list = query(&pats, options);
    let now = store.now();
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut tampered = 0_u64;
    let mut table = Table::new(options.json, show::heading);
    while left > 0 {
        let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE);
        let page = list.clone().limit(limit).after(next.take()).await?;
        left = left.saturating_sub(page.entries.len() as u64);
        for entry in &page.entries {
            match entry {
                Ok(record) => {
                    table.add(|| show::Shown::of(record, now), || show::line(record, now))?;
                }
                Err(error) => {
                    tampered = tampered.saturating_add(1);
                    table.add(|| output::code(error.code()), || show::line_of_error(error))?;
                }
            }
        }
        if !table.print()? {
            // Nobody reads the rest.
            return Ok(());
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    table.end()?;
    if let Some(next) = next.filter(|_| options.limit.is_some_and(|limit| limit > 0)) {
        // Errors of stderr are ignored: there is nowhere left to report them.
        let _ = writeln!(
            stderr(),
            "next: {}",
            base16ct::lower::encode_string(next.as_bytes())
        );
    }
    Failure::of_tampered(tampered)
}

fn query(pats: &PersonalAccessTokens, options: &List) -> Listing<ListedTokens> {
    let mut list = pats.list();
    if let Some(owner) = &options.owner {
        list = list.owner(owner);
    }
    if let Some(role) = &options.role {
        list = list.role(role);
    }
    if let Some(state) = options.state {
        list = list.only(match state {
            ListState::Live => State::Live,
            ListState::Expired => State::Expired,
            ListState::Revoked => State::Revoked,
        });
    }
    if options.with_hashes {
        list = list.with_hashes();
    }
    list
}

fn cursor(text: &str) -> Result<Cursor, Failure> {
    let bytes = base16ct::lower::decode_vec(text);
    let bytes = bytes.map_err(|_| {
        problem("--after is not a cursor: give the one that a list with --limit printed")
    })?;
    Ok(Cursor::from_bytes(bytes))
}
