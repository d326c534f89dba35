//! `pat import`: the tokens of another system, from lines of JSON.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};

use sealtoken::import::access_tokens::AccessToken;
use sealtoken::pat::PersonalAccessTokens;

use crate::failure::Failure;
use crate::input::hint;
use crate::lines::{AT_ONCE, Lines};
use crate::output::{self, Members, printable};
use crate::progress::Progress;

use super::args::Import;
use super::open;

pub(super) async fn import(options: &Import) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let from: Box<dyn BufRead> = if let Some(file) = &options.file {
        let file = File::open(file).map_err(Failure::at("read the file of items"))?;
        Box::new(BufReader::new(file))
    } else {
        hint("an item a line", "to its end (Ctrl-D)");
        Box::new(BufReader::new(stdin()))
    };
    let pats = open::plain(&place).await?;
    let progress = Progress::of("lines read")?;
    let mut lines = Lines::new(from, AccessToken::MAX_JSON, parse);
    let mut done = Done::default();
    while !lines.ended {
        for line in some(&pats, &mut lines, options.dry_run, &mut done).await? {
            progress.say(&line);
        }
        progress.after(0)(lines.number);
        if let Some(error) = lines.failed.take() {
            return Err(Failure::at("read the items")(error));
        }
    }
    drop(progress);
    if options.json {
        output::json(&Members(vec![
            ("dry_run", options.dry_run.into()),
            ("imported", done.imported.into()),
            ("there", done.there.into()),
            ("unusable", done.unusable.into()),
            ("failed", done.failed.into()),
        ]))?;
    } else {
        output::line(&done.imported.to_string())?;
    }
    match done.failed {
        0 => Ok(()),
        _ => Err(Failure::Told),
    }
}

#[derive(Default)]
struct Done {
    imported: u64,
    /// Imported before.
    there: u64,
    /// Imported, now or before, with a hash that nothing verifies with.
    unusable: u64,
    failed: u64,
}

/// Takes in what the next lines hold; what there is to say of them, in their order.
async fn some(
    pats: &PersonalAccessTokens,
    lines: &mut Lines<Box<dyn BufRead>, AccessToken>,
    dry_run: bool,
    done: &mut Done,
) -> Result<Vec<String>, Failure> {
    let items: Vec<AccessToken> = lines.take(AT_ONCE).collect();
    let ids: Vec<String> = items.iter().map(|item| printable(&item.token_id)).collect();
    let results = pats.import(items).dry_run(dry_run).await?;
    let mut said = std::mem::take(&mut lines.bad);
    done.failed = done.failed.saturating_add(said.len() as u64);
    let numbers = std::mem::take(&mut lines.good);
    for ((number, id), result) in numbers.into_iter().zip(ids).zip(results) {
        let count = match result {
            Ok(imported) => {
                if let Some(reason) = imported.unusable {
                    done.unusable = done.unusable.saturating_add(1);
                    let note = format!(
                        "{id}: unusable, and kept as it is: {}: {reason}",
                        reason.code()
                    );
                    said.push((number, note));
                }
                if imported.new {
                    &mut done.imported
                } else {
                    &mut done.there
                }
            }
            Err(error) => {
                said.push((number, format!("{id}: {}: {error}", error.code())));
                &mut done.failed
            }
        };
        *count = count.saturating_add(1);
    }
    said.sort_by_key(|(number, _)| *number);
    let said = said
        .into_iter()
        .map(|(number, what)| format!("line {number}: {what}"));
    Ok(said.collect())
}

fn parse(line: &[u8]) -> Result<AccessToken, String> {
    let text = str::from_utf8(line).map_err(|_| "malformed: the line is not UTF-8")?;
    AccessToken::from_dynamodb_json(text).map_err(|error| format!("{}: {error}", error.code()))
}
