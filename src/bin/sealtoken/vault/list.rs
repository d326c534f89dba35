//! `vault list`: page by page, so that memory does not grow with the vault.

use std::fmt::Write as _;

use sealtoken::vault::{self, Vault, VaultError};

use crate::failure::{Failure, problem};
use crate::output;

use super::args::List;
use super::show;

/// The most entries in memory.
const PAGE: u32 = 500;

pub(super) async fn list(options: &List) -> Result<(), Failure> {
    let vault = options.scope.prepare()?.open().await?;
    let list = query(&vault, options);
    if options.count {
        return output::line(&list.count().await?.to_string());
    }
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut tampered = 0_u64;
    let mut shown = Shown::new(options.json);
    let mut next = None;
    while left > 0 {
        let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE);
        let page = list.clone().limit(limit).after(next).await?;
        left = left.saturating_sub(page.entries.len() as u64);
        for entry in &page.entries {
            tampered = tampered.saturating_add(u64::from(entry.is_err()));
            shown.add(entry)?;
        }
        if !shown.print()? {
            // Nobody reads the rest.
            return Ok(());
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    shown.end()?;
    match tampered {
        0 => Ok(()),
        count => Err(Failure::tampered(count)),
    }
}

fn query<'a>(vault: &'a Vault, options: &List) -> vault::List<'a> {
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
    list = match (options.with_expired, options.only_expired) {
        (_, true) => list.only_expired(),
        (true, _) => list.with_expired(),
        _ => list,
    };
    match (options.with_deleted, options.only_deleted) {
        (_, true) => list.only_deleted(),
        (true, _) => list.with_deleted(),
        _ => list,
    }
}

/// A list on its way to stdout: a table, or one line of JSON.
struct Shown {
    json: bool,
    began: bool,
    text: String,
}

impl Shown {
    const fn new(json: bool) -> Self {
        Self {
            json,
            began: false,
            text: String::new(),
        }
    }

    fn add(&mut self, entry: &Result<vault::Info, VaultError>) -> Result<(), Failure> {
        let begin = match (self.began, self.json) {
            (true, true) => ",",
            (false, true) => "[",
            (false, false) => &show::heading(),
            (true, false) => "",
        };
        let text = match (entry, self.json) {
            (Ok(info), true) => serde_json::to_string(&show::members(info)).map_err(problem)?,
            (Err(error), true) => serde_json::to_string(&show::error(error)).map_err(problem)?,
            (Ok(info), false) => show::line(info),
            (Err(error), false) => show::line_of_error(error),
        };
        self.began = true;
        let end = if self.json { "" } else { "\n" };
        write!(self.text, "{begin}{text}{end}").map_err(problem)
    }

    /// Prints what there is so far; whether anybody reads it.
    fn print(&mut self) -> Result<bool, Failure> {
        let read = output::part(self.text.as_bytes())?;
        self.text.clear();
        Ok(read)
    }

    fn end(self) -> Result<(), Failure> {
        match (self.json, self.began) {
            (true, true) => output::line("]"),
            (true, false) => output::line("[]"),
            (false, _) => Ok(()),
        }
    }
}
