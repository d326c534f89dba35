//! `vault list`: page by page, so that memory does not grow with the vault.

use clap::Args;
use sealtoken::vault::{ListedValues, Vault};
use sealtoken::{Listing, State, UnixTime};

use crate::failure::Failure;
use crate::output;
use crate::table::Table;
use crate::values::moment;

use super::scope::Scope;
use super::show;

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault list
  sealtoken vault list --label backup --expires-before 2027-01-01T00:00:00Z
  sealtoken vault list --only-deleted --json | jq -r '.[].id'
  sealtoken vault list --with-expired --with-deleted --count")]
pub(crate) struct List {
    #[command(flatten)]
    scope: Scope,
    /// Only values with this label
    #[arg(long)]
    label: Option<String>,
    /// Only values created at or after this moment: Unix seconds or RFC 3339
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    created_from: Option<UnixTime>,
    /// Only values created before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    created_before: Option<UnixTime>,
    /// Only values that expire at or after this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    expires_from: Option<UnixTime>,
    /// Only values that expire before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    expires_before: Option<UnixTime>,
    /// Also list expired values
    #[arg(long)]
    with_expired: bool,
    /// List only expired values
    #[arg(long, conflicts_with = "with_expired")]
    only_expired: bool,
    /// Also list soft-deleted values
    #[arg(long)]
    with_deleted: bool,
    /// List only soft-deleted values
    #[arg(long, conflicts_with = "with_deleted")]
    only_deleted: bool,
    /// Print at most this many values
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// Print only the number of values
    #[arg(long, conflicts_with = "limit")]
    count: bool,
    /// Print a JSON list of objects
    #[arg(long, conflicts_with = "count")]
    json: bool,
}

/// The maximum number of entries in memory.
const PAGE: u32 = 500;

pub(super) async fn run(options: &List) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let now = vault.now();
    let vault = vault.open().await?;
    let list = query(&vault, options, now);
    if options.count {
        let tally = list.tally().await?;
        output::line(&tally.count.to_string())?;
        return Failure::of_tampered(tally.tampered);
    }
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut tampered = 0_u64;
    let mut table = Table::new(options.json, show::heading);
    let mut next = None;
    while left > 0 {
        let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE);
        let page = list.clone().limit(limit).after(next).await?;
        left = left.saturating_sub(page.entries.len() as u64);
        for entry in &page.entries {
            tampered = tampered.saturating_add(u64::from(entry.is_err()));
            match entry {
                Ok(info) => table.add(|| info, || show::line(info))?,
                Err(error) => {
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
    Failure::of_tampered(tampered)
}

fn query(vault: &Vault, options: &List, now: UnixTime) -> Listing<ListedValues> {
    let mut list = vault.list();
    if let Some(label) = &options.label {
        list = list.label(label);
    }
    if let Some(at) = options.created_from {
        list = list.created_from(at);
    }
    if let Some(at) = options.created_before {
        list = list.created_before(at);
    }
    if let Some(at) = options.expires_from {
        list = list.expires_from(at);
    }
    if let Some(at) = options.expires_before {
        list = list.expires_before(at);
    }
    list = match (options.only_deleted, options.only_expired) {
        (true, _) => list.only(State::Deleted),
        (false, true) => list.only(State::Expired),
        (false, false) => list,
    };
    if options.with_expired && !options.only_deleted {
        list = list.with(State::Expired);
    }
    if options.with_deleted {
        list = list.with(State::Deleted);
    }
    // Of the soft-deleted values, only those that have expired, too.
    if options.only_expired && (options.only_deleted || options.with_deleted) {
        let next = now.saturating_add(1);
        let before = options.expires_before.map_or(next, |at| at.min(next));
        list = list.expires_before(before);
    }
    list
}
