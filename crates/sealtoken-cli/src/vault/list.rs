//! `vault list`: page by page, so that memory does not grow with the vault.

use sealtoken::vault::{ListedValues, Vault};
use sealtoken::{Listing, State, UnixTime};

use crate::failure::Failure;
use crate::output;
use crate::table::Table;

use super::args::List;
use super::show;

/// The most entries in memory.
const PAGE: u32 = 500;

pub(super) async fn list(options: &List) -> Result<(), Failure> {
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
