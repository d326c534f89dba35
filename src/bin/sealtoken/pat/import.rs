//! `pat import`: the tokens of another system, from lines of JSON.

#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(not(feature = "dynamodb"))]
#[path = "import/no_dynamodb.rs"]
mod dynamodb;

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};

use sealtoken::import::access_tokens::AccessToken;
use sealtoken::pat::PersonalAccessTokens;

use crate::failure::Failure;
use crate::input::hint;
use crate::lines::{AT_ONCE, Lines};
use crate::output::{self, Members, printable};
use crate::progress::Progress;
use crate::store::place::Prepared;

use super::args::Import;
use super::open;

pub(super) async fn import(options: &Import) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let mut done = Done::default();
    if let Some(from) = &options.from {
        let table = dynamodb::Table::at(from).await?;
        let pats = open::plain(&place).await?;
        from_table(&pats, &table, options, &mut done).await?;
    } else {
        from_lines(&place, options, &mut done).await?;
    }
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
    let found = match done.failed {
        0 => Ok(()),
        _ => Err(Failure::Told),
    };
    output::ended(printed, output::DONE, found)
}

async fn from_lines(place: &Prepared, options: &Import, done: &mut Done) -> Result<(), Failure> {
    let from: Box<dyn BufRead> = if let Some(file) = &options.file {
        let file = File::open(file).map_err(Failure::at("read the file of items"))?;
        Box::new(BufReader::new(file))
    } else {
        hint("an item a line", "to its end (Ctrl-D)");
        Box::new(BufReader::new(stdin()))
    };
    let pats = open::plain(place).await?;
    let progress = Progress::of("lines read")?;
    let mut lines = Lines::new(from, AccessToken::MAX_JSON, parse);
    while !lines.ended {
        let items: Vec<AccessToken> = lines.by_ref().take(AT_ONCE).collect();
        let bad = std::mem::take(&mut lines.bad);
        done.failed = done.failed.saturating_add(bad.len() as u64);
        let numbers = std::mem::take(&mut lines.good);
        let said = some(&pats, items, options.dry_run, done).await?;
        let good = numbers.into_iter().zip(said);
        let good = good.filter_map(|(number, said)| Some((number, said?)));
        let mut said: Vec<_> = bad.into_iter().chain(good).collect();
        said.sort_by_key(|(number, _)| *number);
        for (number, what) in said {
            progress.say(&format!("line {number}: {what}"));
        }
        progress.after(0)(lines.number);
        if let Some(error) = lines.failed.take() {
            return Err(Failure::at("read the items")(error));
        }
    }
    Ok(())
}

/// Page by page. What was taken in stays; where it ends early it is said after which item it can go on.
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
            let said = some(pats, page.items, options.dry_run, done).await?;
            said.into_iter()
                .flatten()
                .for_each(|said| progress.say(&said));
            Ok::<_, Failure>(page.next)
        };
        match page.await {
            Ok(next) => after = next,
            Err(failure) => {
                if let Some(id) = &after {
                    let id = printable(id);
                    progress.say(&format!("go on with --after {id}"));
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
    /// Imported before, and revoked there since or ended earlier: so they are here, too.
    restricted: u64,
    /// Imported, now or before, with a hash that nothing verifies with.
    unusable: u64,
    failed: u64,
}

/// Takes tokens in; what there is to say of each, in their order.
async fn some(
    pats: &PersonalAccessTokens,
    items: Vec<AccessToken>,
    dry_run: bool,
    done: &mut Done,
) -> Result<Vec<Option<String>>, Failure> {
    let ids: Vec<String> = items.iter().map(|item| printable(&item.token_id)).collect();
    let results = pats.import(items).dry_run(dry_run).await;
    let results = results.map_err(|error| {
        Failure::from(error).mended_by(
            "what was taken in stays: `sealtoken pat import`, run again with the same items, takes in the rest",
        )
    })?;
    let mut said = Vec::with_capacity(ids.len());
    for (id, result) in ids.into_iter().zip(results) {
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
    Ok(said)
}

fn parse(line: &[u8]) -> Result<AccessToken, String> {
    let text = str::from_utf8(line).map_err(|_| "malformed: the line is not UTF-8")?;
    AccessToken::from_dynamodb_json(text).map_err(|error| format!("{}: {error}", error.code()))
}
