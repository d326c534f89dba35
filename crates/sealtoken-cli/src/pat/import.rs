//! `pat import`: the tokens of another system, from lines of JSON.

#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(not(feature = "dynamodb"))]
#[path = "import/no_dynamodb.rs"]
mod dynamodb;

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};

use sealtoken::pat::PersonalAccessTokens;
use sealtoken_import::access_tokens::AccessToken;

use crate::failure::{Failure, taken_in};
use crate::input::hint;
use crate::lines::{self, AT_ONCE, Lines};
use crate::output::{self, Members, printable};
use crate::progress::Progress;

use super::args::Import;
use super::open;

const COMMAND: &str = "pat import";

pub(super) async fn import(options: &Import) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let mut done = Done::default();
    let ended = if let Some(from) = &options.from {
        let table = dynamodb::Table::at(from).await?;
        let pats = open::plain(&place).await?;
        from_table(&pats, &table, options, &mut done).await
    } else {
        let lines = lines(options)?;
        let pats = open::plain(&place).await?;
        from_lines(&pats, lines, options.dry_run, &mut done).await
    };
    ended.map_err(|failure| {
        if options.dry_run {
            return failure.mended_by("it was a dry run, and took in nothing");
        }
        failure.after_taking_in(done.changed().as_deref(), COMMAND, "items")
    })?;
    let printed = if options.json {
        output::json(&Members(vec![
            ("dry_run", options.dry_run.into()),
            ("imported", done.imported.into()),
            ("there", done.there.into()),
            ("restricted", done.restricted.into()),
            ("unusable", done.unusable.into()),
            ("failed", done.failed.into()),
        ]))
    } else {
        output::line(&done.imported.to_string())
    };
    let stay = done.changed().filter(|_| !options.dry_run);
    let found = lines::refused(done.failed, stay.as_deref(), COMMAND);
    output::ended(printed, output::DONE, found)
}

/// The source of the items, one a line.
fn lines(options: &Import) -> Result<Box<dyn BufRead>, Failure> {
    if let Some(file) = &options.file {
        let file = File::open(file).map_err(Failure::at("read the file of items"))?;
        return Ok(Box::new(BufReader::new(file)));
    }
    hint("an item a line", "to its end (Ctrl-D)");
    Ok(Box::new(BufReader::new(stdin())))
}

async fn from_lines(
    pats: &PersonalAccessTokens,
    from: Box<dyn BufRead>,
    dry_run: bool,
    done: &mut Done,
) -> Result<(), Failure> {
    let progress = Progress::of("lines read")?;
    let mut lines = Lines::new(from, AccessToken::MAX_JSON, parse);
    while !lines.ended {
        let items: Vec<AccessToken> = lines.by_ref().take(AT_ONCE).collect();
        let bad = std::mem::take(&mut lines.bad);
        done.failed = done.failed.saturating_add(bad.len() as u64);
        let numbers = std::mem::take(&mut lines.good);
        let mut said = Vec::with_capacity(items.len());
        let ended = some(pats, items, dry_run, done, &mut said).await;
        let good = numbers.into_iter().zip(said);
        let good = good.filter_map(|(number, said)| Some((number, said?)));
        let mut said: Vec<_> = bad.into_iter().chain(good).collect();
        said.sort_by_key(|(number, _)| *number);
        for (number, what) in said {
            progress.say(&format!("line {number}: {what}"));
        }
        ended?;
        progress.after(0)(lines.number);
        if let Some(error) = lines.failed.take() {
            return Err(Failure::at("read the items")(error));
        }
    }
    Ok(())
}

/// Imports page by page. If it ends early, what was taken in stays, and a message says after which
/// item to continue.
async fn from_table(
    pats: &PersonalAccessTokens,
    table: &dynamodb::Table,
    options: &Import,
    done: &mut Done,
) -> Result<(), Failure> {
    let progress = Progress::of("items read")?;
    let (mut after, mut read) = (options.after.clone(), 0_u64);
    loop {
        let page = async {
            let page = table.page(after.as_deref()).await?;
            for (id, error) in &page.bad {
                done.failed = done.failed.saturating_add(1);
                let id = id.as_deref().map_or("no id".into(), printable);
                progress.say(&format!("{id}: {}: {error}", error.code()));
            }
            let items = page.items.len().saturating_add(page.bad.len());
            read = read.saturating_add(items as u64);
            let mut said = Vec::new();
            let ended = some(pats, page.items, options.dry_run, done, &mut said).await;
            said.into_iter()
                .flatten()
                .for_each(|said| progress.say(&said));
            ended.map(|()| page.next)
        };
        match page.await {
            Ok(next) => after = next,
            Err(failure) => {
                if let Some(id) = &after {
                    let id = printable(id);
                    progress.say(&format!("continue with --after {id}"));
                }
                return Err(failure);
            }
        }
        progress.after(0)(read);
        if after.is_none() {
            return Ok(());
        }
    }
}

#[derive(Default)]
struct Done {
    imported: u64,
    /// Imported before.
    there: u64,
    /// Imported before, and since revoked there or expiring earlier: now they are here, too.
    restricted: u64,
    /// Imported, now or before, with a hash that cannot be verified.
    unusable: u64,
    failed: u64,
}

impl Done {
    /// What changed, if anything did.
    fn changed(&self) -> Option<String> {
        let restricted = match self.restricted {
            0 => None,
            1 => Some("1 that was there was restricted, and stays so".into()),
            count => Some(format!(
                "{count} that were there were restricted, and stay so"
            )),
        };
        let parts: Vec<String> = taken_in(self.imported)
            .into_iter()
            .chain(restricted)
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Takes tokens in, and notes what there is to say of each, in order. One by one: if it ends early,
/// the outcome of those before is known.
async fn some(
    pats: &PersonalAccessTokens,
    items: Vec<AccessToken>,
    dry_run: bool,
    done: &mut Done,
    said: &mut Vec<Option<String>>,
) -> Result<(), Failure> {
    for item in items {
        let id = item.token_id;
        let result = pats.import([item]).dry_run(dry_run).await?.pop();
        let Some(result) = result else { continue };
        let (count, note) = match result {
            Ok(imported) => {
                let note = imported.unusable.map(|reason| {
                    done.unusable = done.unusable.saturating_add(1);
                    let code = reason.code();
                    format!("{id}: unusable, and kept as it is: {code}: {reason}")
                });
                if imported.restricted {
                    done.restricted = done.restricted.saturating_add(1);
                }
                let count = if imported.new {
                    &mut done.imported
                } else {
                    &mut done.there
                };
                (count, note)
            }
            Err(error) => {
                let note = format!("{id}: {}: {error}", error.code());
                (&mut done.failed, Some(note))
            }
        };
        *count = count.saturating_add(1);
        said.push(note);
    }
    Ok(())
}

fn parse(line: &[u8]) -> Result<AccessToken, String> {
    let text = str::from_utf8(line).map_err(|_| "malformed: the line is not UTF-8")?;
    AccessToken::from_dynamodb_json(text).map_err(|error| format!("{}: {error}", error.code()))
}
