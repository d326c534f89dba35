//! `pat list`: page by page, so memory does not grow with the store.

use std::io::{Write as _, stderr};

use sealtoken::pat::{ListedTokens, PersonalAccessTokens};
use sealtoken::store::Cursor;
use sealtoken::{Listing, State};

use crate::failure::{Failure, problem};
use crate::table::Table;

use super::args::{List, ListState};
use super::{open, show};
use crate::output;

/// The most entries in memory.
const PAGE: u32 = 500;

pub(super) async fn list(options: &List) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let mut next = options.after.as_deref().map(cursor).transpose()?;
    let pats = open::plain(&place).await?;
    let list = query(&pats, options);
    let now = place.now();
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
            // Nobody reads on.
            return Ok(());
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    table.end()?;
    if let Some(next) = next.filter(|_| options.limit.is_some_and(|limit| limit > 0)) {
        // If stderr is gone, nobody reads this.
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
    let bytes = bytes.map_err(|_| problem("--after takes what a list with --limit printed"))?;
    Ok(Cursor::from_bytes(bytes))
}
