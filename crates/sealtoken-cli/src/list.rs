//! Prints a list as a table, as one line of JSON, or as its number. It is read and written page by
//! page, so that memory does not grow with it.

use std::fmt::Write as _;
use std::io::{Write as _, stderr};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sealtoken::store::Cursor;
use sealtoken::{Listed, Listing, State};
use serde::Serialize;

use crate::failure::{Failure, problem};
use crate::output;
use crate::values::number;

/// How much of a list is printed, and in which form.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Print at most this many; if more follow, the last line on stderr is `next: CURSOR`
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_negative_numbers = true)]
    limit: Option<u64>,
    /// Continue a list that --limit ended; give the same filters
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    after: Option<Cursor>,
    /// Print only their number
    #[arg(long, conflicts_with_all = ["limit", "json"])]
    count: bool,
    /// Print a JSON list of objects
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the entries of a list are shown.
pub(crate) trait Rows<L: Listed> {
    fn heading(&self) -> String;

    fn line(&self, entry: &L::Entry) -> String;

    fn json<'a>(&self, entry: &'a L::Entry) -> impl Serialize + 'a;

    /// The code of a record that could not be read.
    fn code(&self, error: &L::Error) -> &'static str;

    /// The line of a record that could not be read.
    fn line_of_error(&self, code: &str) -> String;
}

/// The maximum number of entries in memory.
const PAGE: u32 = 500;

impl ListArgs {
    /// Prints the list. Fails if any records of it were tampered with.
    pub(crate) async fn print<L>(
        &self,
        list: Listing<L>,
        rows: &impl Rows<L>,
    ) -> Result<(), Failure>
    where
        L: Listed,
        Failure: From<L::Error>,
    {
        let mut next = self.after.clone();
        if self.count {
            let tally = list.after(next).tally().await?;
            output::line(&tally.count.to_string())?;
            return Failure::of_tampered(tally.tampered);
        }
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut tampered = 0_u64;
        let mut table = Table::new(self.json);
        while left > 0 {
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE);
            let page = list.clone().limit(limit).after(next).await?;
            left = left.saturating_sub(page.entries.len() as u64);
            for entry in &page.entries {
                tampered = tampered.saturating_add(u64::from(entry.is_err()));
                table.add(entry, rows)?;
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
        if let Some(next) = next.filter(|_| self.limit.is_some_and(|limit| limit > 0)) {
            let next = base16ct::lower::encode_string(next.as_bytes());
            // Errors of stderr are ignored: there is nowhere left to report them.
            let _ = writeln!(stderr(), "next: {next}");
        }
        Failure::of_tampered(tampered)
    }
}

/// The text of the entries that are not printed yet.
struct Table {
    json: bool,
    began: bool,
    text: String,
}

impl Table {
    const fn new(json: bool) -> Self {
        Self {
            json,
            began: false,
            text: String::new(),
        }
    }

    /// Adds an entry. The heading of a table comes before the first one.
    fn add<L: Listed>(
        &mut self,
        entry: &Result<L::Entry, L::Error>,
        rows: &impl Rows<L>,
    ) -> Result<(), Failure> {
        let began = std::mem::replace(&mut self.began, true);
        let added = if self.json {
            let json = match entry {
                Ok(entry) => output::json_text(&rows.json(entry))?,
                Err(error) => output::json_text(&output::code(rows.code(error)))?,
            };
            write!(self.text, "{}{}", if began { "," } else { "[" }, *json)
        } else {
            if !began {
                self.text += &rows.heading();
                self.text.push('\n');
            }
            let line = match entry {
                Ok(entry) => rows.line(entry),
                Err(error) => rows.line_of_error(rows.code(error)),
            };
            writeln!(self.text, "{line}")
        };
        added.map_err(problem)
    }

    /// Prints the entries so far. Returns whether stdout was still open.
    fn print(&mut self) -> Result<bool, Failure> {
        let is_open = output::part(self.text.as_bytes())?;
        self.text.clear();
        Ok(is_open)
    }

    fn end(self) -> Result<(), Failure> {
        match (self.json, self.began) {
            (true, true) => output::line("]"),
            (true, false) => output::line("[]"),
            (false, _) => Ok(()),
        }
    }
}

/// A parser for the states that a service has.
pub(crate) fn state(of: &'static [State]) -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(of.iter().map(|state| state.name())).try_map(|name| {
        let state = of.iter().find(|state| state.name() == name);
        state.copied().ok_or("no such state")
    })
}

/// Narrows a list to these states, if any are given.
pub(crate) fn in_states<L: Listed>(list: Listing<L>, states: &[State]) -> Listing<L> {
    match states.split_first() {
        Some((first, more)) => (more.iter().copied()).fold(list.only(*first), Listing::with),
        None => list,
    }
}

fn cursor(text: &str) -> Result<Cursor, &'static str> {
    let bytes = base16ct::lower::decode_vec(text);
    let bytes = bytes.map_err(|_| "give the cursor that a list with --limit printed")?;
    Ok(Cursor::from_bytes(bytes))
}
