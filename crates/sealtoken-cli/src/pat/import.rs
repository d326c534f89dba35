//! `pat import`: the tokens of another system, from lines of JSON.

use std::io::{BufRead, BufReader, stdin};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use sealtoken::pat::{ForeignPat, PersonalAccessTokens};
use sealtoken_import::access_tokens::{self, AccessTokenError};

use crate::failure::{Failure, imported};
use crate::input::{hint, open as open_file};
use crate::lines::{BATCH, Lines};
use crate::output::{self, Members, printable};
use crate::progress::Progress;
use crate::store::{self, StoreArgs, Table};

use super::open;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  aws dynamodb scan --table-name tokens --consistent-read | jq -c '.Items[]' > items.jsonl
  sealtoken pat import items.jsonl --dry-run
  sealtoken pat import < items.jsonl")]
pub(crate) struct Import {
    #[command(flatten)]
    store: StoreArgs,
    /// The file, with one item a line [default: stdin]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// Read the table itself instead: dynamodb:TABLE?region=REGION, with the usual AWS credentials
    #[arg(long, value_name = "TABLE", conflicts_with = "file")]
    from: Option<String>,
    /// Continue an interrupted import of a table after this id, which its message names
    #[arg(long, value_name = "ID", requires = "from", conflicts_with = "file")]
    after: Option<String>,
    /// Only report what would be done
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object: imported, existing, restricted, unusable, failed
    #[arg(long)]
    json: bool,
}

const COMMAND: &str = "pat import";

/// The maximum size of a line, in bytes.
const MAX_LINE: usize = 1 << 20;

pub(super) async fn run(options: &Import) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let mut done = Done::default();
    let ended = if let Some(from) = &options.from {
        let table = store::access_tokens(from, options.after.as_deref()).await?;
        let pats = open::plain(&store).await?;
        from_table(&pats, table, options.dry_run, &mut done).await
    } else {
        let lines = lines(options)?;
        let pats = open::plain(&store).await?;
        from_lines(&pats, lines, options.dry_run, &mut done).await
    };
    ended.map_err(|failure| {
        if options.dry_run {
            return failure.advise("it was a dry run, and imported nothing");
        }
        failure.after_import(done.changed().as_deref(), COMMAND, "items")
    })?;
    let printed = if options.json {
        output::json(&Members(vec![
            ("dry_run", options.dry_run.into()),
            ("imported", done.imported.into()),
            ("existing", done.existing.into()),
            ("restricted", done.restricted.into()),
            ("unusable", done.unusable.into()),
            ("failed", done.failed.into()),
        ]))
    } else {
        output::line(&done.imported.to_string())
    };
    let kept = done.changed().filter(|_| !options.dry_run);
    let found = Failure::of_import(done.failed, kept.as_deref(), COMMAND);
    output::ended(printed, output::DONE, found)
}

/// The source of the items, one a line.
fn lines(options: &Import) -> Result<Box<dyn BufRead>, Failure> {
    if let Some(file) = &options.file {
        let file = open_file(file, "read the file of items")?;
        return Ok(Box::new(BufReader::new(file)));
    }
    hint("items, one a line,", "to its end (Ctrl-D)");
    Ok(Box::new(BufReader::new(stdin())))
}

async fn from_lines(
    pats: &PersonalAccessTokens,
    from: Box<dyn BufRead>,
    dry_run: bool,
    done: &mut Done,
) -> Result<(), Failure> {
    let progress = Progress::of("lines read")?;
    let mut lines = Lines::new(from, MAX_LINE, parse);
    while !lines.ended {
        let items: Vec<ForeignPat> = lines.by_ref().take(BATCH).collect();
        let mut notes = std::mem::take(&mut lines.bad);
        done.failed = done.failed.saturating_add(notes.len() as u64);
        let mut ended = Ok(());
        for (item, number) in items.into_iter().zip(std::mem::take(&mut lines.good)) {
            match one(pats, item, dry_run, done).await {
                Ok(note) => notes.extend(note.map(|note| (number, note))),
                Err(failure) => {
                    ended = Err(failure);
                    break;
                }
            }
        }
        notes.sort_by_key(|(number, _)| *number);
        for (number, note) in notes {
            progress.say(&format!("line {number}: {note}"));
        }
        ended?;
        progress.after(0)(lines.number);
        if let Some(error) = lines.failed.take() {
            return Err(Failure::at("read the items")(error));
        }
    }
    Ok(())
}

/// Imports the table token by token. If it ends early, what was imported stays, and a message says
/// after which item to continue.
async fn from_table(
    pats: &PersonalAccessTokens,
    mut table: Table,
    dry_run: bool,
    done: &mut Done,
) -> Result<(), Failure> {
    let progress = Progress::of("items read")?;
    let (mut imported_to, mut read) = (table.last_id().map(printable), 0_u64);
    let ended = loop {
        let Some(item) = table.next().await else {
            break Ok(());
        };
        let id = table.last_id().map(printable);
        let note = match item {
            Ok(item) => one(pats, item, dry_run, done).await,
            #[cfg(feature = "dynamodb")]
            Err(error @ AccessTokenError::Table(_)) => Err(Failure::Problem(error.to_string())),
            Err(error) => {
                done.failed = done.failed.saturating_add(1);
                let id = id.as_deref().unwrap_or("no id");
                Ok(Some(format!("{id}: {}", reason(&error))))
            }
        };
        match note {
            Ok(note) => note.iter().for_each(|note| progress.say(note)),
            Err(failure) => break Err(failure),
        }
        imported_to = id.or(imported_to);
        read = read.saturating_add(1);
        progress.after(0)(read);
    };
    if let (Err(_), Some(id)) = (&ended, imported_to) {
        progress.say(&format!("continue with --after {id}"));
    }
    ended
}

#[derive(Default)]
struct Done {
    imported: u64,
    /// Imported before.
    existing: u64,
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
            1 => Some("1 existing token was restricted and stays so".into()),
            count => Some(format!(
                "{count} existing tokens were restricted and stay so"
            )),
        };
        let parts: Vec<String> = imported(self.imported)
            .into_iter()
            .chain(restricted)
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Imports one token, and returns what there is to report about it. Tokens are imported one by one:
/// if the import ends early, the outcome of those before is known.
async fn one(
    pats: &PersonalAccessTokens,
    item: ForeignPat,
    dry_run: bool,
    done: &mut Done,
) -> Result<Option<String>, Failure> {
    let id = item.id;
    let Some(result) = pats.import([item]).dry_run(dry_run).await?.pop() else {
        return Ok(None);
    };
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
            let count = if imported.is_new {
                &mut done.imported
            } else {
                &mut done.existing
            };
            (count, note)
        }
        Err(error) => {
            let note = format!("{id}: {}: {error}", error.code());
            (&mut done.failed, Some(note))
        }
    };
    *count = count.saturating_add(1);
    Ok(note)
}

fn parse(line: &[u8]) -> Result<ForeignPat, String> {
    let text = str::from_utf8(line).map_err(|_| "malformed: the line is not UTF-8")?;
    access_tokens::from_dynamodb_json(text).map_err(|error| reason(&error))
}

/// The code of an error, and what it means.
fn reason(error: &AccessTokenError) -> String {
    format!("{}: {error}", error.code())
}
